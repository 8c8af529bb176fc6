// Package check finds what is wrong with a project: each rule knows one
// mistake, where it can be seen, what Airflow does with it and how to mend it.
// The rules stand in files named after what they are about.
package check

import (
	"cmp"
	"context"
	"slices"

	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/project"
)

// Severity is how bad a finding is.
type Severity string

// The severities. Error: it does not work, or a secret is exposed. Warning:
// it works, not as it seems to. Note: worth knowing.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Rule is one mistake that can be found.
type Rule struct {
	// ID is stable: it stands in JSON, in SARIF and in ignore comments.
	ID       string
	Severity Severity
	// Title is one line, without a full stop; Why a few sentences.
	Title, Why string
	// Airflow is what Airflow does with it, true of every finding of the
	// rule; empty where the rule claims nothing of Airflow.
	Airflow string
	// Find reports what it finds. Nil for rules of another sort (live).
	Find func(*Subject, Report)
}

// Report takes a finding. Rule is filled in by the caller, and Severity and
// Airflow are those of the rule where they are empty.
type Report func(Finding)

// Finding is one mistake at one place.
type Finding struct {
	Rule     string
	Severity Severity
	// Span is where; File, Line and Column count where it has no file.
	Span         project.Span
	File         string
	Line, Column int
	// Message says what is wrong, Airflow what Airflow does with it, Fix what
	// to write instead, as text that can be pasted. None holds a secret.
	Message, Airflow, Fix string
	// Edits make the fix; nil where a person has to. They keep what Airflow
	// ought to get and lose nothing.
	Edits []Edit
}

// Edit replaces a piece of a file.
type Edit struct {
	Span project.Span
	New  string
}

// Rules are all of them, in the order in which they are listed.
func Rules() []Rule {
	return slices.Concat(textRules(), classRules(), kwargsRules(), nameRules(), vaultRules(), awsRules(),
		gcpRules(), azureRules(), policyRules(), connectionRules(), exposureRules(), dagRules(), astroRules(), readingRules())
}

// Run applies the rules to a project and returns what they find, sorted by
// file, line, column and rule, without what the files tell to ignore.
func Run(ctx context.Context, p *project.Project, dags *dagscan.Result) []Finding {
	s := &Subject{Project: p, DAGs: dags, Backends: backends(p)}
	rules := Rules()
	found := problems(p, rules)
	for _, rule := range rules {
		if ctx.Err() != nil || rule.Find == nil {
			continue
		}
		rule.Find(s, func(f Finding) { found = append(found, complete(f, rule)) })
	}
	return Merge(p, dags, found)
}

// Merge makes one report of findings from several places: sorted, each once,
// without what the project's files tell to ignore.
func Merge(p *project.Project, dags *dagscan.Result, found ...[]Finding) []Finding {
	all := slices.Concat(found...)
	Sort(all)
	return withoutIgnored(p, dags, slices.CompactFunc(all, same))
}

func complete(f Finding, r Rule) Finding {
	f.Rule = r.ID
	f.Severity = cmp.Or(f.Severity, r.Severity)
	f.Airflow = cmp.Or(f.Airflow, r.Airflow)
	if f.Span.File != nil {
		f.File = f.Span.Path()
		f.Line, f.Column = f.Span.Position()
	}
	return f
}

func same(a, b Finding) bool {
	return a.Rule == b.Rule && a.File == b.File && a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
}

// Sort puts findings into the order in which they are shown.
func Sort(found []Finding) {
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
}
