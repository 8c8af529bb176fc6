package check

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/project"
)

func newlineRules() []Rule {
	return []Rule{{
		ID: "value-ends-in-newline", Severity: Warning, Title: "a secret is stored with the line break that echo adds",
		Why: "echo ends what it writes with a line break, and what is piped into a store is stored byte for byte. " +
			"printf %s, or echo -n in bash, writes none.",
		Airflow: "Variable.get returns the value with the line break at its end.",
		Find:    findNewlines,
	}}
}

func findNewlines(s *Subject, report Report) {
	names := namings(s)
	for i := 1; i < len(s.Project.Commands); i++ {
		before, c := &s.Project.Commands[i-1], &s.Project.Commands[i]
		remote, ok := takesInput(c)
		if !ok || !pipes(before, c) || !runs(before, "echo") || len(before.Words) < 2 || strings.HasPrefix(before.Words[1].Text, "-n") {
			continue
		}
		if isConnectionName(names, remote) {
			continue // whose text Airflow strips
		}
		report(Finding{Span: before.Words[0].Span, Message: fmt.Sprintf("%s gets a line break at the end of its value", excerpt.Name(remote)), Fix: "printf %s 'VALUE' | ..."})
	}
}

// pipes tells whether one command writes into the next.
func pipes(a, b *project.Command) bool {
	file := a.Span.File
	return file != nil && file == b.Span.File && a.Span.End <= b.Span.Start && strings.TrimSpace(file.Text[a.Span.End:b.Span.Start]) == "|"
}

// takesInput is the name under which a command stores what it reads from its
// input.
func takesInput(c *project.Command) (remote string, ok bool) {
	switch {
	case runs(c, "gcloud", "secrets"):
		file, _, _ := flag(c, "--data-file")
		if remote, _, ok = argument(c, 3); runs(c, "gcloud", "secrets", "versions", "add") {
			remote, _, ok = argument(c, 4)
		}
		return remote, ok && (file == "-" || file == "/dev/stdin")
	case runs(c, "vault", "kv", "put"), runs(c, "bao", "kv", "put"):
		for _, w := range c.Words {
			if strings.HasSuffix(w.Text, "=-") {
				remote, _, ok = argument(c, 3)
			}
		}
	}
	return remote, ok
}

// isConnectionName tells whether a name of a store is a connection's.
func isConnectionName(names []*naming, remote string) bool {
	for _, n := range names {
		for _, ref := range n.refs(remote) {
			if ref.Kind == airflow.KindConnection {
				return true
			}
		}
	}
	return strings.Contains(remote, "connections")
}
