package check

import (
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/project"
)

func TestIgnores(t *testing.T) {
	tests := []struct {
		name, text string
		kind       project.Kind
		// line and rule are a finding, silenced tells whether a comment is
		// about it.
		line     int
		rule     string
		silenced bool
	}{
		{"on the line before", "# airlock:ignore placeholder\nA=1\n", project.DotEnv, 2, "placeholder", true},
		{"indented", "  # airlock:ignore placeholder\nA=1\n", project.DotEnv, 2, "placeholder", true},
		{"on the line itself", "A=1 # airlock:ignore placeholder\nB=2\n", project.DotEnv, 1, "placeholder", true},
		{"behind another statement", "A=1 # airlock:ignore placeholder\nB=2\n", project.DotEnv, 2, "placeholder", false},
		{"two lines before", "# airlock:ignore placeholder\n\nA=1\n", project.DotEnv, 3, "placeholder", false},
		{"of another rule", "# airlock:ignore placeholder\nA=1\n", project.DotEnv, 2, "plain-http", false},
		{"of several", "# airlock:ignore plain-http, placeholder\nA=1\n", project.DotEnv, 2, "placeholder", true},
		{"of several without commas", "# airlock:ignore plain-http placeholder\nA=1\n", project.DotEnv, 2, "placeholder", true},
		{"with a reason", "# airlock:ignore placeholder: plain-http is for tests\nA=1\n", project.DotEnv, 2, "placeholder", true},
		{"a reason is no rule", "# airlock:ignore placeholder: plain-http is for tests\nA=1\n", project.DotEnv, 2, "plain-http", false},
		{"with a reason behind a dash", "# airlock:ignore placeholder - plain-http\nA=1\n", project.DotEnv, 2, "plain-http", false},
		{"in Markdown", "<!-- airlock:ignore placeholder -->\ntext\n", project.Document, 2, "placeholder", true},
		{"in a code block of Markdown", "# airlock:ignore placeholder\ntext\n", project.Document, 2, "placeholder", true},
		{"in the prose of Markdown", "say `# airlock:ignore placeholder` there\ntext\n", project.Document, 1, "placeholder", false},
		{"in HCL", "// airlock:ignore vault-list-on-data\npath\n", project.DotEnv, 2, "vault-list-on-data", true},
		{"without a comment", "airlock:ignore placeholder\nA=1\n", project.DotEnv, 2, "placeholder", false},
		{"without a rule", "# airlock:ignore\nA=1\n", project.DotEnv, 2, "placeholder", false},
		{"with Windows' line ends", "# airlock:ignore placeholder\r\nA=1\r\n", project.DotEnv, 2, "placeholder", true},
		{"above a statement of several lines", "# airlock:ignore placeholder\nA='1\n2\n3'\n", project.DotEnv, 4, "placeholder", true},
	}
	for _, tt := range tests {
		f := &project.File{Path: "f", Kind: tt.kind, Text: tt.text}
		p := &project.Project{Files: []*project.File{f}}
		var found []Finding
		finding := Finding{Rule: tt.rule, File: "f", Line: tt.line}
		if tt.line > 3 {
			whole := project.Span{File: f, Start: 29, End: len(tt.text)}
			p.Environments = []*project.Environment{{Settings: []*project.Setting{{Whole: whole}}}}
			finding.Span = project.Span{File: f, Start: len(tt.text) - 2, End: len(tt.text) - 1}
		}
		found = withoutIgnored(p, nil, append(found, finding))
		if (len(found) == 0) != tt.silenced {
			t.Errorf("%s: silenced = %v, want %v", tt.name, len(found) == 0, tt.silenced)
		}
	}
}

func TestIgnoresOfDAGs(t *testing.T) {
	dags := &dagscan.Result{Ignores: []dagscan.Ignore{
		{Place: dagscan.Place{File: "dags/a.py", Line: 4, Column: 7}, Rules: []string{"dag-prints-secret", "dag-print-secret"}},
	}}
	p := &project.Project{}
	found := withoutIgnored(p, dags, []Finding{
		{Rule: "dag-prints-secret", File: "dags/a.py", Line: 4},
		{Rule: "dag-prints-secret", File: "dags/a.py", Line: 5},
		{Rule: "dag-prints-secret", File: "dags/a.py", Line: 6},
		{Rule: "dag-prints-secret", File: "dags/b.py", Line: 4},
	})
	lines := []int{}
	for _, f := range found {
		lines = append(lines, f.Line)
	}
	if !slices.Equal(lines, []int{6, 4}) {
		t.Errorf("left are lines %v, want 6 of a.py and 4 of b.py", lines)
	}
	if found := Run(t.Context(), p, dags); len(found) == 0 || found[0].Rule != unknownIgnore || found[0].Line != 4 || found[0].Column != 7 {
		t.Errorf("the unknown rule of the comment is not told: %v", found)
	}
}

func TestNearestRule(t *testing.T) {
	rules := []Rule{{ID: "placeholder"}, {ID: "plain-http"}}
	for id, want := range map[string]string{"place-holder": "placeholder", "plain_http": "plain-http", "other": "", "": ""} {
		if got := nearestRule(id, rules); got != want {
			t.Errorf("nearestRule(%q) = %q, want %q", id, got, want)
		}
	}
}
