package acl_test

import (
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

// FuzzMatch holds Match against a table of which beginning of the pattern
// matches which beginning of the name.
func FuzzMatch(f *testing.F) {
	for _, id := range vectors.Texts(f, vectors.LookupPaths) {
		if len(id) < 60 {
			f.Add(id, id)
			f.Add("*"+id[len(id)/2:], id)
		}
	}
	for _, seed := range [][2]string{{"a*b?c*", "axbyc"}, {"*??ab", "€ab"}, {"?", "\xff"}, {"\xe2*", "€"}, {"*\x82\xac", "€"}, {"**a**", "ba"}, {"", ""}, {"?*", ""}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 200 || len(name) > 200 {
			return
		}
		if got, want := acl.Match(pattern, name), matches(characters(pattern), characters(name)); got != want {
			t.Errorf("Match(%q, %q) = %t", pattern, name, got)
		}
		if !strings.ContainsAny(pattern, "*?") && acl.Match(pattern, name) != (pattern == name) {
			t.Errorf("%q without a wildcard is not compared with %q", pattern, name)
		}
	})
}

// characters are those of a text; a byte that is no UTF-8 is one.
func characters(text string) []string { return strings.Split(text, "") }

// matches goes through all pairs of beginnings.
func matches(pattern, name []string) bool {
	row := make([]bool, len(name)+1)
	row[0] = true
	for _, p := range pattern {
		next := make([]bool, len(name)+1)
		next[0] = p == "*" && row[0]
		for i, c := range name {
			if p == "*" {
				next[i+1] = row[i+1] || next[i]
			} else {
				next[i+1] = row[i] && (p == "?" || p == c)
			}
		}
		row = next
	}
	return row[len(name)]
}
