package check

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/project"
)

func gcpRules() []Rule {
	return []Rule{{
		ID: "gcp-name-illegal", Severity: Error,
		Title: "A name that Google Secret Manager cannot hold",
		Why:   "The name of a secret has letters of ASCII, digits, dashes and underscores only, 255 at most. Nothing replaces others.",
		Airflow: "For a prefix of connections with other characters Airflow does not start: \"AirflowException: `connections_prefix`, " +
			"`variables_prefix` and `sep` should follows that pattern ^[a-zA-Z0-9-_]*$\". All other names are sent as they are; Google answers " +
			"InvalidArgument, which is logged as an error (\"Invalid secret ID\") and taken for not found.",
		Find: findIllegalGCP,
	}, {
		ID: "gcp-secret-without-version", Severity: Error,
		Title: "A secret is created but never gets a value",
		Why:   "gcloud secrets create makes an empty secret unless --data-file is given; the value is a version of its own.",
		Airflow: "The backend asks for versions/latest. A secret without a version is NotFound, which is None and one line at debug level: " +
			"Airflow goes on as if it did not exist.",
		Find: findWithoutVersion,
	}}
}

// gcpHolds tells whether Google takes a name for a secret.
// https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create
func gcpHolds(name string) bool {
	const longest = 255
	return name != "" && len(name) <= longest && !strings.ContainsFunc(name, func(r rune) bool {
		return !isWordRune(r) && r != '-' && r != '_'
	})
}

func findIllegalGCP(s *Subject, report Report) {
	for _, b := range s.Backends {
		if kwargs := meantKwargs(b); b.Row.Service == "gcp" && kwargs != nil {
			illegalPrefixes(&naming{Backend: b, kwargs: kwargs}, gcpHolds, "-", report)
		}
	}
	for _, n := range namings(s) {
		if n.Row.Service != "gcp" {
			continue
		}
		illegalIDs(s, n, report)
		for _, e := range written(s, "gcp") {
			if !gcpHolds(filledName(e.Remote)) {
				report(Finding{Span: e.At, Fix: legalName(e.Remote, "-"),
					Message: fmt.Sprintf("Google Secret Manager takes no secret called %q: letters, digits, - and _ only", e.Remote)})
			}
		}
	}
}

// illegalPrefixes reports the prefixes and separators that no legal name can
// have.
func illegalPrefixes(n *naming, holds func(string) bool, instead string, report Report) {
	for _, kwarg := range []string{"connections_prefix", "variables_prefix", "config_prefix", "sep"} {
		text, ok := n.text(kwarg)
		if !ok || text == "" || holds(text) || n.Row.Service == "azure" && holds(strings.ReplaceAll(text, "_", "-")) {
			continue
		}
		report(Finding{
			Span:    n.At(kwarg),
			Message: fmt.Sprintf("%s has characters that %s does not take in a name", kwarg, serviceName(n.Row.Service)),
			Fix:     fmt.Sprintf(`"%s": "%s"`, kwarg, legalName(text, instead)),
		})
	}
}

// legalName replaces what neither Google nor Azure takes in a name, leaving
// out what stands at its ends. What a shell or a reader fills in stays.
func legalName(name, instead string) string {
	var b strings.Builder
	inside := 0
	for _, r := range name {
		switch {
		case r == '<' || r == '{':
			inside++
			b.WriteRune(r)
		case r == '>' || r == '}':
			inside--
			b.WriteRune(r)
		case inside > 0 || isWordRune(r) || r == '-' || r == '$' || r == '*':
			b.WriteRune(r)
		default:
			b.WriteString(instead)
		}
	}
	return strings.Trim(squeeze(b.String(), instead), instead)
}

// illegalIDs reports the ids that DAGs ask for and the service cannot hold,
// but not those that the environment answers.
func illegalIDs(s *Subject, n *naming, report Report) {
	for _, u := range usesOf(s) {
		if inEnvironment(s, u.ref) || u.ref.Kind == airflow.KindConfig {
			continue
		}
		prefix, on := n.prefix(u.ref.Kind)
		if !on || !n.legal(prefix+"x") || n.legal(u.ref.ID) {
			continue
		}
		report(u.at(Finding{
			Severity: Warning,
			Message: fmt.Sprintf("the %s %q has characters that %s does not take in a name: the backend never finds it",
				u.ref.Kind, u.ref.ID, serviceName(n.Row.Service)),
			Fix: legalName(u.ref.ID, "-"),
		}))
	}
}

// legal tells whether the service can hold a name, or a part of one, as the
// backend writes it.
func (n *naming) legal(part string) bool {
	if n.Row.Service == "azure" {
		sep, ok := n.text("sep")
		if !ok {
			sep = "-"
		}
		part = strings.ReplaceAll(part, "_", sep)
	}
	return holds(n.Row.Service, part)
}

func findWithoutVersion(s *Subject, report Report) {
	var backends []*naming
	for _, n := range namings(s) {
		if n.Row.Service == "gcp" {
			backends = append(backends, n)
		}
	}
	with, all := gcpVersions(s.Project)
	if all || !hasService(s, "gcp") {
		return
	}
	for i := range s.Project.Commands {
		c := &s.Project.Commands[i]
		name, at, ok := gcloudSecret(c, "create")
		if !ok || hasFlag(c, "--data-file") || with[name] || len(backends) > 0 && !coveredBy(backends, filledName(name)) {
			continue
		}
		report(Finding{
			Span: at, Message: fmt.Sprintf("the secret %q is created without a value, and no command adds a version", name),
			Fix: fmt.Sprintf("printf '%%s' \"$VALUE\" | gcloud secrets versions add '%s' --data-file=-", strings.ReplaceAll(name, "'", "")),
		})
	}
}

// hasService tells whether a backend of a service is configured.
func hasService(s *Subject, service string) bool {
	for _, b := range s.Backends {
		if b.Row.Service == service {
			return true
		}
	}
	return false
}

// gcpVersions are the secrets that get a version from a command; all is set
// where one is added to a name that a shell fills in.
func gcpVersions(p *project.Project) (with map[string]bool, all bool) {
	with = map[string]bool{}
	for i := range p.Commands {
		if name, _, ok := gcloudSecret(&p.Commands[i], "versions", "add"); ok {
			with[name] = true
			all = all || strings.ContainsAny(name, "$`")
		}
	}
	return with, all
}

// gcloudSecret is the name that "gcloud secrets VERB..." is about.
func gcloudSecret(c *project.Command, verb ...string) (name string, at project.Span, ok bool) {
	words := append([]string{"gcloud", "secrets"}, verb...)
	if !runs(c, words...) {
		return "", project.Span{}, false
	}
	return argument(c, len(words))
}
