package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store/azurestore"
)

// openAzure is AzureKeyVaultBackend.__init__; the client is made at the first
// look-up.
func openAzure(kwargs *pyjson.Object, env Env) (*Backend, error) {
	names, err := dialect.AzureFromKwargs(kwargs, env.MultiTeam)
	if err != nil {
		return nil, err
	}
	s, notes := azurestore.FromKwargs(kwargs, azurestore.Env{Getenv: env.Getenv, Dir: env.Dir, Confined: env.Confined, Words: env.Words})
	return &Backend{Store: s, Dialect: names, Notes: notes}, nil
}

// azureNotes are those of a store that is thrown away: making one opens nothing.
func azureNotes(kwargs *pyjson.Object) []string {
	s, notes := azurestore.FromKwargs(kwargs, azurestore.Env{})
	_ = s.Close()
	return notes
}
