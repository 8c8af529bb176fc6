package stores_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// TestAzureSeeds: the settings that Astronomer's pages tell people to write,
// under the class names of today and of before.
func TestAzureSeeds(t *testing.T) {
	const class = "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend"
	for _, tt := range []struct{ class, kwargs, asked string }{
		{"airflow.providers.microsoft.azure.secrets.azure_key_vault.AzureKeyVaultBackend",
			`{"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables", "vault_url": "https://v.vault.azure.net/"}`, "airflow-variables-my-key"},
		{class, `{"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables", "vault_url": "https://v.vault.azure.net/",
			"tenant_id": "t", "client_id": "c", "client_secret": "s"}`, "airflow-variables-my-key"},
		{class, `{"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables", "vault_url": "https://v.vault.azure.net/",
			"managed_identity_client_id": "m", "workload_identity_tenant_id": "w"}`, "airflow-variables-my-key"},
		{class, `{"connections_prefix": "", "variables_prefix": "", "sep": "", "vault_url": "https://v.vault.azure.net/"}`, "mykey"},
		{"airflow.contrib.secrets.azure_key_vault.AzureKeyVaultBackend", `{"vault_url": "https://v.vault.azure.net/"}`, "airflow-variables-my-key"},
	} {
		v, err := pyjson.Decode(tt.kwargs)
		if err != nil {
			t.Fatal(err)
		}
		b, err := stores.Known().Open(tt.class, v.(*pyjson.Object), stores.Env{}, false)
		if err != nil {
			t.Fatalf("Open(%s) = %v", tt.class, err)
		}
		if got := b.Dialect.Names(airflow.Ref{Kind: airflow.KindVariable, ID: "my_key"}).Names; !slices.Equal(got, []string{tt.asked}) {
			t.Errorf("%s %s asks for %q, want %s", tt.class, tt.kwargs, got, tt.asked)
		}
		if old := tt.class != class; old != slices.ContainsFunc(b.Notes, func(n string) bool { return strings.Contains(n, "write "+class) }) {
			t.Errorf("%s: notes %q", tt.class, b.Notes)
		}
		if store.Label(b.Store) != "azure key vault https://v.vault.azure.net" {
			t.Errorf("the store is %q", store.Label(b.Store))
		}
		if err := b.Store.Close(); err != nil {
			t.Error(err)
		}
	}
}
