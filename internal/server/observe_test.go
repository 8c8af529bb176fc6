package server

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

func TestACommandsLineIsInTheWordsOfTheGate(t *testing.T) {
	missing := &store.Error{Code: store.NotFound}
	for _, c := range []struct {
		call control.Call
		err  error
		want audit.Entry
	}{
		{control.Call{Op: "get", Namespace: "default", Name: "variable//etl/key"}, nil,
			audit.Entry{Action: "read", Kind: "variable", Name: "etl/key", Outcome: "found"}},
		{control.Call{Op: "get", Namespace: "default", Name: "connection/team%2Fa/db"}, missing,
			audit.Entry{Action: "read", Kind: "connection", Team: "team/a", Name: "db", Outcome: "missing"}},
		{control.Call{Op: "get-version", Namespace: "default", Name: "config//smtp_password", Version: 3}, nil,
			audit.Entry{Action: "read", Kind: "config", Name: "smtp_password", Version: 3, Outcome: "found"}},
		{control.Call{Op: "put", Namespace: "default", Name: "plain/vault/secret/a"}, nil,
			audit.Entry{Action: "write", Kind: "plain", Name: "vault/secret/a", Outcome: "written"}},
		{control.Call{Op: "put", Namespace: "default", Name: "variable//k"}, &store.Error{Code: store.Conflict},
			audit.Entry{Action: "write", Kind: "variable", Name: "k", Outcome: "conflict"}},
		{control.Call{Op: "set-attributes", Namespace: "default", Name: "odd"}, nil,
			audit.Entry{Action: "annotate", Kind: "plain", Name: "odd", Outcome: "annotated"}},
		{control.Call{Op: "list", Namespace: "default", Name: "variable/"}, nil,
			audit.Entry{Action: "list", Kind: "variable", Name: "variable/", Outcome: "listed"}},
		{control.Call{Op: "list", Namespace: "default"}, nil, audit.Entry{Action: "list", Outcome: "listed"}},
		{control.Call{Op: "delete", Namespace: "system", Name: "client/airflow"}, nil,
			audit.Entry{Action: "delete", Kind: "client", Name: "airflow", Outcome: "deleted"}},
	} {
		c.call.Duration = 7 * time.Millisecond
		c.want.Principal, c.want.Protocol, c.want.Duration = "owner of the folder", "cli", c.call.Duration
		got := lineOf(c.call, c.err)
		got.Time = time.Time{}
		if got != c.want {
			t.Errorf("%+v: got\n%+v, want\n%+v", c.call, got, c.want)
		}
	}
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestARevokedClientEndsAlsoWhereTheLineCannotBeWritten(t *testing.T) {
	s := memstore.New("memory")
	ours, err := client.Open(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := client.Open(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Create(t.Context(), client.Spec{Name: "airflow", Deployment: Deployment}); err != nil {
		t.Fatal(err)
	}
	if err := ours.Reload(t.Context()); err != nil || len(ours.List()) != 1 {
		t.Fatalf("Reload: %v, %v", ours.List(), err)
	}
	if err := theirs.Revoke(t.Context(), "airflow"); err != nil {
		t.Fatal(err)
	}
	d := &daemon{registry: ours, audit: audit.New(fullDisk{})}
	err = d.observe(control.Call{Op: "delete", Namespace: "system", Name: "client/airflow"}, nil)
	var e *store.Error
	if !errors.As(err, &e) || e.Op != "audit" || e.Code != store.Unavailable || !strings.Contains(e.Hint, "audit log") {
		t.Errorf("observe: %v, want the gate's error of the audit log", err)
	}
	if got := ours.List(); len(got) != 0 {
		t.Errorf("the daemon still has %v", got)
	}
}
