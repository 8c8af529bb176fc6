package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVaultLogins reads through a log-in other than the guide's, and through
// one that the server refuses, and is told what is wrong without the password.
func TestVaultLogins(t *testing.T) {
	v, want := newVault(t), newSeeds(t)
	v.put(t, want)
	password, wrong := secret(t), secret(t)
	v.cli.ok(t, "auth", "enable", "-path=people", "userpass")
	v.cli.ok(t, "write", "auth/people/users/airflow", "password="+password, "token_policies="+approle)
	dir := t.TempDir()
	settings := func(kwargs string) {
		t.Helper()
		text := "AIRFLOW__SECRETS__BACKEND=airflow.providers.hashicorp.secrets.vault.VaultBackend\nAIRFLOW__SECRETS__BACKEND_KWARGS='" + kwargs + "'\n"
		if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := airlockIn(dir)
	const userpass = `{"url": %q, "auth_type": "userpass", "auth_mount_point": "people", "username": "airflow", "password": %q, "role_id": "of another log-in"}`
	settings(fmt.Sprintf(userpass, v.Addr, password))
	if got := p.revealing().run(t, "variables", "get", variableKey); strings.TrimSpace(got.stdout) != want.variable || got.code != 0 {
		t.Errorf("variables get answers another value:\n%s", got)
	}
	r := p.run(t, "explain", "variable", variableKey)
	claim(t, r.code == 0 && strings.Contains(r.stdout+r.stderr, `"role_id" is ignored with auth_type userpass`), "explain does not name the kwarg without effect:\n%s", r)
	settings(fmt.Sprintf(userpass, v.Addr, wrong))
	r = p.run(t, "variables", "get", variableKey)
	claim(t, r.code != 0 && strings.Contains(r.stderr, "check username and password"), "a wrong password is not explained:\n%s", r)
	// This log-in is the user's own token, so that the address has to be theirs.
	p = p.with("VAULT_ADDR=" + v.Addr)
	settings(fmt.Sprintf(`{"url": %q, "auth_type": "azure", "azure_resource": "r", "azure_tenant_id": "t"}`, v.Addr))
	r = p.run(t, "variables", "get", variableKey)
	claim(t, r.code != 0 && strings.Contains(r.stderr, "does not log in with auth_type azure"), "what azure does is not explained:\n%s", r)
}
