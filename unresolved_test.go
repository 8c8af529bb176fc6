package airlock_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
)

// A host name that does not exist is looked up once: no driver waits and asks
// again.
func TestAHostThatDoesNotExistIsNotTriedAgain(t *testing.T) {
	const host = "nohost.invalid"
	keyfile, _ := gcpfake.Account(t, "p", "")
	keyfile["universe_domain"] = host
	key, err := json.Marshal(keyfile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}
	asked := servertest.NoNames(t)
	lookups := func(name string) int64 {
		before := asked()
		if _, err := net.DefaultResolver.LookupHost(t.Context(), name); err == nil {
			t.Fatalf("there is a host %s", name)
		}
		return asked() - before
	}
	for class, c := range map[string]struct {
		host, kwargs string
		env          []string
	}{
		"airflow.providers.hashicorp.secrets.vault.VaultBackend": {host: host, kwargs: `{"url": "http://` + host + `:8200", "token": "t"}`},
		"airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend": {host: host,
			kwargs: `{"endpoint_url": "http://` + host + `", "region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}`},
		"airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend": {host: host,
			kwargs: `{"endpoint_url": "http://` + host + `", "region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}`},
		"airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend": {host: host,
			kwargs: `{"vault_url": "https://` + host + `/", "tenant_id": "t", "client_id": "c", "client_secret": "s"}`},
		"airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend": {host: "secretmanager." + host,
			kwargs: `{"gcp_key_path": "` + path + `"}`, env: []string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN=" + host}},
		// With sslmode=prefer each of its two ways is looked up, at once.
		"": {host: host, env: []string{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://u:p@" + host + "/db?sslmode=require"}},
	} {
		t.Run(airlock.ShortClass("."+class), func(t *testing.T) {
			once := lookups(c.host)
			env := append([]string{"AIRFLOW__SECRETS__BACKEND=" + class, "AIRFLOW__SECRETS__BACKEND_KWARGS=" + c.kwargs}, c.env...)
			r, err := airlock.FromEnvironment(t.Context(), &airlock.EnvironmentOptions{Dir: t.TempDir(), Environ: env})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			before := asked()
			_, err = r.Lookup(t.Context(), airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, nil)
			if store.CodeOf(err) != store.Unavailable || !strings.Contains(err.Error(), host) {
				t.Errorf("Lookup = %v, want that the host is not there", err)
			}
			if got := asked() - before; got != once {
				t.Errorf("the resolver was asked %d times, want %d as for one look-up", got, once)
			}
		})
	}
}
