package cli

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/project"
)

// table prints findings for people, those of one file together.
func (r *checking) table(found []check.Finding, p *project.Project) {
	colours := r.paint(r.Stdout)
	for i, f := range found {
		if i > 0 && found[i-1].File != f.File {
			r.println("")
		}
		r.println(heading(colours, f))
		r.println(indented("  ", f.Message))
		if f.Airflow != "" {
			r.println("  " + colours.in(faint, "Airflow:") + " " + strings.TrimSpace(indented("  ", f.Airflow)))
		}
		if f.Fix != "" {
			r.println("  " + colours.in(faint, "fix:"))
			r.println(colours.in(green, indented("    ", f.Fix)))
		}
	}
	if len(found) > 0 {
		r.println("")
	}
	r.println(summary(found, p))
}

// heading is "path:line:col severity rule".
func heading(colours paint, f check.Finding) string {
	at := strings.ReplaceAll(visible(f.File), "\n", "\uFFFD") // a name must not make up a line
	if at == "" {
		at = "." // the project as a whole
	}
	if f.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", at, f.Line, f.Column)
	}
	return colours.in(bold, at) + " " + colours.severity(f.Severity, string(f.Severity)) + " " + f.Rule
}

// indented puts a margin before every line of a text from outside.
func indented(margin, text string) string {
	lines := strings.Split(strings.TrimRight(visible(text), "\n"), "\n")
	return margin + strings.Join(lines, "\n"+margin)
}

// summary is "3 errors, 1 warning in 4 files".
func summary(found []check.Finding, p *project.Project) string {
	n := 0
	for _, f := range p.Files {
		if f.Kind != project.Process {
			n++
		}
	}
	if n == 0 && len(found) == 0 {
		return "nothing found: there is no file that configures Airflow"
	}
	files := counted(n, "file")
	if len(found) == 0 {
		return "nothing found in " + files
	}
	var parts []string
	for _, s := range []check.Severity{check.Error, check.Warning, check.Note} {
		if n := check.Count(found, s); n > 0 {
			parts = append(parts, counted(n, string(s)))
		}
	}
	return strings.Join(parts, ", ") + " in " + files
}

// counted is a number and what is counted: "1 file", "2 files".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
