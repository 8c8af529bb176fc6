package gate_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// change is a method of the gate that changes the own store.
type change struct {
	method string
	do     func(ctx context.Context, g *gate.Gate, c *gate.Caller) error
}

// changes can be made one after the other.
func changes() []change {
	n := name(variable("key"))
	return []change{
		{"Write", func(ctx context.Context, g *gate.Gate, c *gate.Caller) error {
			_, err := g.Write(ctx, c, n, set("CANARY-new"))
			return err
		}},
		{"Annotate", func(ctx context.Context, g *gate.Gate, c *gate.Caller) error {
			return g.Annotate(ctx, c, n, func(*store.Record) (map[string]string, error) { return map[string]string{"a": "b"}, nil })
		}},
		{"Hide", func(ctx context.Context, g *gate.Gate, c *gate.Caller) error { return g.Hide(ctx, c, n, 1) }},
		{"Restore", func(ctx context.Context, g *gate.Gate, c *gate.Caller) error { return g.Restore(ctx, c, n, 1) }},
		{"Destroy", func(ctx context.Context, g *gate.Gate, c *gate.Caller) error { return g.Destroy(ctx, c, n, 1) }},
		{"Delete", func(ctx context.Context, g *gate.Gate, c *gate.Caller) error { return g.Delete(ctx, c, n) }},
	}
}

func TestEveryMethodThatChangesIsAmongTheChanges(t *testing.T) {
	reads := []string{"Read", "List", "Describe", "Allows", "Note", "Ready"}
	of := reflect.TypeFor[*gate.Gate]()
	for i := range of.NumMethod() {
		name := of.Method(i).Name
		if !slices.Contains(reads, name) && !slices.ContainsFunc(changes(), func(c change) bool { return c.method == name }) {
			t.Errorf("%s is neither among the reads nor among the changes of this test", name)
		}
	}
}

// over is a gate in front of the folder dir, with a key that has two versions.
func over(t *testing.T, dir string, log *audit.Log) *gate.Gate {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	own := db.Namespace("default")
	for range 2 {
		put(t, own, "variable//key", "old")
	}
	if err := own.Hide(t.Context(), "variable//key", "vault", 1); err != nil {
		t.Fatal(err)
	}
	g, err := gate.New(gate.Config{Deployment: "prod", Own: own, OwnDialect: dialect.Native{}, Audit: log,
		Resolver: &airlock.Resolver{Sources: []airlock.Source{{Class: "airlock", Store: own, Dialect: dialect.Native{}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// unsynced takes lines and loses them.
type unsynced struct{ bytes.Buffer }

func (*unsynced) Sync() error { return errors.New("input/output error") }

func TestWithoutAnIntentNothingIsChanged(t *testing.T) {
	for what, log := range map[string]*audit.Log{"a write fails": audit.New(full{}), "a sync fails": audit.New(&unsynced{})} {
		dir := t.TempDir()
		g := over(t, dir, log)
		before := servertest.Dump(t, dir)
		for _, c := range changes() {
			err := c.do(t.Context(), g, everything())
			code(t, what+": "+c.method, err, store.Unavailable)
			if audit.Made(err) {
				t.Errorf("%s: %s says that the change was made: %v", what, c.method, err)
			}
		}
		if after := servertest.Dump(t, dir); after != before {
			t.Errorf("%s: the database was\n%s\nand is\n%s", what, before, after)
		}
	}
}

func TestAChangeHasItsIntentAndItsOutcome(t *testing.T) {
	dir, out := t.TempDir(), &bytes.Buffer{}
	g := over(t, dir, audit.New(out))
	for _, c := range changes() {
		before, written := servertest.Dump(t, dir), out.Len()
		if err := c.do(t.Context(), g, everything()); err != nil || servertest.Dump(t, dir) == before {
			t.Errorf("%s: %v, want a change", c.method, err)
		}
		two := strings.Split(strings.TrimSpace(out.String()[written:]), "\n")
		if len(two) != 2 || !strings.Contains(two[0], `"request":"r"`) || !strings.Contains(two[0], `"name":"key","outcome":"intended"`) ||
			!strings.Contains(two[1], `"request":"r"`) || strings.Contains(two[1], "intended") {
			t.Errorf("%s left %q, want an intent and an outcome", c.method, two)
		}
	}
	// What does not come as far as the store has one line, as a read has.
	written := out.Len()
	refused := errors.New("no")
	_, err := g.Write(t.Context(), everything(), name(variable("key")), func(*gate.Old) (*store.Secret, *store.PutOptions, error) { return nil, nil, refused })
	if !errors.Is(err, refused) || strings.Contains(out.String()[written:], "intended") {
		t.Errorf("a refused write: %v, %s", err, out.String()[written:])
	}
}
