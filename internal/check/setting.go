package check

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/render"
)

// placed is a setting and the environment it is of.
type placed struct {
	*project.Setting
	env *project.Environment
}

// settings lists those of all environments, each statement of a file once.
func settings(s *Subject) []placed {
	return remember(&s.known.placed, func() []placed { return settingsOf(s.Project) })
}

func settingsOf(p *project.Project) []placed {
	var all []placed
	seen := map[project.Span]bool{}
	for _, env := range p.Environments {
		for _, one := range env.Settings {
			if one.Whole.File != nil && seen[one.Whole] {
				continue
			}
			seen[one.Whole] = true
			all = append(all, placed{one, env})
		}
	}
	return all
}

// The names of the options that say which backend there is.
var (
	classNames  = []string{airflow.OptionEnv("secrets", "backend"), airflow.OptionEnv("workers", "secrets_backend")}
	kwargsNames = []string{airflow.OptionEnv("secrets", "backend_kwargs"), airflow.OptionEnv("workers", "secrets_backend_kwargs")}
)

// isKwarg tells whether a variable sets one kwarg of a backend.
func isKwarg(name string) bool {
	return strings.HasPrefix(name, airflow.KwargEnvPrefix("secrets", "backend_kwargs")) ||
		strings.HasPrefix(name, airflow.KwargEnvPrefix("workers", "secrets_backend_kwargs"))
}

// isOfBackend tells whether a variable says which backend there is, or how it
// is constructed.
func isOfBackend(name string) bool {
	return slices.Contains(classNames, name) || slices.Contains(kwargsNames, name) || isKwarg(name)
}

// cloudNames are the variables that the clients behind the backends read.
var cloudNames = map[string][]string{
	"vault": {"VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT"},
	"aws": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ROLE_ARN",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ENDPOINT_URL"},
	"gcp":   {"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"},
	"azure": {"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"},
}

// isCloud tells whether a variable is one of a cloud's or of Vault's client.
func isCloud(name string) bool {
	for _, names := range cloudNames {
		if slices.Contains(names, name) {
			return true
		}
	}
	return false
}

// isSensitiveOption tells whether a variable sets an option that holds a
// credential, kwargs aside.
func isSensitiveOption(name string) bool {
	section, key, ok := optionOf(name)
	return ok && airflow.SensitiveOption(section, key) && !strings.HasSuffix(key, "_kwargs") && !strings.HasSuffix(key, "_args")
}

// optionOf reads AIRFLOW__SECTION__KEY.
func optionOf(name string) (section, key string, ok bool) {
	rest, ok := strings.CutPrefix(name, "AIRFLOW__")
	if !ok {
		return "", "", false
	}
	section, key, ok = strings.Cut(strings.ToLower(rest), "__")
	return section, key, ok && key != ""
}

// isEntry tells whether a variable holds an Airflow variable or connection.
func isEntry(name string) bool {
	return strings.HasPrefix(name, airflow.VariableEnvPrefix) || strings.HasPrefix(name, airflow.ConnectionEnvPrefix)
}

// concerns tells whether a variable is one of Airflow or of a backend's client.
func concerns(name string) bool {
	return strings.HasPrefix(name, "AIRFLOW__") || isEntry(name) || isCloud(name)
}

// called is what a setting is called where it stands: the variable, or the
// option of airflow.cfg.
func called(s *project.Setting) string {
	if s.Key.File != nil && s.Key.File.Kind == project.AirflowConfig {
		if section, key, ok := optionOf(s.Name); ok {
			return "[" + section + "] " + key
		}
	}
	return excerpt.Word(s.Name)
}

// statement is how the place of a setting writes it with another value; ""
// where it cannot. A secret in it is masked.
func statement(s *project.Setting, value string) string {
	text, kind := "", project.Process
	if s.Key.File != nil {
		kind = s.Key.File.Kind
	}
	var err error
	switch kind {
	case project.DotEnv:
		text, err = render.DotEnv(s.Name, value)
	case project.Dockerfile:
		text, err = render.Dockerfile(s.Name, value)
	case project.AirflowConfig:
		text = s.Key.Text() + " = " + strings.ReplaceAll(value, "%", "%%")
	case project.Process, project.Script, project.Document:
		text, err = render.Shell(s.Name, value)
	default:
		text = inYAML(s, value)
	}
	if err != nil || strings.Contains(text, "\n") {
		return ""
	}
	return Masked(kind, text)
}

// inYAML writes a value as the line of YAML does that has it now: NAME: value,
// - NAME=value, or value: value below a name.
func inYAML(s *project.Setting, value string) string {
	between := ""
	if s.Key.End <= s.Text.Start && s.Text.Start <= len(s.Key.File.Text) && s.Key.Text() == s.Name {
		between = strings.TrimSpace(s.Key.File.Text[s.Key.End:s.Text.Start])
	}
	switch between {
	case ":":
		return s.Name + ": " + render.YAML(value)
	case "=":
		return "- " + render.YAML(s.Name+"="+value)
	}
	return "value: " + render.YAML(value)
}

// after is the statement of a setting with edits made in it, masked; "" where
// one of them is not within it.
func after(s *project.Setting, edits []Edit) string {
	text := s.Whole.Text()
	for _, e := range slices.Backward(edits) {
		from, end := e.Span.Start-s.Whole.Start, e.Span.End-s.Whole.Start
		if e.Span.File != s.Whole.File || from < 0 || end > len(text) {
			return ""
		}
		text = text[:from] + e.New + text[end:]
	}
	text = strings.TrimRight(text, "\r\n")
	if strings.Contains(text, "\n") {
		return ""
	}
	return Masked(s.Whole.File.Kind, text)
}

// without are the edits that take bytes out of a setting's value: nil where
// the value does not stand in a file as it is.
func without(s *project.Setting, stretches ...[2]int) []Edit {
	if !s.Exact || s.Text.File == nil || s.Text.File.Kind == project.Process {
		return nil
	}
	var edits []Edit
	for _, at := range stretches {
		edits = append(edits, Edit{Span: s.Of(at[0], at[1])})
	}
	return edits
}

// line is the line on which a span starts, for messages.
func line(s project.Span) int {
	n, _ := s.Position()
	return n
}
