package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store/gcpstore"
)

// openGCP is CloudSecretManagerBackend.__init__: the arguments, what concerns
// names, then the credentials and the project. Where nothing names a project
// but a metadata server may, that is asked here, as by the class.
func openGCP(kwargs *pyjson.Object, env Env) (*Backend, error) {
	if err := gcpstore.CheckKwargs(kwargs); err != nil {
		return nil, err
	}
	names, err := dialect.GCPFromKwargs(kwargs, env.MultiTeam)
	if err != nil {
		return nil, err
	}
	s, warnings, err := gcpstore.FromKwargs(kwargs, env.gcp())
	if err != nil {
		return nil, err
	}
	return &Backend{Store: s, Dialect: names, Notes: warnings}, nil
}

// gcp is what Google's settings are read from.
func (e Env) gcp() gcpstore.Env {
	return gcpstore.Env{Getenv: e.Getenv, Home: e.Home, Dir: e.Dir, Confined: e.Confined, Words: e.Words, Secrets: e.Secrets}
}

func gcpRoute(kwargs *pyjson.Object, env Env) []route.Point { return gcpstore.Route(kwargs, env.gcp()) }

func gcpLacks(kwargs *pyjson.Object, env Env) string { return gcpstore.Lacks(kwargs, env.gcp()) }

// checkGCP leaves out what openGCP reads and asks to find the credentials.
func checkGCP(kwargs *pyjson.Object, env Env) Verdict {
	if err := gcpstore.CheckKwargs(kwargs); err != nil {
		return Verdict{Raised: err}
	}
	if _, err := dialect.GCPFromKwargs(kwargs, env.MultiTeam); err != nil {
		return Verdict{Raised: err}
	}
	raised, broken := gcpstore.Check(kwargs)
	return Verdict{Raised: raised, Broken: broken}
}
