package stores

import (
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/awsconn"
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
	return vaultstore.Env{Getenv: e.Getenv, Home: e.Home, Dir: e.Dir, Confined: e.Confined, Google: e.google, Words: e.Words,
		Secrets: e.Secrets}
}

// vaultRoute is where VaultBackend's requests go, those of its log-in
// included.
func vaultRoute(kwargs *pyjson.Object, env Env) []route.Point {
	points := vaultstore.Route(kwargs, env.vault())
	_, outside := vaultstore.Lacks(kwargs, env.vault())
	switch {
	case outside && isGoogle(kwargs):
		points = append(points, gcpstore.SignerRoute(member(kwargs, "gcp_key_path"), member(kwargs, "gcp_keyfile_dict"), env.gcp())...)
	case outside:
		points = append(points, awsconn.SessionRoute(awsEnv(env), member(kwargs, "assume_role_kwargs") != nil)...)
	}
	return points
}

// vaultLacks names the credential that VaultBackend lacks.
func vaultLacks(kwargs *pyjson.Object, env Env) string {
	lacks, outside := vaultstore.Lacks(kwargs, env.vault())
	switch {
	case outside && isGoogle(kwargs):
		return gcpstore.SignerLacks(member(kwargs, "gcp_key_path"), member(kwargs, "gcp_keyfile_dict"), env.gcp())
	case outside:
		return awsconn.SessionLacks(awsEnv(env))
	}
	return lacks
}

func isGoogle(kwargs *pyjson.Object) bool { return member(kwargs, "auth_type") == "gcp" }

// member is a kwarg that is true to Python, else nil.
func member(kwargs *pyjson.Object, name string) any {
	if v, _ := kwargs.Get(name); pyjson.Truthy(v) {
		return v
	}
	return nil
}
