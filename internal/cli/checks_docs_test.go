package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/check"
)

// TestChecksPage fails when docs/checks.md is not what the rules say.
func TestChecksPage(t *testing.T) {
	const path = "../../docs/checks.md"
	got := checksPage(listed(t))
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s has drifted from the rules: go test ./internal/cli -update", path)
	}
}

// listed are the rules that `check --list` tells of.
func listed(t *testing.T) []check.Rule {
	t.Helper()
	var out, stderr bytes.Buffer
	if code := Main(Env{Context: t.Context(), Args: []string{"check", "--list", "-o", "json"}, Stdout: &out, Stderr: &stderr}); code != 0 {
		t.Fatalf("check --list: exit code %d: %s", code, &stderr)
	}
	var doc struct{ Rules []check.Rule }
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Rules
}

func checksPage(rules []check.Rule) []byte {
	var b bytes.Buffer
	b.WriteString("# What `airlock check` finds\n\nWritten from the rules by `go test ./internal/cli -update`.\n\n" +
		"An *error* does not work, or exposes a secret; a *warning* works, though not as it seems to; a *note* is worth knowing.\n" +
		"What Airflow does is said of Airflow 3.3. `# airlock:ignore RULE` on a line, or on the line above it, silences a rule there.\n\n" +
		"| rule | | what is wrong |\n|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.ID, r.ID, r.Severity, check.Markdown(r.Title))
	}
	for _, r := range rules {
		fmt.Fprintf(&b, "\n## %s\n\n*%s*: %s.\n\n%s\n", r.ID, r.Severity, check.Markdown(r.Title), check.Markdown(r.Why))
		if r.Airflow != "" {
			fmt.Fprintf(&b, "\n**What Airflow does:** %s\n", check.Markdown(r.Airflow))
		}
	}
	return b.Bytes()
}

// TestRulesExplainThemselves keeps a rule from being added without what the
// list of rules needs.
func TestRulesExplainThemselves(t *testing.T) {
	rules := listed(t)
	for i, r := range rules {
		switch {
		case r.ID == "" || strings.ToLower(r.ID) != r.ID || strings.ContainsAny(r.ID, " _"):
			t.Errorf("rule %d has the id %q", i, r.ID)
		case slices.IndexFunc(rules, func(o check.Rule) bool { return o.ID == r.ID }) != i:
			t.Errorf("there are two rules %s", r.ID)
		case r.Title == "" || strings.HasSuffix(r.Title, ".") || strings.Contains(r.Title, "\n"):
			t.Errorf("the title of %s is no line without a full stop", r.ID)
		case !strings.HasSuffix(r.Why, ".") && !strings.HasSuffix(r.Why, ".)"):
			t.Errorf("%s does not say why in sentences", r.ID)
		case !slices.Contains([]check.Severity{check.Error, check.Warning, check.Note}, r.Severity):
			t.Errorf("%s has the severity %q", r.ID, r.Severity)
		}
	}
}
