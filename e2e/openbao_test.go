package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

// The names that the guide leaves to its reader.
const (
	variableKey  = "my-test-variable"
	connectionID = "my-test-connection"
	approle      = "astro"
)

// guidePolicy is the policy of Astronomer's guide to a Vault secrets backend.
const guidePolicy = `path "secret/data/variables/*" {
  capabilities = ["read", "list"]
}

path "secret/data/connections/*" {
  capabilities = ["read", "list"]
}
`

// vault is an OpenBao server set up with the guide's own commands.
type vault struct {
	*baotest.Server
	cli              program
	roleID, secretID string
}

// newVault starts a server and makes the guide's policy and AppRole.
func newVault(t testing.TB) *vault {
	t.Helper()
	v := &vault{Server: baotest.Start(t)}
	dir := t.TempDir()
	v.cli = baoCLI(t, v.Addr, v.Token).in(dir)
	policy := filepath.Join(dir, "policy.hcl")
	if err := os.WriteFile(policy, []byte(guidePolicy), 0o600); err != nil {
		t.Fatal(err)
	}
	v.cli.ok(t, "policy", "write", approle, policy)
	v.cli.ok(t, "auth", "enable", "approle")
	v.cli.ok(t, "write", "auth/approle/role/"+approle, "token_policies="+approle)
	v.roleID = v.cli.ok(t, "read", "-field=role_id", "auth/approle/role/"+approle+"/role-id")
	v.secretID = v.newSecretID(t)
	return v
}

// baoCLI is the bao command line at an address.
func baoCLI(t testing.TB, addr, token string) program {
	t.Helper()
	return tool(t, "bao").with("VAULT_ADDR="+addr, "VAULT_TOKEN="+token)
}

func (v *vault) newSecretID(t testing.TB) string {
	t.Helper()
	return v.cli.ok(t, "write", "-f", "-field=secret_id", "auth/approle/role/"+approle+"/secret-id")
}

// put stores a variable and a connection the way the guide does.
func (v *vault) put(t testing.TB, s seeds) {
	t.Helper()
	v.cli.ok(t, "kv", "put", "secret/variables/"+variableKey, "value="+s.variable)
	v.cli.ok(t, "kv", "put", "secret/connections/"+connectionID, "conn_uri="+s.connection)
}

// settings are the environment variables of the guide for this server, its
// class path excepted, which Airflow 3 no longer knows.
func (v *vault) settings() []string {
	return []string{
		"AIRFLOW__SECRETS__BACKEND=airflow.providers.hashicorp.secrets.vault.VaultBackend",
		"AIRFLOW__SECRETS__BACKEND_KWARGS=" + v.kwargs(),
	}
}

// kwargs is the guide's JSON text, with the host name and the placeholders
// filled in and nothing else touched.
func (v *vault) kwargs() string {
	return strings.NewReplacer(
		"http://host.docker.internal:8200", v.Addr,
		"<your-approle-id>", v.roleID,
		"<your-approle-secret>", v.secretID,
	).Replace(guideKwargs)
}

const guideKwargs = `{"connections_path": "connections", "variables_path": "variables", "config_path": null, "url": "http://host.docker.internal:8200", "auth_type": "approle", "role_id":"<your-approle-id>", "secret_id":"<your-approle-secret>"}`

// seeds are a variable's value and a connection's URI, each with a secret of
// its own.
type seeds struct{ variable, connection string }

func newSeeds(t testing.TB) seeds {
	t.Helper()
	return seeds{
		variable:   secret(t),
		connection: "postgres://airflow:" + secret(t) + "%2F%40@db.example.com:5432/warehouse?sslmode=require",
	}
}
