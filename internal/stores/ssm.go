package stores

import (
	"slices"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store/ssmstore"
)

// openSSM is SystemsManagerParameterStoreBackend.__init__.
func openSSM(kwargs *pyjson.Object, env Env) (*Backend, error) {
	names, err := dialect.SSMFromKwargs(kwargs, env.MultiTeam)
	if err != nil {
		return nil, err
	}
	return &Backend{Store: ssmstore.FromKwargs(kwargs, awsEnv(env)), Dialect: names,
		Notes: ssmNotes(kwargs)}, nil
}

func ssmNotes(kwargs *pyjson.Object) []string { return awsconn.Notes(kwargs, dialect.SSMKwargs()...) }

func ssmRoute(kwargs *pyjson.Object, env Env) []route.Point {
	return awsconn.Route("ssm", kwargs, awsEnv(env))
}

func ssmLacks(kwargs *pyjson.Object, env Env) string {
	return awsconn.Lacks("ssm", kwargs, awsEnv(env))
}

func ssmKwargs() []string { return sorted(dialect.SSMKwargs(), awsconn.Kwargs()) }

func sorted(lists ...[]string) []string { return slices.Sorted(slices.Values(slices.Concat(lists...))) }

// awsEnv is what AWS's own settings are read from.
func awsEnv(env Env) awsconn.Env {
	return awsconn.Env{Getenv: env.Getenv, Home: env.Home, Dir: env.Dir, Confined: env.Confined, Words: env.Words,
		Secrets: env.Secrets}
}
