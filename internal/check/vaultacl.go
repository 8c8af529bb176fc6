package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/project"
)

// vaultGrants tells whether a policy gives a capability on a path: the rule
// with the highest priority counts, and it alone.
// https://developer.hashicorp.com/vault/docs/concepts/policies#priority-matching
func vaultGrants(p *project.Policy, path, capability string) bool {
	best, found := vaultPattern(p, path)
	return found && slices.Contains(vaultCapabilities(p, best), capability)
}

// vaultSpeaksOf tells whether a policy has a rule for a path, whatever that
// says.
func vaultSpeaksOf(p *project.Policy, path string) bool {
	_, found := vaultPattern(p, path)
	return found
}

// vaultPattern is the pattern of the rule that counts for a path.
func vaultPattern(p *project.Policy, path string) (best string, found bool) {
	for _, pattern := range vaultPatterns(p) {
		if vaultMatches(pattern, path) && (!found || comparePatterns(pattern, best) > 0) {
			best, found = pattern, true
		}
	}
	return best, found
}

func vaultPatterns(p *project.Policy) []string {
	var list []string
	for _, g := range p.Rules {
		for _, path := range g.Resources {
			list = append(list, strings.TrimPrefix(path, "/"))
		}
	}
	return list
}

// vaultCapabilities are all that a policy gives on a pattern; none where one
// of its rules denies.
func vaultCapabilities(p *project.Policy, pattern string) []string {
	var list []string
	for _, g := range p.Rules {
		if !slices.ContainsFunc(g.Resources, func(path string) bool { return strings.TrimPrefix(path, "/") == pattern }) {
			continue
		}
		if g.Deny || slices.Contains(g.Actions, "deny") {
			return nil
		}
		list = append(list, g.Actions...)
	}
	return list
}

// vaultMatches tells whether a pattern is for a path. A star at the end stands
// for anything, slashes included; "+" for one whole segment. A template, which
// Vault fills in for each identity, may be anything without a slash.
func vaultMatches(pattern, path string) bool {
	prefix, glob := strings.CutSuffix(pattern, "*")
	want, have := strings.Split(prefix, "/"), strings.Split(path, "/")
	if len(want) > len(have) || len(want) < len(have) && !glob {
		return false
	}
	for i, segment := range want {
		switch {
		case segment == "+", strings.Contains(segment, "{{"):
		case glob && i == len(want)-1:
			if !strings.HasPrefix(have[i], segment) {
				return false
			}
		case segment != have[i]:
			return false
		}
	}
	return true
}

// comparePatterns is positive where a has the higher priority.
func comparePatterns(a, b string) int {
	wildcard := func(pattern string) int {
		for i, segment := range strings.SplitAfter(pattern, "/") {
			if segment == "+" || segment == "+/" {
				return len(strings.Join(strings.SplitAfter(pattern, "/")[:i], ""))
			}
		}
		if strings.HasSuffix(pattern, "*") {
			return len(pattern) - 1
		}
		return len(pattern) + 1<<20 // none: an exact path comes first
	}
	glob := func(pattern string) int {
		if strings.HasSuffix(pattern, "*") {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(wildcard(a), wildcard(b)), cmp.Compare(glob(a), glob(b)),
		-cmp.Compare(strings.Count("/"+a+"/", "/+/"), strings.Count("/"+b+"/", "/+/")), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
