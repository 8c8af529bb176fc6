package live

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/connlint"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/render"
	"github.com/airlock-secrets/airlock/store"
)

// noValue reports a secret that is there though the layer has no value for it.
func (r *run) noValue(w Want, l *layer, name string, secret *store.Secret, a *airlock.Attempt) {
	where := fmt.Sprintf("%s: %s", l.label(), store.Locate(l.store, name))
	at := r.place(w, l)
	fields, isObject := fieldsOf(secret)
	switch {
	case secret.Form == store.Binary && a.Err == nil:
		r.add(ruleBinary, "", at, where+" holds bytes (SecretBinary), which the backend does not read",
			"aws secretsmanager put-secret-value --secret-id "+name+" --secret-string file://VALUE")
	case isObject && w.Ref.Kind != airflow.KindConnection:
		r.add(ruleField, "", at, fmt.Sprintf("%s has %s, but no field \"value\"", where, listed(fields)), fmt.Sprintf("vault kv patch -mount=MOUNT %s value=...", render.ShellWord(name)))
	case isObject && !slices.Contains(fields, "conn_uri") && wrongFields(fields):
		r.add(ruleField, "", at, fmt.Sprintf("%s has %s: a connection is the field conn_uri, or %s", where, listed(fields), strings.Join(connectionFields(), ", ")),
			"vault kv put -mount=MOUNT "+render.ShellWord(name)+" conn_uri=...")
	case w.Ref.Kind == airflow.KindConnection && a.Err != nil:
		why := []string{reasonOf(a.Err)}
		if v, err := l.src.Dialect.Decode(w.Ref, secret); err == nil {
			if text, ok := v.Data.(string); ok {
				why = append(said(lint(w, l, text, secret), connlint.Error), why...)
			}
		}
		r.add(ruleConnection, "", at, fmt.Sprintf("%s is no connection that Airflow can read: %s", where, why[0]), "airlock connections lint "+render.ShellWord(w.Ref.ID))
	case a.Err != nil:
		r.add(ruleUnreadable, "", at, fmt.Sprintf("%s cannot be read: %s", where, reasonOf(a.Err)), store.Hint(a.Err))
	default:
		r.add(ruleUnreadable, "", at, fmt.Sprintf("%s is there, but has no value: %s", where, a.Reason), a.Hint)
	}
}

// reasonOf is what Airflow's classes say of a value, in words that hold none
// of it.
func reasonOf(err error) string {
	var raised *airflow.Error
	if errors.As(err, &raised) {
		return raised.Message
	}
	return reason(err)
}

// fieldsOf are the names of the fields of a secret that is an object.
func fieldsOf(secret *store.Secret) ([]string, bool) {
	if secret.Form != store.Object {
		return nil, false
	}
	v, err := pyjson.Decode(string(secret.Payload))
	if err != nil {
		return nil, false
	}
	o, ok := v.(*pyjson.Object)
	if !ok {
		return nil, false
	}
	return o.Keys(), true
}

// connectionFields are those that a connection may have.
func connectionFields() []string {
	return []string{"conn_type", "host", "login", "password", "schema", "port", "extra", "description"}
}

// wrongFields reports whether one of the fields is not of a connection.
func wrongFields(fields []string) bool {
	return len(fields) == 0 || slices.ContainsFunc(fields, func(f string) bool { return !slices.Contains(connectionFields(), f) })
}

// listed names fields: names only, shortened.
func listed(fields []string) string {
	if len(fields) == 0 {
		return "no fields"
	}
	const most = 8
	more := ""
	if len(fields) > most {
		more = fmt.Sprintf(" and %d more", len(fields)-most)
		fields = fields[:most]
	}
	quoted := make([]string, len(fields))
	for i, f := range fields {
		quoted[i] = fmt.Sprintf("%q", excerpt.Name(f))
	}
	return "the fields " + strings.Join(quoted, ", ") + more
}

// content looks at a value that was found.
func (r *run) content(w Want, l *layer, name string, secret *store.Secret, v dialect.Value) {
	where := fmt.Sprintf("%s: %s", l.label(), store.Locate(l.store, name))
	at := r.place(w, l)
	text, ok := v.Data.(string)
	switch {
	case w.Ref.Kind == airflow.KindVariable && ok && blankEnds(text):
		r.add(ruleWhitespace, "", at, where+" has white space around its value, which is a part of it", "write it without: printf %s VALUE")
	case w.Ref.Kind == airflow.KindConnection && ok:
		problems := lint(w, l, text, secret)
		if bad := said(problems, connlint.Error); len(bad) > 0 {
			// Airflow's tasks do read it: what is wrong matters elsewhere.
			r.addWith(ruleConnection, "", at, where+": "+strings.Join(bad, "; "), does(problems), "airlock connections lint "+render.ShellWord(w.Ref.ID))
		}
		if lost := append(said(problems, connlint.Warning), changed(w.Ref.ID, text)...); len(lost) > 0 {
			r.add(ruleLosesPart, "", at, where+": "+strings.Join(lost, "; "), "airlock connections lint "+render.ShellWord(w.Ref.ID))
		}
	}
}

// blankEnds reports white space at the ends of a single line: texts of many
// lines, such as keys, end with a line break by right.
func blankEnds(text string) bool {
	inner := strings.TrimSpace(text)
	return inner != text && inner != "" && !strings.Contains(inner, "\n")
}

// lint is what is wrong with the text of a connection, as package connlint has
// it; text is what the layer hands on, or the secret itself where the backend
// has names of its own for its members.
func lint(w Want, l *layer, text string, secret *store.Secret) []connlint.Problem {
	o := connlint.Options{ID: w.Ref.ID}
	if _, own := l.src.Dialect.(*dialect.SecretsManager); own && secret.Form == store.Text {
		o.Service, text = connlint.ServiceSecretsManager, string(secret.Payload)
	}
	return connlint.Lint(text, o).Problems
}

// said are the words of problems of a severity, each once.
func said(problems []connlint.Problem, severity connlint.Severity) []string {
	var words []string
	for _, p := range problems {
		if p.Severity == severity && !slices.Contains(words, p.Message) {
			words = append(words, p.Message)
		}
	}
	return words
}

// does is what Airflow does with the first problem that is an error.
func does(problems []connlint.Problem) string {
	for _, p := range problems {
		if p.Severity == connlint.Error && p.Airflow != "" {
			return p.Airflow
		}
	}
	return ""
}

// changed are the parts of a connection that are others once Airflow has
// written its URI and read that again. No word is of the value.
func changed(id, text string) []string {
	c, err := airflow.ParseConnection(id, text, airflow.SDK)
	if err != nil {
		return nil
	}
	uri, err := c.URI()
	if err != nil {
		return nil
	}
	again, err := airflow.ParseConnection(id, uri, airflow.SDK)
	if err != nil {
		return []string{"the URI that Airflow writes for it cannot be read again"}
	}
	if fields := differing(c, again); len(fields) > 0 {
		return []string{"another in the URI that Airflow writes for it: " + strings.Join(fields, ", ")}
	}
	return nil
}

// differing names the parts in which two connections differ.
func differing(a, b *airflow.Connection) []string {
	var fields []string
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"conn_type", a.Type, b.Type}, {"login", a.Login, b.Login}, {"password", a.Password, b.Password}, {"schema", a.Schema, b.Schema}, {"port", a.Port, b.Port},
	} {
		if plain(f.a) != plain(f.b) {
			fields = append(fields, f.name)
		}
	}
	if !strings.EqualFold(plain(a.Host), plain(b.Host)) {
		fields = append(fields, "host")
	}
	return fields
}

// plain is a field as text; None and "" are alike.
func plain(v any) string {
	if v == nil {
		return ""
	}
	return pyjson.Str(v)
}
