package check

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/project"
)

func markRules() []Rule {
	return []Rule{{
		ID: "not-marked-secret", Severity: Error, Title: "an environment variable with a credential is not kept as a secret",
		Why: "What a Deployment or a cluster does not keep as a secret is shown in the Astro UI, in kubectl describe and in API answers, to people who need not see it. " +
			"Mark whatever carries a credential: the kwargs of a backend that has one, keys, tokens and passwords.",
		Find: findUnmarked,
	}}
}

func findUnmarked(s *Subject, report Report) {
	secretsOf(s, inKind(project.AstroDeployment), func(p placed, what string, _ bool) {
		report(Finding{Span: p.Key, Message: fmt.Sprintf("%s holds %s and is not marked as secret", excerpt.Word(p.Name), what),
			Fix: "key: " + excerpt.Word(p.Name) + "\nis_secret: true"})
	})
	secretsOf(s, inKind(project.HelmValues, project.Manifest), func(p placed, what string, _ bool) {
		report(Finding{Span: p.Key, Message: fmt.Sprintf("%s holds %s as plain text", excerpt.Word(p.Name), what),
			Fix: fmt.Sprintf("- name: %s\n  valueFrom:\n    secretKeyRef:\n      name: airflow-secrets-backend\n      key: %s", excerpt.Word(p.Name), p.Name)})
	})
	for i := range s.Project.Commands {
		c := &s.Project.Commands[i]
		if isVariableCommand(c) && !hasFlag(c, "--secret") && !hasFlag(c, "-s") {
			unmarkedInCommand(c, report)
		}
	}
}

// isVariableCommand tells whether a command makes environment variables of a
// Deployment.
func isVariableCommand(c *project.Command) bool {
	for _, words := range [][]string{{"astro", "deployment", "variable"}, {"astro", "deployment", "variables"}, {"astro", "env", "variable"}, {"astro", "env", "var"}} {
		if runs(c, append(words, "create")...) || runs(c, append(words, "update")...) {
			return true
		}
	}
	return false
}

func unmarkedInCommand(c *project.Command, report Report) {
	tell := func(at project.Span, name, what string) {
		report(Finding{Span: at, Message: fmt.Sprintf("%s holds %s, and the command does not mark it as secret", name, what), Fix: "add --secret to the command"})
	}
	for _, w := range c.Words[4:] {
		name, value, ok := strings.Cut(w.Text, "=")
		if !ok || strings.HasPrefix(name, "-") {
			continue
		}
		if what, _, ok := credential(name, value); ok {
			tell(w.Span, name, what)
		}
	}
	name, _, _ := flag(c, "--key")
	if name == "" {
		name, _, _ = flag(c, "-k")
	}
	value, at, ok := flag(c, "--value")
	if !ok {
		value, at, ok = flag(c, "-v")
	}
	if what, _, is := credential(name, value); ok && is {
		tell(at, name, what)
	}
}
