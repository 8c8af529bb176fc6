// Package storetest is the conformance suite of package store. Every store
// and every wrapper passes it in plain go test:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Harness {
//			return storetest.Harness{Store: memstore.New("memory")}
//		})
//	}
//
// A store that cannot do something says so in [Limits]; the suite then checks
// that it refuses with the right code instead.
package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
)

// Harness is one fresh, empty store and what the suite may expect of it.
type Harness struct {
	// Store is the store under test; the suite closes it.
	Store store.Store
	// Seed makes s the latest version of name by a side door: the service's
	// own client, a file, a map. Nil seeds through Put.
	Seed func(t *testing.T, name string, s *store.Secret)
	// Reopen opens what Store keeps once more, after Store was closed. Nil
	// where nothing outlives the store.
	Reopen func(t *testing.T) store.Store
	// Service is the store's heading in docs/misses.md; empty where it has none.
	// Each of its rows must be a key of Answers.
	Service string
	// Answers :: Miss.Answer -> has the service give that answer, and returns
	// the store to ask and the name to ask for. A nil store is Store.
	Answers map[string]func(t *testing.T) (from store.Store, name string)
	// Dialect is how the service's class reads, where Service is set.
	Dialect dialect.Dialect
	// Limits are what the store cannot do.
	Limits Limits
}

// Limits declare what a store cannot do. The zero value is a store that can
// do everything with any name and any payload.
type Limits struct {
	// ReadOnly: Put and Delete are unsupported. Harness.Seed must be set.
	ReadOnly bool
	// NoList: List is unsupported.
	NoList bool
	// NoVersions: everything of store.Versioner is unsupported.
	NoVersions bool
	// NoConditions: Put with IfVersion is unsupported.
	NoConditions bool
	// NewOnly: of the conditions only 0, "while there is none", is supported.
	NewOnly bool
	// NoAttributes: SetAttributes is unsupported.
	NoAttributes bool
	// NoEmpty: an empty payload cannot be held.
	NoEmpty bool
	// NoNumbers: secrets carry no version number.
	NoNumbers bool
	// NoBigIntegers: integers in objects are kept as floating point numbers.
	NoBigIntegers bool
	// CaseBlind: names that differ in case alone are the same.
	CaseBlind bool
	// Forms the store can hold; nil means all of them. A Put of another form
	// is Invalid.
	Forms []store.Form
	// Protocol, when not empty, is the only protocol that may hide versions
	// and own attributes; another one is Unsupported.
	Protocol string
	// Holds says whether the service can hold a name; nil means any that is
	// not empty. A Get of one that it cannot hold is Invalid.
	Holds func(name string) bool
	// NamesUnchecked: a Get of a name that the service cannot hold may be
	// NotFound, because the service is asked all the same.
	NamesUnchecked bool
	// MaxName and MaxPayload are in bytes; 0 means at least 10,000 and
	// 1,000,000.
	MaxName, MaxPayload int
}

// Run runs the suite; open is called once for each test.
func Run(t *testing.T, open func(*testing.T) Harness) {
	for _, group := range []struct {
		name  string
		tests []testCase
	}{
		{"get", getTests()},
		{"list", listTests()},
		{"write", writeTests()},
		{"versions", versionTests()},
		{"attributes", attributeTests()},
		{"lifecycle", lifecycleTests()},
		{"misses", missTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, tc := range group.tests {
				t.Run(tc.name, func(t *testing.T) { tc.run(t, newSuite(t, open(t))) })
			}
		})
	}
}

type testCase struct {
	name string
	run  func(*testing.T, *suite)
}

// suite is a harness with what the tests share.
type suite struct {
	Harness
	ctx context.Context
}

func newSuite(t *testing.T, h Harness) *suite {
	if h.Store == nil {
		t.Fatal("the harness has no store")
	}
	if h.Limits.ReadOnly && h.Seed == nil {
		t.Fatal("the harness of a read-only store needs Seed")
	}
	checkMisses(t, h)
	s := &suite{Harness: h, ctx: t.Context()}
	t.Cleanup(func() {
		if err := h.Store.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return s
}

// holds reports whether the service can hold name.
func (s *suite) holds(name string) bool {
	if s.Limits.MaxName > 0 && len(name) > s.Limits.MaxName {
		return false
	}
	return s.Limits.Holds == nil || s.Limits.Holds(name)
}

// below is name, of several segments, as the store can hold it: a service
// whose names have no "/" gets "-" in its place, which sorts alike.
func (s *suite) below(name string) string {
	if s.Limits.Holds == nil || s.Limits.Holds("a/b") {
		return name
	}
	return strings.ReplaceAll(name, "/", "-")
}

func (s *suite) belows(names ...string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = s.below(name)
	}
	return out
}

// forms are the forms that the store can hold.
func (s *suite) forms() []store.Form {
	if s.Limits.Forms == nil {
		return []store.Form{store.Text, store.Binary, store.Object}
	}
	return s.Limits.Forms
}

func (s *suite) hasForm(f store.Form) bool { return slices.Contains(s.forms(), f) }

// seed puts a secret there for the test to find.
func (s *suite) seed(t *testing.T, name string, secret *store.Secret) {
	t.Helper()
	if s.Seed != nil {
		s.Seed(t, name, secret)
		return
	}
	s.put(t, name, secret)
}

// put writes through the store.
func (s *suite) put(t *testing.T, name string, secret *store.Secret) *store.Secret {
	t.Helper()
	stored, err := store.Put(s.ctx, s.Store, name, secret, nil)
	if err != nil {
		t.Fatalf("Put(%q) = %v", store.Clip(name), err)
	}
	return stored
}

// get reads and fails the test unless it finds.
func (s *suite) get(t *testing.T, name string) *store.Secret {
	t.Helper()
	got, err := s.Store.Get(s.ctx, name)
	if err != nil {
		t.Fatalf("Get(%q) = %v", store.Clip(name), err)
	}
	return got
}

// gone fails the test unless name is not found, and the store proves it.
func (s *suite) gone(t *testing.T, name string) {
	t.Helper()
	_, err := s.Store.Get(s.ctx, name)
	wantCode(t, "Get", err, store.NotFound)
	if !store.Absent(err) {
		t.Errorf("Get(%q) = %v does not say that this is proven", store.Clip(name), err)
	}
}

// canWrite says why a test of writing has nothing to test, having checked
// that the store refuses.
func (s *suite) canWrite(t *testing.T) bool {
	t.Helper()
	if !s.Limits.ReadOnly {
		return true
	}
	_, err := store.Put(s.ctx, s.Store, "name", s.sample("value"), nil)
	wantCode(t, "Put", err, store.Unsupported)
	wantCode(t, "Delete", store.Delete(s.ctx, s.Store, "name"), store.Unsupported)
	return false
}
