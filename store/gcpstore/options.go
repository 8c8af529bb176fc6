package gcpstore

import (
	"log/slog"
	"path/filepath"
	"time"

	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/internal/route"
)

// DefaultUniverse is the domain below which Google's services are.
const DefaultUniverse = "googleapis.com"

// DefaultTimeout is how long Google's client goes on with one call, waits
// between attempts included (secret_manager_service/transports/base.py).
const DefaultTimeout = 60 * time.Second

// Options configure a Store; [FromKwargs] fills them in from a backend's
// kwargs.
type Options struct {
	// Project whose secrets are meant. Empty: the credentials'.
	Project string
	// Credentials say who asks. Nil: the environment's (google.auth.default).
	Credentials *Credentials
	// Universe is the domain of the service. Empty:
	// GOOGLE_CLOUD_UNIVERSE_DOMAIN, else DefaultUniverse.
	Universe string
	// Timeout of each call, further attempts included. 0: DefaultTimeout.
	Timeout time.Duration
	// Env is the environment to read; the zero value is empty.
	Env Env
	// Log receives debug messages, names in them but no values. Nil: none.
	Log *slog.Logger
}

// Env is the process environment as the store may see it.
type Env struct {
	// Getenv is os.LookupEnv or a stand-in; nil is an empty environment.
	Getenv func(name string) (string, bool)
	// Home is the user's folder where HOME is not set. Empty: there is none.
	Home string
	// Dir is where relative paths of files start; empty: the process's.
	Dir string
	// Confined bounds what may be used besides the kwargs; nil allows all.
	Confined *route.Confinement
	// Words say whose word the settings are, for a program that gives a
	// token. The zero value runs none.
	Words program.Words
	// Secrets learn what requests carry; nil learns nothing.
	Secrets *redact.Set
}

func (e Env) lookup(name string) (string, bool) {
	if e.Getenv == nil {
		return "", false
	}
	return e.Getenv(name)
}

func (e Env) get(name string) string {
	v, _ := e.lookup(name)
	return v
}

// first returns the first of the variables that is not empty.
func (e Env) first(names ...string) string {
	for _, name := range names {
		if v := e.get(name); v != "" {
			return v
		}
	}
	return ""
}

// firstName returns the name of the first of the variables that is not empty;
// "" where all are.
func (e Env) firstName(names ...string) string {
	for _, name := range names {
		if e.get(name) != "" {
			return name
		}
	}
	return ""
}

func (e Env) home() string {
	if home, ok := e.lookup("HOME"); ok {
		return home
	}
	return e.Home
}

// path makes a relative path start in Dir.
func (e Env) path(path string) string {
	if path == "" || e.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.Dir, path)
}
