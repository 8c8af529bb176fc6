package check

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/project"
)

func awsRules() []Rule {
	return []Rule{{
		ID: "secretsmanager-leading-slash", Severity: Warning,
		Title: "a prefix of Secrets Manager begins with a slash",
		Why: "In Secrets Manager /airflow/variables/x and airflow/variables/x are two secrets; nobody adds or removes the slash. The secrets " +
			"have to be created with it too, which the examples of AWS and of Airflow do not do. (Parameter Store is different: there the " +
			"backend adds a slash that is missing.)",
		Airflow: "The backend asks for the name with the slash. A secret without it is not found: ResourceNotFoundException is one line at " +
			"debug level and None.",
		Find: findLeadingSlash,
	}, {
		ID: "aws-binary-secret", Severity: Error,
		Title:   "a secret of Airflow is stored as bytes",
		Why:     "Secrets Manager keeps text (SecretString) and bytes (SecretBinary) apart, and the backend reads text only.",
		Airflow: "The answer has no SecretString: the backend answers None, without a line in the log, as if the secret did not exist.",
		Find:    findBinarySecret,
	}, {
		ID: "aws-console-json", Severity: Warning,
		Title: "a variable is stored as a pair of key and value",
		Why: "The console's \"Key/value\" form, and a --secret-string in braces, store a JSON object. For a variable choose \"Plaintext\" and store " +
			"the value alone.",
		Airflow: "The backend hands a variable out as it is stored: Variable.get returns the JSON text, braces and key included.",
		Find:    findConsoleJSON,
	}, {
		ID: "config-name-is-value", Severity: Error,
		Title: "an option's _SECRET holds the value instead of its name in the store",
		Why: "AIRFLOW__SECTION__OPTION_SECRET is the name of a secret below the prefix of configuration. A value there is asked for as a " +
			"name, and stands where names are expected: in requests, in logs and in audit trails.",
		Airflow: "Airflow asks the backend for a secret called as the value, under the prefix of configuration. Nothing is found, and it goes " +
			"on with airflow.cfg and then the default of the option; a store that refuses the name ends the start with \"Cannot retrieve config from " +
			"alternative secrets backend\".",
		Find: findConfigValue,
	}}
}

func findLeadingSlash(s *Subject, report Report) {
	for _, n := range namings(s) {
		if n.Row.Service != "secretsmanager" {
			continue
		}
		for _, kind := range airflow.Kinds() {
			given, ok := n.text(n.kwarg(kind))
			prefix, on := n.prefix(kind)
			if !ok || !on || !strings.HasPrefix(given, "/") || strings.Trim(given, "/") == "" {
				continue
			}
			with, without, certain := namesWithSlash(s, prefix)
			if with != "" {
				continue
			}
			bare := strings.TrimLeft(given, "/")
			f := Finding{
				Span: n.At(n.kwarg(kind)), Fix: fmt.Sprintf(`"%s": "%s"`, n.kwarg(kind), bare),
				Message: fmt.Sprintf("%s begins with a slash: only secrets that are called %q are found", n.kwarg(kind), prefix+"<id>"),
			}
			if without != "" {
				f.Severity = Error
				f.Message = fmt.Sprintf("%s begins with a slash, but the secrets do not (%s): none is found", n.kwarg(kind), without)
				if at, ok := n.valueAt(n.kwarg(kind)); ok && certain {
					f.Edits = []Edit{{Span: at, New: bare}}
				}
			}
			report(f)
		}
	}
}

// namesWithSlash are the places where the project names secrets below a prefix
// with its slash and without it. It is certain where commands do, and not a
// text alone.
func namesWithSlash(s *Subject, prefix string) (with, without string, certain bool) {
	bare := strings.TrimLeft(prefix, "/")
	note := func(name, where string) {
		switch {
		case strings.HasPrefix(name, prefix):
			with = where
		case strings.HasPrefix(name, bare):
			without = where
		}
	}
	for _, e := range written(s, "secretsmanager") {
		note(e.Remote, place(e.At))
	}
	certain = without != ""
	for _, t := range documentTokens(s) {
		if t.about("secretsmanager") && len(t.text) > len(bare) {
			note(t.text, place(t.span))
		}
	}
	return with, without, certain
}

func findBinarySecret(s *Subject, report Report) {
	for _, e := range written(s, "secretsmanager") {
		if e.Command == nil {
			continue
		}
		_, at, ok := flag(e.Command, "--secret-binary")
		if !ok || !coveredByService(s, "secretsmanager", e) {
			continue
		}
		report(Finding{
			Span: at, Fix: "--secret-string file://<file>",
			Message: fmt.Sprintf("%q is written as bytes: the backend reads text only", e.Remote),
		})
	}
}

// coveredByService tells whether some backend of a service asks for what an
// entry writes.
func coveredByService(s *Subject, service string, e *project.Entry) bool {
	for _, n := range namings(s) {
		if n.Row.Service == service && n.covers(storeName(e)) {
			return true
		}
	}
	return false
}

func findConsoleJSON(s *Subject, report Report) {
	for _, n := range namings(s) {
		if n.Row.Service != "secretsmanager" {
			continue
		}
		for _, e := range written(s, "secretsmanager") {
			refs := n.refs(storeName(e))
			if len(refs) != 1 || refs[0].Kind != airflow.KindVariable || !e.Known {
				continue
			}
			if member := onlyMember(e.Text); member == "value" || member == refs[0].ID || member == lastSegment(e.Remote) {
				report(Finding{
					Span:    e.Span,
					Message: fmt.Sprintf("the variable %q gets a JSON object whose only member is %q: tasks see the braces", refs[0].ID, member),
					Fix:     "store the value alone, without braces and key",
				})
			}
		}
	}
}

func lastSegment(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// onlyMember is the name of the one member of a JSON object whose value is a
// string; empty for any other text.
func onlyMember(text string) string {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return ""
	}
	v, err := pyjson.Decode(text)
	object, ok := v.(*pyjson.Object)
	if err != nil || !ok || len(object.Keys()) != 1 {
		return ""
	}
	name := object.Keys()[0]
	if member, _ := object.Get(name); pyjson.TypeName(member) != "str" {
		return ""
	}
	return name
}

func findConfigValue(s *Subject, report Report) {
	for _, env := range s.Project.Environments {
		for _, setting := range secretOptions(env) {
			if !setting.Known || !looksLikeValue(setting.Value) {
				continue
			}
			_, key, _ := secretOption(setting.Name)
			report(Finding{
				Span:    setting.Text,
				Message: fmt.Sprintf("%s holds what looks like the value of the option, not the name of a secret", setting.Name),
				Fix:     nameOf(setting) + key,
			})
		}
	}
}

// nameOf is what stands in front of a setting's value, where that is one line
// with it.
func nameOf(s *project.Setting) string {
	if s.Key.File == nil {
		return s.Name + "="
	}
	switch s.Key.File.Kind {
	case project.DotEnv, project.Dockerfile, project.AirflowConfig:
		return s.Key.Text() + "="
	}
	return ""
}

// looksLikeValue recognises addresses and keys of Fernet, which no secret is
// named after.
func looksLikeValue(text string) bool {
	return strings.Contains(text, "://") || regexp.MustCompile(`^[A-Za-z0-9_-]{43}=(,[A-Za-z0-9_-]{43}=)*$`).MatchString(text)
}
