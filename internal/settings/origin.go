package settings

import (
	"fmt"
	"path/filepath"
)

// Place is what sort of place a setting came from.
type Place string

// The places, in the order in which they are asked.
const (
	Process    Place = "process environment"
	DotEnv     Place = ".env"
	Dockerfile Place = "Dockerfile"
	ConfigFile Place = "airflow.cfg"
	Default    Place = "default"
)

// AirlockFile is airlock's own file, which names backends in place of
// Airflow's options.
const AirlockFile Place = "airlock.yaml"

// Via is how a setting's value was had from what stands at its origin.
type Via string

// The ways of _CMD and _SECRET. The zero value means that the value itself
// stands there.
const (
	Command Via = "command"
	Secret  Via = "secrets backend"
)

// Origin says where a setting came from. The zero value is no origin.
type Origin struct {
	Place Place
	// File is the path of the file; empty for Process and Default.
	File string
	// Line counts from 1; 0 where there is no file.
	Line int
	// Name is what the setting is called there: an environment variable, or
	// an option as "[section] key"; empty for Default.
	Name string
	Via  Via
	// Users says of an AirlockFile that the user named it (--config).
	Users bool
}

// String says where, for people: "process environment", ".env:3",
// "/home/me/airflow/airflow.cfg:12", "command in Dockerfile:7", "default".
func (o Origin) String() string {
	where := string(o.Place)
	switch o.Place {
	case DotEnv, Dockerfile:
		where = fmt.Sprintf("%s:%d", filepath.Base(o.File), o.Line)
	case ConfigFile, AirlockFile:
		where = fmt.Sprintf("%s:%d", o.File, o.Line)
	}
	switch o.Via {
	case Command:
		return "command in " + where
	case Secret:
		return "secrets backend, as named in " + where
	}
	return where
}

// systemFolder holds the settings of the machine's administrator.
const systemFolder = "/etc/airlock"

// OfFolder reports whether the folder decides what stands at an origin, and so
// whoever wrote the folder. The user's word is the process environment, the
// defaults, the airflow.cfg of an AIRFLOW_HOME or AIRFLOW_CONFIG that the
// process environment names by a path of its own (or the default one), an
// airlock.yaml that --config names, and what is in /etc/airlock. A value
// whose text holds a variable of the folder is not seen here: [Settings.Own]
// and [Settings.Folder] show it.
func (s *Settings) OfFolder(at Origin) bool {
	switch at.Place {
	case Process, Default:
		return false
	case ConfigFile:
		return s.config == nil || s.config.path != at.File || !s.config.trusted
	case AirlockFile:
		return !at.Users && filepath.Dir(at.File) != systemFolder
	}
	return true
}
