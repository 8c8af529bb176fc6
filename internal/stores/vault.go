package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store/gcpstore"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// openVault is VaultBackend.__init__: first what concerns names, then the
// client.
func openVault(kwargs *pyjson.Object, env Env) (*Backend, error) {
	names, warnings, err := dialect.VaultFromKwargs(kwargs, env.MultiTeam)
	if err != nil {
		return nil, err
	}
	s, err := vaultstore.FromKwargs(kwargs, env.vault())
	if err != nil {
		return nil, err
	}
	return &Backend{Store: s, Dialect: names, Notes: append(warnings, vaultstore.Notes(kwargs)...)}, nil
}

// google opens an account for auth_type gcp.
func (e Env) google(keyPath, keyfile any, scopes []string) (vaultstore.GoogleAccount, error) {
	return gcpstore.OpenSigner(keyPath, keyfile, scopes, e.gcp())
}

func (e Env) vault() vaultstore.Env {
	return vaultstore.Env{Getenv: e.Getenv, Home: e.Home, Dir: e.Dir, Confined: e.Confined, Google: e.google, Words: e.Words}
}

// vaultRoute is where VaultBackend's requests go, those of its log-in
// included.
func vaultRoute(kwargs *pyjson.Object, env Env) []route.Point {
	return vaultstore.Route(kwargs, env.vault())
}

// vaultLacks names the credential that VaultBackend lacks.
func vaultLacks(kwargs *pyjson.Object, env Env) string {
	lacks, _ := vaultstore.Lacks(kwargs, env.vault())
	return lacks
}
