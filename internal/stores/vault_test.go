package stores_test

import (
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// TestVaultSignsInWithGoogle: the accounts of auth_type gcp are those of
// Secret Manager's store.
func TestVaultSignsInWithGoogle(t *testing.T) {
	kwargs, err := pyjson.Decode(`{"auth_type": "gcp", "role_id": "r", "gcp_scopes": "s", "gcp_keyfile_dict": "{}"}`)
	if err != nil {
		t.Fatal(err)
	}
	b, err := stores.Known().Open("airflow.providers.hashicorp.secrets.vault.VaultBackend", kwargs.(*pyjson.Object), stores.Env{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Store.Close()
	_, err = b.Store.Get(t.Context(), "x")
	if store.CodeOf(err) != store.Invalid || store.Hint(err) == "" {
		t.Errorf("Get with a keyfile that is text = %v, hint %q", err, store.Hint(err))
	}
}
