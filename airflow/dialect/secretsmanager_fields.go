package dialect

import (
	"errors"
	"fmt"
	"slices"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// connField is a field of a connection and what its member may be called.
type connField struct {
	name  string
	words []string
}

// connFields are the fields in the order in which the class writes them
// (_standardize_secret_keys).
func connFields() []connField {
	return []connField{
		{"login", []string{"login", "user", "username", "user_name"}},
		{"password", []string{"password", "pass", "key"}},
		{"host", []string{"host", "remote_host", "server"}},
		{"port", []string{"port"}},
		{"schema", []string{"database", "schema"}},
		{"conn_type", []string{"conn_type", "conn_id", "connection_type", "engine"}},
		{"extra", []string{"extra"}},
	}
}

// fields are connFields with extra_conn_words, in which "user" is login.
func (d *SecretsManager) fields() ([]connField, error) {
	fields := connFields()
	if !pyjson.Truthy(d.ExtraConnWords) {
		return fields, nil
	}
	extra, ok := d.ExtraConnWords.(*pyjson.Object)
	if !ok {
		return nil, &airflow.Error{Type: "AttributeError", Message: fmt.Sprintf("'%s' object has no attribute 'items'", pyjson.TypeName(d.ExtraConnWords))}
	}
	for _, key := range extra.Keys() {
		name := key
		if name == "user" {
			name = "login"
		}
		i := slices.IndexFunc(fields, func(f connField) bool { return f.name == name })
		if i < 0 {
			return nil, &airflow.Error{Type: "KeyError", Message: pyjson.Repr(name)}
		}
		v, _ := extra.Get(key)
		words, err := iterate(v)
		if err != nil {
			return nil, err
		}
		fields[i].words = append(fields[i].words, words...)
	}
	return fields, nil
}

// iterate is what list.extend takes from a JSON value; only the strings of it
// can be equal to the name of a member.
func iterate(v any) ([]string, error) {
	var words []string
	switch v := v.(type) {
	case string:
		for _, r := range v {
			words = append(words, string(r))
		}
	case []any:
		for _, item := range v {
			if word, ok := item.(string); ok {
				words = append(words, word)
			}
		}
	case *pyjson.Object:
		words = v.Keys()
	default:
		return nil, &airflow.Error{Type: "TypeError", Message: fmt.Sprintf("'%s' object is not iterable", pyjson.TypeName(v))}
	}
	return words, nil
}

// rename is what the class makes of a connection that is a JSON object: of
// each field the first member in the document's order that has one of its
// names, null included; all else is dropped.
func (d *SecretsManager) rename(text string) (string, error) {
	object, err := decodeObject(text)
	if err != nil {
		return "", err
	}
	fields, err := d.fields()
	if err != nil {
		return "", err
	}
	out := pyjson.NewObject()
	for _, f := range fields {
		out.Set(f.name, nil)
		for _, key := range object.Keys() {
			if slices.Contains(f.words, key) {
				v, _ := object.Get(key)
				out.Set(f.name, v)
				break
			}
		}
	}
	return pyjson.Encode(out), nil
}

func decodeObject(text string) (*pyjson.Object, error) {
	v, err := pyjson.Decode(text)
	var bad *pyjson.Error
	if errors.As(err, &bad) {
		return nil, &airflow.Error{Type: bad.Type, Message: bad.Error()}
	}
	object, ok := v.(*pyjson.Object)
	if err != nil || !ok {
		return nil, &airflow.Error{Type: "AttributeError", Message: "the value is not a JSON object"}
	}
	return object, nil
}

// dropped is a member of a connection's JSON that the class would not hand
// out; "" where there is none.
func (d *SecretsManager) dropped(text string) string {
	object, err := decodeObject(text)
	if err != nil {
		return ""
	}
	fields, err := d.fields()
	if err != nil {
		return ""
	}
	for _, key := range object.Keys() {
		v, _ := object.Get(key)
		if v != nil && !slices.ContainsFunc(fields, func(f connField) bool { return slices.Contains(f.words, key) }) {
			return fmt.Sprintf("%q", excerpt.Name(key))
		}
	}
	return ""
}
