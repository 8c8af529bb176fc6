package storetest

import (
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

func listTests() []testCase {
	return []testCase{
		{"an empty store lists nothing", func(t *testing.T, s *suite) { s.list(t, "") }},
		{"names come sorted, by prefix", testSorted},
		{"awkward names are listed as they are", func(t *testing.T, s *suite) {
			var held []string
			for _, name := range s.awkward() {
				if s.holds(name) {
					s.seed(t, name, s.sample("x"))
					held = append(held, name)
				}
			}
			slices.Sort(held)
			s.list(t, "", held...)
		}},
		{"a prefix is no pattern", testNoPattern},
		{"a deleted name is not listed", func(t *testing.T, s *suite) {
			if !s.canWrite(t) {
				return
			}
			s.put(t, "a", s.sample("x"))
			s.put(t, "b", s.sample("x"))
			if err := store.Delete(s.ctx, s.Store, "a"); err != nil {
				t.Fatalf("Delete = %v", err)
			}
			s.list(t, "", "b")
		}},
	}
}

// list checks what a prefix lists, or that the store refuses to list.
func (s *suite) list(t *testing.T, prefix string, want ...string) {
	t.Helper()
	got, err := store.List(s.ctx, s.Store, prefix)
	if s.Limits.NoList {
		wantCode(t, "List", err, store.Unsupported)
		return
	}
	if err != nil {
		t.Fatalf("List(%q) = %v", prefix, err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("List(%q) = %q, want %q", prefix, got, want)
	}
}

func testSorted(t *testing.T, s *suite) {
	all := s.belows("a", "ab", "b", "b/c", "b/c/d", "b/cd")
	for _, i := range []int{3, 0, 5, 2, 1, 4} {
		s.seed(t, all[i], s.sample("x"))
	}
	for prefix, want := range map[string][]string{
		"": all, "a": {"a", "ab"}, "b": {"b", "b/c", "b/c/d", "b/cd"}, "b/": {"b/c", "b/c/d", "b/cd"}, "b/c": {"b/c", "b/c/d", "b/cd"},
		"b/c/": {"b/c/d"}, "b/c/d": {"b/c/d"}, "c": nil, "b/c/d/e": nil,
	} {
		s.list(t, s.below(prefix), s.belows(want...)...)
	}
}

func testNoPattern(t *testing.T, s *suite) {
	for _, name := range []string{"a_b", "axb", "a%b"} {
		if s.holds(name) {
			s.seed(t, name, s.sample("x"))
		}
	}
	if s.holds("a_b") {
		s.list(t, "a_", "a_b")
	}
	if s.holds("a%b") {
		s.list(t, "a%", "a%b")
	}
}
