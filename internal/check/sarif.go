package check

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/project"
)

// SARIF is the report in the Static Analysis Results Interchange Format,
// version 2.1.0 (OASIS standard, errata 01), which code hosts show beside the
// lines. All rules are described in it. A fix that would show a secret is told
// in words only.
func SARIF(found []Finding, rules []Rule, version string) ([]byte, error) {
	driver := sarifDriver{Name: "airlock", Version: version, URI: "https://github.com/airlock-secrets/airlock", Rules: []sarifRule{}}
	for _, r := range rules {
		driver.Rules = append(driver.Rules, describe(r))
	}
	run := sarifRun{Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	for _, f := range found {
		run.Results = append(run.Results, resultOf(f, slices.IndexFunc(rules, func(r Rule) bool { return r.ID == f.Rule })))
	}
	return document(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

// Markdown is a text with its <, * and | made harmless to Markdown.
func Markdown(text string) string {
	return strings.NewReplacer("<", `\<`, "*", `\*`, "|", `\|`).Replace(text)
}

func describe(r Rule) sarifRule {
	s := sarifRule{ID: r.ID, Short: sarifText{r.Title}, Full: sarifText{r.Why}, Help: sarifHelp{Text: r.Why, Markdown: Markdown(r.Why)}}
	s.Default.Level = string(r.Severity)
	if r.Airflow != "" {
		s.Help.Text += "\n\nWhat Airflow does: " + r.Airflow
		s.Help.Markdown += "\n\n**What Airflow does:** " + Markdown(r.Airflow)
	}
	return s
}

func resultOf(f Finding, rule int) sarifResult {
	r := sarifResult{Rule: f.Rule, Level: string(f.Severity), Message: sarifText{f.Message}, Locations: []sarifLocation{locate(f)}}
	if rule >= 0 {
		r.Index = &rule
	}
	for _, more := range []struct{ head, text string }{{"Airflow: ", f.Airflow}, {"Fix: ", f.Fix}} {
		if more.text != "" {
			r.Message.Text += "\n" + more.head + more.text
		}
	}
	if fix, ok := fixOf(f); ok {
		r.Fixes = []sarifFix{fix}
	}
	return r
}

// locate says where a finding is. The process environment is no artifact.
func locate(f Finding) sarifLocation {
	if f.File == "" || f.Span.File != nil && f.Span.File.Kind == project.Process {
		return sarifLocation{Logical: []sarifLogical{{Name: "environment", Kind: "resource"}}}
	}
	at := &sarifPhysical{Artifact: artifact(f.File)}
	switch {
	case f.Line == 0:
	case f.Span.File == nil:
		at.Region = &sarifRegion{StartLine: f.Line, StartColumn: f.Column}
	default:
		at.Region = region(f.Span)
	}
	return sarifLocation{Physical: at}
}

func artifact(path string) sarifArtifact {
	return sarifArtifact{URI: (&url.URL{Path: path}).EscapedPath()}
}

// region is a span in lines and columns; its end is the character behind it.
func region(s project.Span) *sarifRegion {
	r := &sarifRegion{}
	r.StartLine, r.StartColumn = s.Position()
	text := s.Text()
	r.EndLine, r.EndColumn = r.StartLine+strings.Count(text, "\n"), utf8.RuneCountInString(text)+1
	if last := strings.LastIndexByte(text, '\n'); last >= 0 {
		r.EndColumn = utf8.RuneCountInString(text[last:])
	} else {
		r.EndColumn += r.StartColumn - 1
	}
	return r
}

func fixOf(f Finding) (sarifFix, bool) {
	fix := sarifFix{Description: sarifText{"what airlock check --fix does"}}
	if !fits(nil, f) || slices.ContainsFunc(f.Edits, showsSecret) {
		return fix, false
	}
	for _, e := range f.Edits {
		at := slices.IndexFunc(fix.Changes, func(c sarifChange) bool { return c.Artifact == artifact(e.Span.Path()) })
		if at < 0 {
			at, fix.Changes = len(fix.Changes), append(fix.Changes, sarifChange{Artifact: artifact(e.Span.Path())})
		}
		fix.Changes[at].Replacements = append(fix.Changes[at].Replacements, sarifReplacement{*region(e.Span), sarifText{e.New}})
	}
	return fix, true
}
