package secretsmanagerstore_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/internal/mototest"
	"github.com/airlock-secrets/airlock/store"
)

// TestListPages: more names than one answer holds.
func TestListPages(t *testing.T) {
	server := mototest.Start(t)
	var want []string
	for i := range 120 {
		name := fmt.Sprintf("/airflow/variables/x%03d", i)
		want = append(want, name)
		server.MustCall(t, "secretsmanager.CreateSecret", map[string]any{"Name": name, "SecretString": "v"})
	}
	server.MustCall(t, "secretsmanager.CreateSecret", map[string]any{"Name": "/other", "SecretString": "v"})
	s := open(server.URL)
	t.Cleanup(func() { _ = s.Close() })
	if got, err := s.List(t.Context(), "/airflow/"); err != nil || !slices.Equal(got, want) {
		t.Errorf("List = %d names, %v; want %d", len(got), err, len(want))
	}
	if got, err := s.List(t.Context(), ""); err != nil || len(got) != len(want)+1 {
		t.Errorf("List of all = %d names, %v", len(got), err)
	}
	if err := store.Check(t.Context(), s); err != nil {
		t.Errorf("Check = %v", err)
	}
}
