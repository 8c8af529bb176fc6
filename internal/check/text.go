package check

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// The ids of rules about the text of kwargs: one text breaks one of them.
const (
	quotedValue    = "quoted-value"
	notJSON        = "kwargs-not-json"
	pythonLiteral  = "kwargs-python-literal"
	notObject      = "kwargs-not-object"
	unquotedJSON   = "shell-unquoted-json"
	unfilled       = "shell-variable-in-quotes"
	keyfileInJSON  = "keyfile-in-json"
	placeholder    = "placeholder"
	commentOnLine  = "comment-on-env-line"
	kwargsMissing  = "kwargs-missing"
	outerBlanks    = "surrounding-whitespace"
	refusedLine    = "refused-line"
	kwargsNotUsed  = "Airflow logs \"Failed to parse [secrets] backend_kwargs as JSON, defaulting to no kwargs.\" ([workers] secrets_backend_kwargs for a worker's own backend) and goes on with the defaults of the class"
	classNotLoaded = "AirflowConfigException: The object could not be loaded. Please check \"backend\" key in \"secrets\" section"
)

// textRules are about how settings are written.
func textRules() []Rule {
	return slices.Concat(quoteRules(), jsonRules(), shellRules(), lineRules(), variableRules(), dotenvRules())
}

// mistake is the rule that the text of a backend's kwargs breaks; "" where it
// is a JSON object, or where it is not known.
func mistake(b *Backend) string {
	if b.Warning == nil || b.Kwargs == nil || !b.Kwargs.Known {
		return ""
	}
	text, at := b.JSON, b.Warning.Byte
	switch {
	case isQuotedText(text, "{"):
		return quotedValue
	case tail(text) >= 0 && decodes(text[:tail(text)]):
		return commentOnLine
	case at < 0:
		return notObject
	case unfilledAt(b) >= 0:
		return unfilled
	case strings.HasPrefix(text[at:], "<") && angled.MatchString(text[at:]):
		return placeholder
	case breaksInKeyfile(text, at):
		return keyfileInJSON
	case lostQuotes(text):
		return unquotedJSON
	case repaired(text) != nil || pythonAt(text, at):
		return pythonLiteral
	}
	return notJSON
}

// broken lists the backends whose kwargs break a rule.
func broken(s *Subject, rule string) []*Backend {
	var list []*Backend
	for _, b := range s.Backends {
		if s.mistake(b) == rule {
			list = append(list, b)
		}
	}
	return list
}

// where is the place at which the kwargs of a backend stop being JSON.
func where(b *Backend) project.Span {
	at := b.Warning.Byte
	if at < 0 || b.JSON != b.Kwargs.Value || at >= len(b.JSON) {
		return b.Kwargs.Text
	}
	return b.Kwargs.Of(at, at+1)
}

// consequence is what Airflow does with kwargs that it cannot read.
func consequence(b *Backend) string {
	return "Airflow logs \"" + b.Warning.Text + "\" and goes on without them: " + bites(b)
}

// bites says what a backend does without kwargs.
func bites(b *Backend) string {
	switch b.Row.Service {
	case "vault":
		if b.Environment.Lookup("VAULT_TOKEN") != nil {
			return "it takes VAULT_TOKEN and the paths connections, variables and config under the mount secret"
		}
		what := "Airflow does not start"
		if b.Section == "workers" {
			what = "each task that asks for a secret ends so"
		}
		return "VaultBackend then raises VaultError: The 'token' authentication type requires 'token' or 'token_path', and " + what
	case "ssm":
		return "it asks for /airflow/connections/ID and /airflow/variables/KEY with the credentials and the region of the machine"
	case "secretsmanager":
		return "it asks for airflow/connections/ID and airflow/variables/KEY with the credentials and the region of the machine"
	case "gcp":
		return "it asks for airflow-connections-ID and airflow-variables-KEY with the credentials and the project of the machine; without any, it raises AttributeError: 'CloudSecretManagerBackend' object has no attribute 'project_id'"
	case "azure":
		return "the vault URL is empty, and each look-up raises ValueError: vault_url must be the URL of an Azure Key Vault"
	case "localfile":
		return "no file is named, and it answers nothing"
	}
	return "the class is constructed with its defaults"
}

// known tells whether a dotted path is that of a backend, of today or of
// before.
func known(class string) bool {
	_, err := stores.Known().Find(class)
	return err == nil
}
