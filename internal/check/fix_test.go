package check_test

import (
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/internal/check"
)

// mend makes the safe fixes of a project: what they are for is gone then, and
// nothing that was not there before is found.
func (c *projectCase) mend(t *testing.T, dir string, before []check.Finding) {
	t.Helper()
	changes := check.Changes(before)
	var fixed []check.Finding
	for _, change := range changes {
		if change.New == change.File.Text {
			t.Errorf("%s: the fixes change nothing", change.File.Path)
		}
		if err := change.Write(dir); err != nil {
			t.Fatal(err)
		}
		fixed = append(fixed, change.Findings...)
	}
	if len(changes) == 0 {
		return
	}
	after := c.check(t, dir)
	for _, f := range fixed {
		if count(after, f) >= count(before, f) {
			t.Errorf("%s:%d: %s is still found after its fix", f.File, f.Line, f.Rule)
		}
	}
	for _, f := range after {
		if count(before, f) == 0 {
			t.Errorf("%s:%d: %s is found after the fixes, and was not before", f.File, f.Line, f.Rule)
		}
	}
}

// count tells how often a rule is found in a file.
func count(found []check.Finding, like check.Finding) int {
	return len(slices.DeleteFunc(slices.Clone(found), func(f check.Finding) bool { return f.Rule != like.Rule || f.File != like.File }))
}
