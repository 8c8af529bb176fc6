package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store/azurestore"
)

// openAzure is AzureKeyVaultBackend.__init__; the client is made at the first
// look-up.
func openAzure(kwargs *pyjson.Object, env Env) (*Backend, error) {
	names, err := dialect.AzureFromKwargs(kwargs, env.MultiTeam)
	if err != nil {
		return nil, err
	}
	s, notes := azurestore.FromKwargs(kwargs, env.azure())
	return &Backend{Store: s, Dialect: names, Notes: notes}, nil
}

// azure is what Azure's settings are read from.
func (e Env) azure() azurestore.Env {
	return azurestore.Env{Getenv: e.Getenv, Dir: e.Dir, Confined: e.Confined, Words: e.Words, Secrets: e.Secrets}
}

func azureRoute(kwargs *pyjson.Object, env Env) []route.Point {
	return azurestore.Route(kwargs, env.azure())
}

func azureLacks(kwargs *pyjson.Object, env Env) string { return azurestore.Lacks(kwargs, env.azure()) }

// azureNotes are those of a store that is thrown away: making one opens nothing.
func azureNotes(kwargs *pyjson.Object) []string {
	s, notes := azurestore.FromKwargs(kwargs, azurestore.Env{})
	_ = s.Close()
	return notes
}
