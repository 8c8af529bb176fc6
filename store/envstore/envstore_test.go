package envstore_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/envstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

var limits = storetest.Limits{
	ReadOnly: true, NoVersions: true, NoNumbers: true, Forms: []store.Form{store.Text},
	Holds: func(name string) bool { return !strings.Contains(name, "=") },
}

// TestConformanceLookup seeds the environment while the store is open.
func TestConformanceLookup(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		var env sync.Map
		s := envstore.NewLookup("the environment", func(name string) (string, bool) {
			v, ok := env.Load(name)
			text, _ := v.(string)
			return text, ok
		})
		own := limits
		own.NoList = true
		return storetest.Harness{Store: s, Limits: own, Seed: func(_ *testing.T, name string, secret *store.Secret) {
			env.Store(name, string(secret.Payload))
		}}
	})
}

func TestSnapshot(t *testing.T) {
	ctx := context.Background()
	s := envstore.New("the environment", []string{"B=2", "A=1", "EMPTY=", "B=again", "EQUAL=a=b", "=C:=odd", "NONE"})
	names, err := s.List(ctx, "")
	if want := []string{"A", "B", "EMPTY", "EQUAL"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("List() = %q, %v; want %q", names, err, want)
	}
	if names, _ := s.List(ctx, "E"); !slices.Equal(names, []string{"EMPTY", "EQUAL"}) {
		t.Errorf("List(E) = %q", names)
	}
	for name, want := range map[string]string{"A": "1", "B": "2", "EMPTY": "", "EQUAL": "a=b"} {
		got, err := s.Get(ctx, name)
		if err != nil || string(got.Payload) != want {
			t.Errorf("Get(%s) = %v, %v; want %q", name, got, err, want)
		}
		if got != nil && got.Attributes[envstore.AttributeProtocol][envstore.AttributeName] != name {
			t.Errorf("Get(%s) does not say where it was read", name)
		}
	}
	for name, code := range map[string]store.Code{
		"a": store.NotFound, "NONE": store.NotFound, "": store.Invalid, "A=1": store.Invalid, "A\x00": store.Invalid,
	} {
		if _, err := s.Get(ctx, name); store.CodeOf(err) != code {
			t.Errorf("Get(%q) = %v, want code %s", name, err, code)
		}
	}
}
