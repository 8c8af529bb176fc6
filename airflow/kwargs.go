package airflow

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// KwargsWarning says that the text of a backend's kwargs could not be used.
// Airflow logs a warning and builds the backend without any.
type KwargsWarning struct {
	// Text is the line that Airflow logs.
	Text string
	// Hint says where the text goes wrong and why it probably does, without
	// any of its content.
	Hint string
	// Byte is the offset at which JSON fails, -1 where it is JSON.
	Byte int
}

// DecodeKwargs reads the text of an option that holds a backend's kwargs,
// such as backend_kwargs of [secrets] or secrets_backend_kwargs of [workers],
// as AirflowConfigParser._get_custom_secret_backend does: what is not a JSON
// object is no kwargs and a warning, never an error. The object is never nil;
// the warning is nil where Airflow says nothing.
func DecodeKwargs(section, option, text string) (*pyjson.Object, *KwargsWarning) {
	none := pyjson.NewObject()
	if text == "" {
		return none, nil
	}
	v, err := pyjson.Decode(text)
	var e *pyjson.Error
	if errors.As(err, &e) {
		// An integer with too many digits is a plain ValueError to Airflow,
		// hence the other sentence.
		as := "as JSON"
		if e.Type == "ValueError" {
			as = "into a dict"
		}
		return none, &KwargsWarning{Text: kwargsText(section, option, as), Hint: jsonHint(text, e), Byte: e.Byte}
	}
	if o, ok := v.(*pyjson.Object); ok {
		return o, nil
	}
	if !pyjson.Truthy(v) {
		return none, nil
	}
	hint := fmt.Sprintf("the text is JSON of type %s: write an object, {\"name\": value}", pyjson.TypeName(v))
	if _, ok := v.(string); ok {
		hint = "the text is one JSON string: take away the double quotes around it and the backslashes inside it"
	}
	return none, &KwargsWarning{Text: kwargsText(section, option, "into a dict"), Hint: hint, Byte: -1}
}

func kwargsText(section, option, as string) string {
	return fmt.Sprintf("Failed to parse [%s] %s %s, defaulting to no kwargs.", section, option, as)
}

// jsonHint says where text stops being JSON, and the most likely cause.
func jsonHint(text string, e *pyjson.Error) string {
	where := fmt.Sprintf("it is not JSON from byte %d on (%s)", e.Byte, strings.ToLower(e.What[:1])+e.What[1:])
	if e.Type != "JSONDecodeError" {
		return "it cannot be read: " + tooBig(e)
	}
	if why := jsonCause(text, e); why != "" {
		return where + ": " + why
	}
	return where
}

// jsonCause recognises the frequent mistakes; "" for any other.
func jsonCause(text string, e *pyjson.Error) string {
	before, rest := strings.TrimRight(text[:e.Byte], " \t\r\n"), text[e.Byte:]
	whole := strings.TrimSpace(text)
	switch {
	case whole == "":
		return "the value is blank; leave it empty for no kwargs"
	case strings.HasPrefix(text, "\ufeff"):
		return "it begins with a byte order mark; save the file as UTF-8 without one"
	case isQuoted(whole, '\'') || isQuoted(whole, '"'):
		return "the quotes around the value are part of it; env files that are not read by a shell keep them, so take them away"
	case startsWithAny(rest, "None", "True", "False"):
		return "that is a Python literal; JSON writes null, true and false"
	case startsWithAny(rest, "'"):
		return "JSON needs double quotes, not single ones"
	case startsWithAny(rest, "\u201c", "\u201d", "\u2018", "\u2019"):
		return "those are typographic quotes; JSON needs plain double ones"
	case startsWithAny(rest, `\`) && !strings.HasPrefix(e.What, "Invalid"):
		return "the double quotes are escaped; take away the backslashes"
	case startsWithAny(rest, "$"):
		return "a $VARIABLE was not filled in: it is not set where Airflow runs, or single quotes kept the shell from it"
	case strings.HasSuffix(before, ",") && startsWithAny(rest, "}", "]"):
		return "there is a comma after the last member; take it away"
	case strings.HasPrefix(e.What, "Invalid control character"):
		return "a line break or tab stands inside a string; write \\n or \\t"
	case strings.HasPrefix(e.What, "Unterminated") || rest == "":
		return "the text ends too early; an unquoted blank, a # or a line break may have cut it off"
	case strings.HasPrefix(e.What, "Expecting property name") && bareName(rest):
		return "the names have no double quotes; a shell takes them away unless single quotes stand around the whole value"
	}
	return ""
}

func startsWithAny(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// isQuoted reports whether quotes stand around what may be an object.
func isQuoted(s string, quote byte) bool {
	if len(s) < 2 || s[0] != quote || s[len(s)-1] != quote {
		return false
	}
	return strings.HasPrefix(strings.TrimSpace(s[1:len(s)-1]), "{")
}

func bareName(s string) bool {
	return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\s*:`).MatchString(s)
}

// OverrideKwargs sets in kwargs what environment variables set one by one:
// with environ as os.Environ gives it, AIRFLOW__SECRETS__BACKEND_KWARG__NAME
// sets name, in lower case, to its value as it is, a string, whatever the
// JSON text has there. An empty name is passed over. It returns the names of
// the variables that it used, in the order of environ.
func OverrideKwargs(kwargs *pyjson.Object, section, option string, environ []string) []string {
	prefix := KwargEnvPrefix(section, option)
	var used []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		kwarg, ok := strings.CutPrefix(name, prefix)
		if !ok || kwarg == "" {
			continue
		}
		kwargs.Set(lower(kwarg), value)
		used = append(used, name)
	}
	return used
}
