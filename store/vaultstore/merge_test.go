package vaultstore_test

import (
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

func TestMergeKeepsOtherKeys(t *testing.T) {
	server := baotest.Start(t)
	server.MustDo(t, "POST", "/v1/sys/mounts/old", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	for mount, version := range map[string]int{"secret": 2, "old": 1} {
		s := open(t, vaultstore.Options{URL: server.Addr, Mount: mount, KVVersion: version, Auth: vaultstore.Token{Token: server.Token}})
		merge := func(payload, want string) {
			t.Helper()
			if _, err := store.Merge(t.Context(), s, "x", &store.Secret{Payload: []byte(payload), Form: store.Object}); err != nil {
				t.Fatalf("%s: Merge = %v", mount, err)
			}
			if got, err := s.Get(t.Context(), "x"); err != nil || string(got.Payload) != want {
				t.Errorf("%s: after %s: %s, %v", mount, payload, got.Payload, err)
			}
		}
		merge(`{"value":"first"}`, `{"value":"first"}`)
		merge(`{"owner":{"team":"a"}}`, `{"owner":{"team":"a"},"value":"first"}`)
		merge(`{"value":"second"}`, `{"owner":{"team":"a"},"value":"second"}`)
		merge(`{"conn_type":"http","host":"h"}`, `{"conn_type":"http","host":"h"}`)
	}
}

func TestMergeWithoutLeaveToRead(t *testing.T) {
	server := baotest.Start(t)
	roleID, secretID := server.AppRole(t, "writer", `path "secret/data/*" { capabilities = ["create", "update"] }`)
	s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.AppRole{RoleID: roleID, SecretID: secretID}})
	if _, err := s.Merge(t.Context(), "x", &store.Secret{Payload: []byte(`{"value":"v"}`), Form: store.Object}); err != nil {
		t.Errorf("Merge = %v", err)
	}
}
