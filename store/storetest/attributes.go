package storetest

import (
	"maps"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

func attributeTests() []testCase {
	tests := []testCase{
		{"attributes are kept and replaced whole", testReplaced},
		{"a write leaves attributes alone", testLeftAlone},
		{"protocols have their own", testProtocols},
		{"attributes can come before any version", testAttributesFirst},
		{"attributes go with the name", testAttributesGo},
	}
	for i := range tests {
		run := tests[i].run
		tests[i].run = func(t *testing.T, s *suite) {
			if !s.canVersion(t) {
				return
			}
			if s.Limits.NoAttributes {
				err := s.versioner(t).SetAttributes(s.ctx, "name", s.protocol(), map[string]string{"a": "b"})
				wantCode(t, "SetAttributes", err, store.Unsupported)
				return
			}
			run(t, s)
		}
	}
	return tests
}

// attributes checks what both Get and Record say of one protocol.
func (s *suite) attributes(t *testing.T, name, protocol string, want map[string]string) {
	t.Helper()
	if got := s.get(t, name).Attributes[protocol]; !maps.Equal(got, want) {
		t.Errorf("Get has attributes %v, want %v", got, want)
	}
	if got := s.record(t, name).Attributes[protocol]; !maps.Equal(got, want) {
		t.Errorf("Record has attributes %v, want %v", got, want)
	}
}

func testReplaced(t *testing.T, s *suite) {
	v, p := s.versioner(t), s.protocol()
	s.put(t, "name", s.sample("one"))
	ok(t, "SetAttributes", v.SetAttributes(s.ctx, "name", p, map[string]string{"owner": "me", "note": "clé"}))
	s.attributes(t, "name", p, map[string]string{"owner": "me", "note": "clé"})
	ok(t, "SetAttributes", v.SetAttributes(s.ctx, "name", p, map[string]string{"owner": "you"}))
	s.attributes(t, "name", p, map[string]string{"owner": "you"})
	ok(t, "SetAttributes", v.SetAttributes(s.ctx, "name", p, nil))
	s.attributes(t, "name", p, nil)
}

func testLeftAlone(t *testing.T, s *suite) {
	v, p := s.versioner(t), s.protocol()
	s.put(t, "name", s.sample("one"))
	ok(t, "SetAttributes", v.SetAttributes(s.ctx, "name", p, map[string]string{"owner": "me"}))
	s.put(t, "name", s.sample("two"))
	s.attributes(t, "name", p, map[string]string{"owner": "me"})
}

func testProtocols(t *testing.T, s *suite) {
	v := s.versioner(t)
	s.put(t, "name", s.sample("one"))
	if s.Limits.Protocol != "" {
		err := v.SetAttributes(s.ctx, "name", "another", map[string]string{"a": "b"})
		wantCode(t, "SetAttributes of another protocol", err, store.Unsupported)
		return
	}
	ok(t, "SetAttributes", v.SetAttributes(s.ctx, "name", "vault", map[string]string{"a": "vault"}))
	ok(t, "SetAttributes", v.SetAttributes(s.ctx, "name", "cli", map[string]string{"a": "cli"}))
	s.attributes(t, "name", "vault", map[string]string{"a": "vault"})
	s.attributes(t, "name", "cli", map[string]string{"a": "cli"})
}

func testAttributesFirst(t *testing.T, s *suite) {
	v, p := s.versioner(t), s.protocol()
	ok(t, "SetAttributes", v.SetAttributes(s.ctx, "name", p, map[string]string{"owner": "me"}))
	s.gone(t, "name")
	s.list(t, "")
	if r := s.record(t, "name"); r.Latest != 0 || len(r.Versions) != 0 || r.Attributes[p]["owner"] != "me" {
		t.Errorf("the record is %+v", r)
	}
	if stored := s.put(t, "name", s.sample("one")); stored.Version != 1 {
		t.Errorf("the first version is %d", stored.Version)
	}
	s.attributes(t, "name", p, map[string]string{"owner": "me"})
}

func testAttributesGo(t *testing.T, s *suite) {
	v, p := s.versioner(t), s.protocol()
	s.put(t, "name", s.sample("one"))
	ok(t, "SetAttributes", v.SetAttributes(s.ctx, "name", p, map[string]string{"owner": "me"}))
	ok(t, "Delete", store.Delete(s.ctx, s.Store, "name"))
	s.put(t, "name", s.sample("two"))
	s.attributes(t, "name", p, nil)
}
