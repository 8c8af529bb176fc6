package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/spelling"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// The ids of rules about single kwargs.
const (
	unknownKwarg  = "unknown-kwarg"
	misspeltKwarg = "misspelt-kwarg"
	otherKwarg    = "kwarg-of-other-backend"
)

// kwargsRules are about what the kwargs of a backend say.
func kwargsRules() []Rule {
	const swallowed = "The classes of Parameter Store, Secrets Manager and Key Vault take it without a word, and make nothing of it. VaultBackend raises TypeError: Adapter.__init__() got an unexpected keyword argument " +
		"at each look-up. CloudSecretManagerBackend and LocalFilesystemBackend raise TypeError when Airflow starts, which ends it."
	return slices.Concat([]Rule{
		{
			ID: unknownKwarg, Severity: Error, Title: "the backend knows no such kwarg",
			Why: "Each class has kwargs of its own, and passes some on to the client behind it. Nothing comes of any other.", Airflow: swallowed,
			Find: func(s *Subject, report Report) { findUnknown(s, report, unknownKwarg) },
		},
		{
			ID: misspeltKwarg, Severity: Error, Title: "the name of a kwarg is misspelt",
			Why: "The backend knows no kwarg of this name, and one of nearly the same.", Airflow: swallowed,
			Find: func(s *Subject, report Report) { findUnknown(s, report, misspeltKwarg) },
		},
		{
			ID: otherKwarg, Severity: Error, Title: "the kwarg is that of another backend",
			Why: "Another backend's class knows the kwarg, this one does not: a line of another page's example, or left from a change of backends.", Airflow: swallowed,
			Find: func(s *Subject, report Report) { findUnknown(s, report, otherKwarg) },
		},
	}, contradictionRules())
}

func findUnknown(s *Subject, report Report, rule string) {
	findUnknownInText(s, report, rule)
	for _, b := range s.Backends {
		if b.Row.Kwargs == nil {
			continue
		}
		for _, name := range b.Object.Keys() {
			if slices.Contains(b.Row.Kwargs, name) {
				continue
			}
			near := meantKwarg(b, name)
			owner := ownerOf(b, name)
			switch is := sortOf(near, owner); {
			case is != rule:
			case is == misspeltKwarg:
				report(misspeltFinding(b, name, near))
			default:
				report(unknownFinding(b, name, near, owner))
			}
		}
	}
}

// sortOf is the rule that an unknown kwarg breaks.
func sortOf(near, owner string) string {
	switch {
	case owner != "":
		return otherKwarg
	case near != "":
		return misspeltKwarg
	}
	return unknownKwarg
}

// ownerOf is another backend that knows a kwarg; "" where none does.
func ownerOf(b *Backend, name string) string {
	for _, row := range stores.Known() {
		if row.Service != b.Row.Service && slices.Contains(row.Kwargs, name) {
			return last(row.Class)
		}
	}
	return ""
}

// alike are kwargs that say the same to different backends.
var alike = [][]string{
	{"connections_prefix", "connections_path", "connections_file_path"},
	{"variables_prefix", "variables_path", "variables_file_path"},
	{"config_prefix", "config_path", "configs_file_path"},
	{"url", "vault_url", "endpoint_url", "vault_uri", "address", "vault_addr"},
	{"profile_name", "profile"},
	{"region_name", "aws_region", "region"},
	{"token", "vault_token"},
	{"mount_point", "vault_mount", "mount"},
	{"project_id", "gcp_project", "project"},
	{"gcp_key_path", "keyfile_path", "key_path"},
	{"gcp_keyfile_dict", "keyfile_dict"},
	{"namespace", "vault_namespace"},
}

// meantKwarg is the kwarg of a backend that a name most likely stands for; ""
// where none is near.
func meantKwarg(b *Backend, name string) string {
	for _, names := range alike {
		if !slices.Contains(names, name) {
			continue
		}
		for _, one := range names {
			if slices.Contains(b.Row.Kwargs, one) {
				return one
			}
		}
	}
	if len(name) > 50 {
		return ""
	}
	best, near := max(1, min(3, len(name)/4))+1, ""
	for _, known := range b.Row.Kwargs {
		if d := spelling.Distance(strings.ToLower(name), known); d < best {
			best, near = d, known
		}
	}
	return near
}

// shown is a kwarg as a message shows it: one that a class knows, or nearly one.
// Another name may be a value in the wrong place.
func (b *Backend) shown(name string) string { return excerpt.Near(name, stores.Kwargs()) }

// withUnknown is what a backend does with a kwarg that nothing knows.
func withUnknown(b *Backend, name string) (Severity, string) {
	switch b.Row.Service {
	case "vault":
		return Error, fmt.Sprintf("Each look-up raises TypeError: Adapter.__init__() got an unexpected keyword argument '%s'", b.shown(name))
	case "gcp":
		return Error, fmt.Sprintf("TypeError: LoggingMixin.__init__() got an unexpected keyword argument '%s'. Airflow does not start.", b.shown(name))
	case "localfile":
		return Error, fmt.Sprintf("TypeError: LocalFilesystemBackend.__init__() got an unexpected keyword argument '%s'. Airflow does not start.", b.shown(name))
	}
	return Warning, last(b.Row.Class) + " takes it without a word, and nothing comes of it"
}

func misspeltFinding(b *Backend, name, near string) Finding {
	f := Finding{Span: b.At(name), Message: fmt.Sprintf("%s has no kwarg %q: did you mean %q?", last(b.Row.Class), b.shown(name), near), Fix: `"` + near + `"`}
	f.Severity, f.Airflow = withUnknown(b, name)
	if s := b.override(name); s != nil {
		f.Fix = strings.TrimSuffix(s.Name, strings.ToUpper(name)) + strings.ToUpper(near)
		return f
	}
	if b.Has(near) {
		f.Message = fmt.Sprintf("%s has no kwarg %q; %q is given too", last(b.Row.Class), b.shown(name), near)
		f.Fix = fmt.Sprintf("remove %q", b.shown(name))
		return f
	}
	if at := b.At(name); at.Text() == `"`+name+`"` {
		f.Edits = []Edit{{Span: at, New: `"` + near + `"`}}
	}
	return f
}

func unknownFinding(b *Backend, name, near, owner string) Finding {
	f := Finding{Span: b.At(name), Fix: fmt.Sprintf("remove %q", b.shown(name))}
	f.Severity, f.Airflow = withUnknown(b, name)
	f.Message = fmt.Sprintf("%s has no kwarg %q", last(b.Row.Class), b.shown(name))
	if owner != "" {
		f.Message += ", which is one of " + owner
	}
	if near != "" && !b.Has(near) {
		f.Message += fmt.Sprintf(": here it is %q", near)
		f.Fix = fmt.Sprintf("write %q, or remove %q", near, b.shown(name))
	}
	for _, note := range notes(b) {
		if strings.Contains(note, "never reaches the credential") && strings.Contains(note, `"`+name+`"`) {
			f.Message = note
		}
	}
	return f
}

// notes are the remarks of the table on a backend's kwargs.
func notes(b *Backend) []string {
	if b.Row.Notes == nil {
		return nil
	}
	return remember(&b.noted, func() []string { return b.Row.Notes(b.Object) })
}

// verdict is what Airflow's class makes of the kwargs, as far as all of them
// can be seen.
func verdict(b *Backend) stores.Verdict {
	if b.Row.Check == nil || !b.Class.Known || b.Warning != nil || withoutKwargs(b) || textElsewhere(b) || strings.Contains(b.JSON, "$") {
		return stores.Verdict{}
	}
	kwargs := b.Object.Clone()
	for _, name := range unknownKwargs(b) {
		kwargs.Set(name, "unknown")
	}
	return b.Row.Check(kwargs, stores.Env{Section: b.Section,
		Getenv: func(name string) (string, bool) {
			s := b.Environment.Lookup(name)
			if s == nil {
				return "", false
			}
			return s.Value, true
		}})
}

// namedIn is the kwarg that a message speaks of; "" where it names none.
func namedIn(kwargs *pyjson.Object, message string) string {
	for _, name := range kwargs.Keys() {
		if strings.Contains(message, "'"+name+"'") || strings.Contains(message, `"`+name+`"`) || strings.Contains(message, "`"+name+"`") || strings.Contains(message, "kwarg "+name+" ") {
			return name
		}
	}
	return ""
}

// hintOf is what an error advises.
func hintOf(err error) string {
	if hint := store.Hint(err); hint != "" {
		return hint
	}
	return "correct the kwargs"
}
