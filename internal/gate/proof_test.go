package gate_test

import (
	"context"
	"errors"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// ingress answers 404 with a page of its own in the place of a store.
type ingress struct{ store.Store }

func (ingress) Get(_ context.Context, name string) (*store.Secret, error) {
	return nil, &store.Error{Op: "get", Name: name, Code: store.NotFound, Err: errors.New("status 404: <html>")}
}

func (ingress) List(_ context.Context, prefix string) ([]string, error) {
	return nil, &store.Error{Op: "list", Name: prefix, Code: store.NotFound, Err: errors.New("status 404: <html>")}
}

// behindIngress is a house whose upstream cannot be reached for an ingress.
func behindIngress(t *testing.T) *house {
	t.Helper()
	return build(t, func(c *gate.Config) {
		c.Resolver = &airlock.Resolver{Sources: []airlock.Source{
			{Layer: airlock.LayerBackend, Class: "a.VaultBackend", Store: ingress{memstore.New("upstream")}, Dialect: dialect.DefaultVault()},
			c.Resolver.Sources[1],
		}}
	})
}

// A client that is told "not found" uses a value of its own, and one that
// writes "only where nothing is" overwrites: neither happens on the word of
// whatever answers 404.
func TestWithoutProofNothingIsMissing(t *testing.T) {
	h := behindIngress(t)
	put(t, h.own, "variable//own", "2")
	if a, err := h.Read(t.Context(), everything(), name(variable("own")), 0); err != nil || a.Value.Text() != "2" {
		t.Errorf("Read of what the own store has = %+v, %v", a, err)
	}
	for what, ask := range map[string]func() error{
		"read": func() error {
			_, err := h.Read(t.Context(), everything(), name(variable("x")), 0)
			return err
		},
		"read of a version": func() error {
			_, err := h.Read(t.Context(), everything(), name(variable("x")), 3)
			return err
		},
		"describe": func() error {
			_, err := h.Describe(t.Context(), everything(), name(variable("x")))
			return err
		},
		"list": func() error {
			_, err := h.List(t.Context(), everything(), gate.Listing{Kinds: []airflow.Kind{airflow.KindVariable}})
			return err
		},
		"write": func() error {
			_, err := h.Write(t.Context(), everything(), name(variable("x")), set("new"))
			return err
		},
		"write of what the own store has": func() error {
			_, err := h.Write(t.Context(), everything(), name(variable("own")), set("new"))
			return err
		},
		"delete": func() error { return h.Delete(t.Context(), everything(), name(variable("own"))) },
		"annotate": func() error {
			return h.Annotate(t.Context(), everything(), name(variable("x")), func(*store.Record) (map[string]string, error) { return nil, nil })
		},
	} {
		err := ask()
		var upstream *gate.UpstreamError
		if store.CodeOf(err) != store.Unavailable || !errors.As(err, &upstream) {
			t.Errorf("%s: %v, want that the upstream is unavailable", what, err)
		}
		h.last(t, `"outcome":"unavailable"`)
	}
	if names, err := h.own.List(t.Context(), ""); err != nil || len(names) != 1 {
		t.Errorf("the own store has %q, %v; want what it had", names, err)
	}
	if s, err := h.own.Get(t.Context(), "variable//own"); err != nil || s.Version != 1 {
		t.Errorf("the own store has %v, %v; want version 1", s, err)
	}
}

func TestTheResolverOfTheCallerIsNotChanged(t *testing.T) {
	r := &airlock.Resolver{}
	if _, err := gate.New(gate.Config{Resolver: r}); err != nil || r.Proof {
		t.Errorf("New = %v, Proof %v", err, r.Proof)
	}
}
