package check

import (
	"path/filepath"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/config"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
)

func programRules() []Rule {
	return []Rule{{
		ID: "program-in-folder", Severity: Error, Title: "a file of the folder names a program that gives the backend its credentials",
		Why: "The program runs with the rights and the environment of whoever starts Airflow. In a project that comes from somebody else it is their code. " +
			"airlock runs such a program only where the process environment names it and permits it.",
		Airflow: "Where GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES is 1, Google's library runs the command for each token, with the environment of Airflow.",
		Find:    findPrograms,
	}}
}

const googleConfig = "gcp_credential_config_file"

func findPrograms(s *Subject, report Report) {
	seen := map[project.Span]bool{} // several containers may share a file
	found := func(at project.Span) {
		if seen[at] {
			return
		}
		seen[at] = true
		report(Finding{Span: at, Message: "credential_source names an executable, which Airflow runs and airlock does not",
			Fix: "if you know the program, set backend, kwargs and permission in the environment that Airflow and airlock run in"})
	}
	for _, b := range s.Backends {
		kwargs := meantKwargs(b)
		if b.Row.Service != "gcp" || kwargs == nil || !namesProgram(kwargs) {
			continue
		}
		if at := b.At(googleConfig); at.File != nil && isOfFolder(at.File.Kind) {
			found(at)
		}
	}
	for _, f := range s.Project.Files {
		if f.Kind != project.AirlockConfig {
			continue
		}
		read, _ := config.Load(filepath.Join(s.Project.Dir, filepath.FromSlash(f.Path)), f.Path, expander(s.Project))
		if read == nil {
			continue // airlock-config says why
		}
		for i := range read.Sources {
			row, err := stores.Known().Find(read.Sources[i].Class)
			if err == nil && row.Row.Service == "gcp" && namesProgram(read.Sources[i].Kwargs.Object()) {
				found(position(f, read.Sources[i].At("kwargs")))
			}
		}
	}
}

// isOfFolder tells the files from which airlock takes settings.
func isOfFolder(k project.Kind) bool {
	return k == project.DotEnv || k == project.Dockerfile || k == project.AirflowConfig
}

// namesProgram tells whether a Google account gets its token from a program
// (google.auth.pluggable).
func namesProgram(kwargs *pyjson.Object) bool {
	v, _ := kwargs.Get(googleConfig)
	if text, ok := v.(string); ok {
		v, _ = pyjson.Decode(text)
	}
	for _, name := range []string{"credential_source", "executable", "command"} {
		object, ok := v.(*pyjson.Object)
		if !ok {
			return false
		}
		v, _ = object.Get(name)
	}
	return pyjson.Truthy(v)
}
