package vault_test

import (
	"context"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// answering is a store whose service gives one answer, and the dialect of a
// class that passes over what the row says.
type answering struct {
	*dialect.Vault
	row storetest.Miss
}

func (a answering) Get(_ context.Context, name string) (*store.Secret, error) {
	code := a.row.Code
	if code == "" {
		code = store.NotFound
	}
	return nil, &store.Error{Op: "get", Name: name, Code: code, Absent: a.row.Absent}
}

func (answering) Close() error { return nil }

// Forgive implements dialect.Forgiver.
func (a answering) Forgive(error) *dialect.NoValueError {
	if a.row.Forgiven {
		return &dialect.NoValueError{Reason: "forgiven"}
	}
	return nil
}

// What docs/misses.md says of serve is what a client gets.
func TestMissesAreAnsweredAsDocumented(t *testing.T) {
	for _, m := range storetest.Misses() {
		a := answering{dialect.DefaultVault(), m}
		r := newRig(t, nil, airlock.Source{Layer: airlock.LayerBackend, Class: "a.B", Store: a, Dialect: a})
		if status, _ := r.ask(t, "GET", "secret/data/variables/x", ""); status != m.Served() {
			t.Errorf("%s, %s: status %d, want %d", m.Service, m.Answer, status, m.Served())
		}
	}
}
