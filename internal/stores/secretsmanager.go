package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store/secretsmanagerstore"
)

// openSecretsManager is SecretsManagerBackend.__init__.
func openSecretsManager(kwargs *pyjson.Object, env Env) (*Backend, error) {
	names, err := dialect.SecretsManagerFromKwargs(kwargs, env.MultiTeam)
	if err != nil {
		return nil, err
	}
	return &Backend{Store: secretsmanagerstore.FromKwargs(kwargs, awsEnv(env)), Dialect: names,
		Notes: secretsManagerNotes(kwargs)}, nil
}

func secretsManagerNotes(kwargs *pyjson.Object) []string {
	return awsconn.Notes(kwargs, dialect.SecretsManagerKwargs()...)
}

func secretsManagerRoute(kwargs *pyjson.Object, env Env) []route.Point {
	return awsconn.Route("secretsmanager", kwargs, awsEnv(env))
}

func secretsManagerLacks(kwargs *pyjson.Object, env Env) string {
	return awsconn.Lacks("secretsmanager", kwargs, awsEnv(env))
}

func secretsManagerKwargs() []string { return sorted(dialect.SecretsManagerKwargs(), awsconn.Kwargs()) }
