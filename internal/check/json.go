package check

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func jsonRules() []Rule {
	return []Rule{
		{
			ID: notJSON, Severity: Error, Title: "the kwargs are not JSON",
			Why:     "The kwargs of a backend are the text of one JSON object. Airflow does not stop at a text that is not: it only logs a line.",
			Airflow: kwargsNotUsed + ".",
			Find:    findNotJSON,
		},
		{
			ID: pythonLiteral, Severity: Error, Title: "the kwargs are written in Python, not in JSON",
			Why:     "JSON writes null, true and false, has double quotes only, and no comma after the last member. None, True, False and single quotes are Python's.",
			Airflow: kwargsNotUsed + ".",
			Find:    findPython,
		},
		{
			ID: notObject, Severity: Error, Title: "the kwargs are JSON, but not an object",
			Why:     "The kwargs are names with values. A list, a number or a text has no names.",
			Airflow: "Airflow logs \"Failed to parse [secrets] backend_kwargs into a dict, defaulting to no kwargs.\" and goes on with the defaults of the class.",
			Find: func(s *Subject, report Report) {
				for _, b := range broken(s, notObject) {
					report(Finding{Span: b.Kwargs.Text, Message: "the kwargs are not a JSON object: " + b.Warning.Hint, Airflow: consequence(b),
						Fix: statement(b.Kwargs, example(b))})
				}
			},
		},
		{
			ID: kwargsMissing, Severity: Error, Title: "the backend has no kwargs, and needs some",
			Why: "Without kwargs a backend has its defaults. Those of Parameter Store, Secrets Manager and Google are of use; Vault needs a way to sign in, the local filesystem a file.",
			Airflow: "VaultBackend raises VaultError: The 'token' authentication type requires 'token' or 'token_path', and Airflow does not start. " +
				"LocalFilesystemBackend answers nothing.",
			Find: findMissing,
		},
		{
			ID: keyfileInJSON, Severity: Error, Title: "a key file of Google is pasted into the kwargs as it is",
			Why:     "gcp_keyfile_dict is an object: the content of the key file itself, without quotes around it, on one line, with the line breaks of private_key written \\n.",
			Airflow: "Pasted between quotes or over several lines it is not JSON: " + kwargsNotUsed + ": the credentials of the machine, and where it has none AttributeError: 'CloudSecretManagerBackend' object has no attribute 'project_id', which ends the start. As a well-formed text it raises TypeError: string indices must be integers, not 'str', and Airflow does not start.",
			Find:    findKeyfile,
		},
	}
}

// decodes tells whether text is a JSON object to Python.
func decodes(text string) bool {
	v, err := pyjson.Decode(text)
	_, ok := v.(*pyjson.Object)
	return err == nil && ok
}

func findNotJSON(s *Subject, report Report) {
	for _, b := range broken(s, notJSON) {
		report(Finding{Span: where(b), Message: "the kwargs of " + last(b.Class.Value) + " are not JSON: " + b.Warning.Hint,
			Airflow: consequence(b), Fix: "write one JSON object, such as " + statement(b.Kwargs, example(b))})
	}
}

// last is the last part of a dotted path.
func last(class string) string {
	class = strings.Trim(class, "\"' \t\r\n")
	return excerpt.Name(class[strings.LastIndexByte(class, '.')+1:])
}

// example are kwargs as they may look for a backend.
func example(b *Backend) string {
	switch b.Row.Service {
	case "vault":
		return `{"url": "<vault-url>", "auth_type": "approle", "role_id": "<role-id>", "secret_id": "<secret-id>"}`
	case "ssm":
		return `{"connections_prefix": "/airflow/connections", "variables_prefix": "/airflow/variables"}`
	case "secretsmanager":
		return `{"connections_prefix": "airflow/connections", "variables_prefix": "airflow/variables"}`
	case "gcp":
		return `{"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables", "project_id": "<project>"}`
	case "azure":
		return `{"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables", "vault_url": "<vault-url>"}`
	case "localfile":
		return `{"connections_file_path": "<connections.yaml>", "variables_file_path": "<variables.yaml>"}`
	}
	return `{"name": "value"}`
}

func findPython(s *Subject, report Report) {
	for _, b := range broken(s, pythonLiteral) {
		f := Finding{Span: where(b), Message: "the kwargs are written in Python, not in JSON: " + b.Warning.Hint, Airflow: consequence(b)}
		if text := repaired(b.Kwargs.Value); text != nil {
			f.Fix = statement(b.Kwargs, apply(b.Kwargs.Value, text))
			f.Edits = editsOf(b.Kwargs, text)
		}
		report(f)
	}
}

// change replaces bytes from to end of a text.
type change struct {
	from, end int
	to        string
}

func apply(text string, changes []change) string {
	var b strings.Builder
	at := 0
	for _, c := range changes {
		b.WriteString(text[at:c.from] + c.to)
		at = c.end
	}
	return b.String() + text[at:]
}

// editsOf are the edits that make changes in the value of a setting: nil where
// it does not stand in a file as it is.
func editsOf(s *project.Setting, changes []change) []Edit {
	if !s.Exact || s.Text.File == nil || s.Text.File.Kind == project.Process {
		return nil
	}
	quoted := s.Start > 0 && s.Text.File.Text[s.Start-1] == '"'
	var edits []Edit
	for _, c := range changes {
		if quoted && strings.Contains(c.to, `"`) {
			return nil // it would end the value there
		}
		edits = append(edits, Edit{Span: s.Of(c.from, c.end), New: c.to})
	}
	return edits
}

// pythonWords stand for the same in JSON.
var pythonWords = map[string]string{"None": "null", "True": "true", "False": "false"}

// token is a string of JSON, a word of Python, or a comma with nothing after.
var token = lazyregexp.New(`"(?:[^"\\]|\\.)*"|\b(?:None|True|False)\b|,\s*[}\]]`)

// repaired are the changes that make JSON of Python's literals; nil where
// they do not suffice.
func repaired(text string) []change {
	var changes []change
	for _, at := range token.FindAllStringIndex(text, -1) {
		word := text[at[0]:at[1]]
		switch {
		case word[0] == ',':
			changes = append(changes, change{at[0], at[0] + 1, ""})
		case pythonWords[word] != "":
			changes = append(changes, change{at[0], at[1], pythonWords[word]})
		}
	}
	if changes == nil || !decodes(apply(text, changes)) {
		return requoted(text)
	}
	return changes
}

// requoted are the changes that make JSON of an object that has single quotes
// only; nil where they do not suffice.
func requoted(text string) []change {
	if strings.ContainsAny(text, "\"\\") {
		return nil
	}
	var changes []change
	for _, at := range singleQuoted.FindAllStringIndex(text, -1) {
		if word := text[at[0]:at[1]]; word[0] == '\'' {
			changes = append(changes, change{at[0], at[0] + 1, `"`}, change{at[1] - 1, at[1], `"`})
		} else if word[0] == ',' {
			changes = append(changes, change{at[0], at[0] + 1, ""})
		} else {
			changes = append(changes, change{at[0], at[1], pythonWords[word]})
		}
	}
	if changes == nil || !decodes(apply(text, changes)) {
		return nil
	}
	return changes
}

// singleQuoted is token with Python's quotes.
var singleQuoted = lazyregexp.New(`'[^']*'|\b(?:None|True|False)\b|,\s*[}\]]`)

// pythonAt tells whether Python's syntax is what ends JSON at a byte.
func pythonAt(text string, at int) bool {
	for word := range pythonWords {
		if strings.HasPrefix(text[at:], word) {
			return true
		}
	}
	before := strings.TrimRight(text[:at], " \t\r\n")
	return strings.HasPrefix(text[at:], "'") || strings.HasSuffix(before, ",") && strings.ContainsAny(text[at:min(at+1, len(text))], "}]")
}

func findMissing(s *Subject, report Report) {
	for _, b := range s.Backends {
		if !withoutKwargs(b) || isProgram(b.Class) || b.Section == "workers" && len(ofSecrets(b)) > 0 {
			continue
		}
		needs := map[string]string{"vault": "a way to sign in", "localfile": "the files to read"}[b.Row.Service]
		if needs == "" || b.Row.Service == "vault" && b.Environment.Lookup("VAULT_TOKEN") != nil {
			continue
		}
		name := airflow.OptionEnv(b.Section, b.kwargsOption())
		span := b.Class.Text
		if b.Kwargs != nil {
			span = b.Kwargs.Text
		}
		like := *b.Class
		like.Name = name
		f := Finding{Span: span, Message: fmt.Sprintf("%s has no kwargs, and needs %s: set %s", last(b.Class.Value), needs, name),
			Airflow: "The class is constructed with its defaults: " + bites(b)}
		if like.Key.File == nil || like.Key.File.Kind != project.AirflowConfig {
			f.Fix = statement(&like, example(b))
		} else {
			f.Fix = b.kwargsOption() + " = " + example(b)
		}
		if b.Row.Service == "localfile" || b.Environment.Hosted {
			f.Severity = Warning // a hosted one may get them where it runs
		}
		report(f)
	}
}

// withoutKwargs tells whether nothing gives a backend kwargs: no text, no
// variable for a single one, no command and no name in a store.
func withoutKwargs(b *Backend) bool {
	if elsewhere(b) || b.Environment.Open || b.Warning != nil || b.Object.Len() > 0 {
		return false
	}
	return b.Row.Service != "" && b.Class.Known
}

// elsewhere tells whether kwargs come from where they cannot be seen: a
// Secret, a command, a store.
func elsewhere(b *Backend) bool {
	return textElsewhere(b) || len(unknownKwargs(b)) > 0
}

// textElsewhere tells whether the text of the kwargs cannot be seen.
func textElsewhere(b *Backend) bool {
	if b.Kwargs != nil {
		return !b.Kwargs.Known
	}
	name := airflow.OptionEnv(b.Section, b.kwargsOption())
	return b.Environment.Lookup(name+"_CMD") != nil || b.Environment.Lookup(name+"_SECRET") != nil
}

// unknownKwargs are the kwargs that variables with unknown values set.
func unknownKwargs(b *Backend) []string {
	prefix := airflow.KwargEnvPrefix(b.Section, b.kwargsOption())
	var names []string
	for _, s := range b.Environment.Settings {
		if name, ok := strings.CutPrefix(s.Name, prefix); ok && name != "" && !s.Known {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}

// ofSecrets are the kwargs that [secrets] has in the environment of a worker's
// backend.
func ofSecrets(b *Backend) string {
	s := b.Environment.Lookup(kwargsNames[0])
	switch {
	case s == nil:
		return ""
	case !s.Known:
		return "known elsewhere"
	}
	return s.Value
}

// keyfileName is where the kwarg of a key file begins, up to its value.
var keyfileName = lazyregexp.New(`"gcp_keyfile_dict"\s*:\s*`)

// breaksInKeyfile tells whether text stops being JSON within a pasted key
// file.
func breaksInKeyfile(text string, at int) bool {
	name := keyfileName.FindStringIndex(text)
	if name == nil || at < name[1] {
		return false
	}
	value := strings.TrimSpace(text[name[1]:])
	return isQuotedStart(value) || strings.HasPrefix(value, "{") && strings.Contains(text[name[1]:at], "-----BEGIN")
}

// isQuotedStart tells whether a quote and an object begin.
func isQuotedStart(value string) bool {
	return len(value) > 1 && (value[0] == '"' || value[0] == '\'') && strings.HasPrefix(strings.TrimSpace(value[1:]), "{")
}

func findKeyfile(s *Subject, report Report) {
	const fix = `"gcp_keyfile_dict": {"type": "service_account", "project_id": "<project>", "private_key": "-----BEGIN PRIVATE KEY-----\n***\n-----END PRIVATE KEY-----\n", "client_email": "<account>", "token_uri": "https://oauth2.googleapis.com/token"}`
	for _, b := range broken(s, keyfileInJSON) {
		report(Finding{Span: b.At("gcp_keyfile_dict"), Message: "the key file is pasted so that the kwargs are not JSON: " + b.Warning.Hint,
			Airflow: consequence(b), Fix: fix})
	}
	for _, b := range s.Backends {
		if text, ok := b.Text("gcp_keyfile_dict"); ok && strings.HasPrefix(strings.TrimSpace(text), "{") && b.Row.Service == "gcp" {
			report(Finding{Span: b.At("gcp_keyfile_dict"), Message: "gcp_keyfile_dict is a text: it must be the object itself, without quotes around it",
				Airflow: "CloudSecretManagerBackend raises TypeError: string indices must be integers, not 'str', and Airflow does not start", Fix: fix})
		}
	}
}
