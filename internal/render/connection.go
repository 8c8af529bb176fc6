package render

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// ConnectionText returns a connection as text for AIRFLOW_CONN_*: as the URI
// that Airflow itself makes of it, or as JSON where Airflow would not read the
// same connection back from the URI. A connection that neither can hold is an
// error.
func ConnectionText(c *airflow.Connection) (string, error) {
	if uri, err := c.URI(); err == nil && comesBack(c, uri) {
		return uri, nil
	}
	text := pyjson.Encode(connectionFields(c, "extra"))
	if comesBack(c, text) {
		return text, nil
	}
	return "", fmt.Errorf("connection %q has neither a URI nor JSON that Airflow reads back as the same connection", c.ID)
}

// comesBack reports whether Airflow reads text as c.
func comesBack(c *airflow.Connection, text string) bool {
	back, err := airflow.ParseConnection(c.ID, text, c.Reading)
	return err == nil && sameConnection(c, back)
}

// sameConnection compares what a hook sees: an extra is what its JSON says.
func sameConnection(a, b *airflow.Connection) bool {
	for _, pair := range [][2]any{
		{a.Type, b.Type}, {a.Description, b.Description}, {a.Host, b.Host}, {a.Login, b.Login},
		{a.Password, b.Password}, {a.Schema, b.Schema}, {a.Port, b.Port}, {extraOf(a), extraOf(b)},
	} {
		if pyjson.Encode(pair[0]) != pyjson.Encode(pair[1]) {
			return false
		}
	}
	return true
}

// extraOf is the extra as a JSON object where it is one, else as it is; nil
// where there is none.
func extraOf(c *airflow.Connection) any {
	if !pyjson.Truthy(c.Extra) {
		return nil
	}
	if text, ok := c.Extra.(string); ok {
		if v, err := pyjson.Decode(text); err == nil {
			if o, ok := v.(*pyjson.Object); ok {
				return o
			}
		}
	}
	return c.Extra
}

// connectionFields are the fields that are set, by the names of Airflow's
// constructor. The extra goes under the name given, as text.
func connectionFields(c *airflow.Connection, extra string) *pyjson.Object {
	o := pyjson.NewObject()
	for _, f := range []struct {
		name  string
		value any
	}{
		{"conn_type", c.Type}, {"description", c.Description}, {"host", c.Host}, {"login", c.Login},
		{"password", c.Password}, {"schema", c.Schema}, {"port", c.Port}, {extra, c.Extra},
	} {
		if f.value != nil {
			o.Set(f.name, f.value)
		}
	}
	return o
}

// text is a field that is a string, or "" where it is None; ok is false where
// it is neither.
func textField(v any) (text string, ok bool) {
	if v == nil {
		return "", true
	}
	text, ok = v.(string)
	return text, ok
}

// airflowItems splits items by what Airflow keeps in them; rest are the names
// of those that are neither variable nor connection.
func airflowItems(items []Item) (variables, connections []Item, rest string) {
	for _, i := range items {
		switch i.Kind {
		case airflow.KindVariable:
			variables = append(variables, i)
		case airflow.KindConnection:
			connections = append(connections, i)
		}
	}
	rest = namesOf(items, func(i Item) bool {
		return i.Kind != airflow.KindVariable && i.Kind != airflow.KindConnection
	})
	return variables, connections, rest
}

// connectionOf is the connection of an item, parsed where only its text is
// there.
func connectionOf(i Item) (*airflow.Connection, error) {
	if i.Connection != nil {
		return i.Connection, nil
	}
	c, err := airflow.ParseConnection(i.ID, strings.TrimSpace(i.Value), airflow.ORM)
	if err != nil {
		return nil, fmt.Errorf("reading connection %q: %w", i.ID, err)
	}
	return c, nil
}
