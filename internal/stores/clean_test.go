package stores

import (
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// An @ or / that nobody escaped ends a password early: what follows becomes
// part of the host, which errors name.
func TestAPasswordWithAnAtSignIsNotShown(t *testing.T) {
	for _, conn := range []string{
		"postgresql://user:pass@CANARY-rest@127.0.0.1:1/db", "mysql://user:p@CANARY-rest@127.0.0.1:1/db",
		"postgresql://user:pass/CANARY-rest@127.0.0.1:1/db", "postgresql://user:CANARY-pw@127.0.0.1:1/db?connect_timeout=1",
	} {
		b, err := Metadata(MetadataSettings{Conn: conn, Getenv: func(string) (string, bool) { return "", false }})
		if err == nil {
			_, err = b.Store.Get(t.Context(), "variable/x")
			if closed := b.Store.Close(); closed != nil {
				t.Error(closed)
			}
		}
		if err == nil {
			t.Fatal("there is no such server")
		}
		if i := strings.Index(conn, "CANARY"); strings.Contains(err.Error(), "CANARY") {
			t.Errorf("the password from byte %d on is shown", i)
		}
	}
}

// A credential in a kwarg that names are made of is not shown with the names.
func TestACredentialInAPathIsNotShown(t *testing.T) {
	kwargs, err := pyjson.Decode(`{"url": "http://127.0.0.1:1", "token": "CANARY-token", "variables_path": "a/CANARY-token"}`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Known().Open("airflow.providers.hashicorp.secrets.vault.VaultBackend", kwargs.(*pyjson.Object), Env{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Store.Close() }()
	located := b.Store.(interface{ Locate(string) string }).Locate("secret/a/CANARY-token/x")
	if strings.Contains(located, "CANARY") || !strings.HasSuffix(located, "a/***/x") {
		t.Error("the place of a name shows the token")
	}
}
