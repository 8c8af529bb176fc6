package dialect

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// GCPFromKwargs builds the dialect from backend_kwargs, as the first half of
// CloudSecretManagerBackend.__init__ does; it reads only the members that
// concern names. Nil kwargs are none. The error is an *airflow.Error with
// Airflow's own text.
func GCPFromKwargs(kwargs *pyjson.Object, multiTeam bool) (*GCP, error) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	if err := checkGCPPrefix(kwargs); err != nil {
		return nil, err
	}
	d := DefaultGCP()
	d.MultiTeam = multiTeam
	for kwarg, prefix := range map[string]**string{
		"connections_prefix": &d.ConnectionsPrefix, "variables_prefix": &d.VariablesPrefix, "config_prefix": &d.ConfigPrefix,
	} {
		if v, ok := kwargs.Get(kwarg); ok {
			*prefix = nil
			if v != nil {
				text := pyjson.Str(v)
				*prefix = &text
			}
		}
	}
	if v, ok := kwargs.Get("sep"); ok {
		d.Sep = pyjson.Str(v)
	}
	return d, nil
}

// checkGCPPrefix is _is_valid_prefix_and_sep: only the prefix of connections
// is looked at, and only where it is not null.
func checkGCPPrefix(kwargs *pyjson.Object) error {
	prefix, ok := kwargs.Get("connections_prefix")
	if !ok {
		prefix = "airflow-connections"
	}
	if prefix == nil {
		return nil
	}
	sep, ok := kwargs.Get("sep")
	if !ok {
		sep = "-"
	}
	joined, err := plus(prefix, sep)
	if err != nil {
		return err
	}
	if !isGCPName(joined) {
		return &airflow.Error{Type: "AirflowException",
			Message: "`connections_prefix`, `variables_prefix` and `sep` should follows that pattern ^[a-zA-Z0-9-_]*$"}
	}
	return nil
}

// plus is Python's prefix + sep, which gives a str for two of them only.
func plus(prefix, sep any) (string, error) {
	p, isText := prefix.(string)
	s, both := sep.(string)
	typeError := func(format string, args ...any) error {
		return &airflow.Error{Type: "TypeError", Message: fmt.Sprintf(format, args...)}
	}
	left, right := pyjson.TypeName(prefix), pyjson.TypeName(sep)
	_, isList := prefix.([]any)
	_, lists := sep.([]any)
	switch {
	case isText && both:
		return p + s, nil
	case isText:
		return "", typeError("can only concatenate str (not %q) to str", right)
	case isList && lists:
		return "", typeError("expected string or bytes-like object, got 'list'") // of the pattern
	case isList:
		return "", typeError("can only concatenate list (not %q) to list", right)
	case isNumber(prefix) && isNumber(sep):
		sum := "int"
		if left == "float" || right == "float" {
			sum = "float"
		}
		return "", typeError("expected string or bytes-like object, got '%s'", sum)
	}
	return "", typeError("unsupported operand type(s) for +: '%s' and '%s'", left, right)
}

func isNumber(v any) bool {
	name := pyjson.TypeName(v)
	return name == "int" || name == "float" || name == "bool"
}

// isGCPName is re.match of SECRET_ID_PATTERN, whose "$" also stands before a
// newline at the end.
func isGCPName(name string) bool {
	return !strings.ContainsFunc(strings.TrimSuffix(name, "\n"), func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	})
}
