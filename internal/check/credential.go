package check

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/connlint"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// credential says whether a variable holds a secret, what that is in words
// ("a token in the kwargs"), and whether the place of it is still open: a
// placeholder, or what something else fills in.
func credential(name, value string) (what string, open, ok bool) {
	upper := strings.ToUpper(name)
	switch {
	case strings.TrimSpace(value) == "":
		return "", false, false
	case isKwarg(name):
		i := strings.LastIndex(upper, "__")
		if !secretKwarg(strings.ToLower(name[i+2:])) {
			return "", false, false
		}
		return "a credential of the backend", isOpen(value), true
	case slices.Contains(kwargsNames, name):
		return inObject(value)
	case strings.HasPrefix(name, airflow.ConnectionEnvPrefix):
		return inConnection(value)
	case strings.HasPrefix(name, "AIRFLOW__") && (strings.HasSuffix(upper, "_SECRET") || strings.HasSuffix(upper, "_CMD")) && isOptionName(name):
		return "", false, false // the name of a secret, or a command
	}
	if what := plainSecret(value); what != "" {
		return what, false, true
	}
	section, key, option := optionOf(name)
	if o, _ := airflow.LookupOption(section, key); option && !o.Sensitive && !isSensitiveOption(name) {
		return "", false, false
	}
	if !option && !secretName(upper) || harmlessValue(value) {
		return "", false, false
	}
	if strings.Contains(value, "://") {
		m := withPassword.FindStringSubmatch(value)
		open = m != nil && isOpen(m[1])
		return "a URL with a password", open, open
	}
	return "a credential", isOpen(value), true
}

// isOptionName tells whether an option's variable is its _SECRET or _CMD form
// and no option whose own name ends so.
func isOptionName(name string) bool {
	section, key, ok := optionOf(name)
	if !ok {
		return false
	}
	_, own := airflow.LookupOption(section, key)
	return !own
}

// secretEnding are words in a variable's name that mean a secret, bounded by
// underscores.
var secretEnding = lazyregexp.New(`(^|_)(SECRET|SECRETS|PASSWORD|PASSWD|PWD|PASS|TOKEN|APIKEY|API_KEY|ACCESS_KEY|ACCESS_KEY_ID|SECRET_KEY|PRIVATE_KEY|FERNET_KEY|CREDENTIALS|KEYFILE_DICT|SECRET_ID|CLIENT_SECRET|SQL_ALCHEMY_CONN|RESULT_BACKEND|BROKER_URL)$`)

// aboutSecrets are names with such a word that hold none.
var aboutSecrets = lazyregexp.New(`(^GOOGLE_APPLICATION_CREDENTIALS$|_FILE$|_PATH$|_NAME$|_TTL$|_URL$|_ARN$)`)

func secretName(upper string) bool {
	return secretEnding.MatchString(upper) && (!aboutSecrets.MatchString(upper) || strings.HasSuffix(upper, "BROKER_URL"))
}

// secretKwarg tells whether a kwarg of any backend holds a secret.
func secretKwarg(name string) bool {
	return slices.Contains([]string{"token", "password", "secret_id", "client_secret", "radius_secret", "jwt_token", "key_id", "gcp_keyfile_dict",
		"aws_secret_access_key", "aws_access_key_id", "aws_session_token"}, name)
}

// inObject looks for secrets among the kwargs of a backend, also where their
// text is not JSON.
func inObject(text string) (what string, open, ok bool) {
	o, _ := airflow.DecodeKwargs("secrets", "backend_kwargs", strings.Trim(text, "'\" \t"))
	found := ""
	for _, key := range o.Keys() {
		v, _ := o.Get(key)
		if !secretKwarg(strings.ToLower(key)) || !pyjson.Truthy(v) {
			continue
		}
		value := pyjson.Str(v)
		if found == "" || open {
			found, open = key, isOpen(value)
		}
	}
	if found == "" {
		for _, m := range kwargInText.FindAllStringSubmatch(text, -1) {
			if secretKwarg(m[1]) && m[2] != "" {
				found, open = m[1], isOpen(strings.Trim(m[2], `"' `))
				break
			}
		}
	}
	if found == "" {
		return "", false, false
	}
	return "the kwarg " + found, open, true
}

// kwargInText finds "name": value in what is no JSON.
var kwargInText = lazyregexp.New(`["']?([a-z_]+)["']?\s*:\s*("[^"]*"|'[^']*'|<[^<>]*>|[^,}\s]*)`)

// inConnection looks for a password in a connection.
func inConnection(text string) (what string, open, ok bool) {
	plain := filledLater.ReplaceAllStringFunc(text, word)
	r := connlint.Lint(plain, connlint.Options{})
	if r.Worker == nil {
		if strings.Contains(text, "@") || r.Form == connlint.Object {
			return "a connection", isOpen(text), true
		}
		return "", false, false
	}
	password, _ := r.Worker.Password.(string)
	if password != "" {
		return "the password of a connection", strings.Trim(password, "x*") == "" || isOpen(text), !harmlessValue(password)
	}
	extra, err := r.Worker.ExtraValue()
	o, isObject := extra.(*pyjson.Object)
	if err != nil || !isObject {
		return "", false, false
	}
	for _, key := range o.Keys() {
		v, _ := o.Get(key)
		if secretName(strings.ToUpper(key)) && pyjson.Truthy(v) && !harmlessValue(pyjson.Str(v)) {
			return "the field " + excerpt.Name(key) + " of a connection", isOpen(text), true
		}
	}
	return "", false, false
}

var (
	withPassword = lazyregexp.New(`^[a-z][a-z0-9+.-]*://[^\s/:@]*:([^\s@]+)@`)
	tokenForms   = lazyregexp.New(`^(hv[sb]\.[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|glpat-[A-Za-z0-9_-]{16,})$`)
)

// plainSecret tells what a value is that is a secret whatever its name.
func plainSecret(value string) string {
	value = strings.TrimSpace(value)
	switch m := withPassword.FindStringSubmatch(value); {
	case m != nil && !isOpen(m[1]) && !harmlessValue(m[1]):
		return "a URL with a password"
	case strings.Contains(value, "PRIVATE KEY-----"):
		return "a private key"
	case tokenForms.MatchString(value):
		return "a token"
	}
	return ""
}

// openForms are values that somebody is to replace.
var openForms = lazyregexp.New(`(?i)^(<[^<>]*>|\.{3,}|x{3,}|\*{3,}|change-?_?me.*|your[-_ ].*|todo|tbd|placeholder|\$\{?[a-z_][a-z0-9_]*\}?|\{\{.*\}\})$`)

// isOpen tells whether a value is still to be filled in.
func isOpen(value string) bool {
	value = strings.TrimSpace(value)
	return openForms.MatchString(value) || filledLater.MatchString(value)
}

// filePath is a path without anything that looks like a key.
var filePath = lazyregexp.New(`^(/[A-Za-z_.-]+)+$`)

// exampleWord is what documents write for a password.
var exampleWord = lazyregexp.New(`(?i)^(my[-_]?)?(pass|passwd|password|pw|pwd|secret|s3cret|token|key|value)[0-9]{0,3}$`)

// harmlessValue tells whether a value says nothing, whatever its name: a
// switch, a path, or a password that every example has.
func harmlessValue(value string) bool {
	value = strings.TrimSpace(value)
	switch strings.ToLower(value) {
	case "", "true", "false", "none", "null", "0", "1", "airflow", "postgres", "root", "admin", "guest", "test", "dev", "example":
		return true
	}
	return filePath.MatchString(value) || exampleWord.MatchString(value)
}
