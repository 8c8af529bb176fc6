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
		Title: "a name that Google Secret Manager cannot hold",
		Why:   "The name of a secret has letters of ASCII, digits, dashes and underscores only, 255 at most. Nothing replaces others.",
		Airflow: "The backend asks for the name as it is. Google answers InvalidArgument, which is an error in the log (\"Google Cloud API Call " +
			"Error (InvalidArgument): Invalid secret ID ...\") and None: Airflow goes on to the next layer.",
		Find: findIllegalGCP,
	}, {
		ID: "gcp-secret-without-version", Severity: Error,
		Title: "a secret is created but never gets a value",
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
	for _, n := range namings(s) {
		if n.Row.Service != "gcp" {
			continue
		}
		// The class itself refuses others in connections_prefix and sep.
		illegalPrefixes(n, report, "variables_prefix", "config_prefix")
		illegalIDs(s, n, report)
		illegalWrites(s, n, report)
	}
}

// illegalWrites reports the names that a command cannot give a secret.
func illegalWrites(s *Subject, n *naming, report Report) {
	for _, e := range written(s, n.Row.Service) {
		if !holds(n.Row.Service, filledName(e.Remote)) {
			report(Finding{
				Span: e.At, Fix: legalName(n.Row.Service, e.Remote),
				Message: fmt.Sprintf("%s takes no secret called %q", serviceName(n.Row.Service), e.Remote),
			})
		}
	}
}

// illegalPrefixes reports the kwargs that no legal name can begin with.
func illegalPrefixes(n *naming, report Report, kwargs ...string) {
	for _, kwarg := range kwargs {
		text, ok := n.text(kwarg)
		if !ok || text == "" || n.legal(text) {
			continue
		}
		report(Finding{
			Span:    n.At(kwarg),
			Message: fmt.Sprintf("%s has characters that %s does not take in a name", kwarg, serviceName(n.Row.Service)),
			Fix:     fmt.Sprintf(`"%s": "%s"`, kwarg, legalName(n.Row.Service, text)),
		})
	}
}

// legalName replaces what neither Google nor Azure takes in a name, leaving
// out what stands at its ends. What a shell or a reader fills in stays.
func legalName(service, name string) string {
	const instead = "-"
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
		case inside > 0, isWordRune(r), strings.ContainsRune("-$*", r), r == '_' && service == "gcp":
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
		if s.inEnvironment(u.ref) || u.ref.Kind == airflow.KindConfig {
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
			Fix: legalName(n.Row.Service, u.ref.ID),
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
