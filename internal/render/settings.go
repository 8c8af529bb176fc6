package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// settingsConnection is one connection of airflow_settings.yaml: its fields
// where each of them arrives, else its URI.
func settingsConnection(i Item) (string, error) {
	c, err := connectionOf(i)
	if err != nil {
		return "", err
	}
	if !settingsText(i.ID) || i.ID == "" {
		return "", cannot("connection "+i.ID, errors.New("the astro CLI hands its id to a shell between single quotes"))
	}
	if fields, ok := settingsFields(c); ok {
		return fmt.Sprintf("    - conn_id: %s\n%s", YAML(i.ID), fields), nil
	}
	uri, err := c.URI()
	if err != nil || !comesBack(c, uri) || !settingsText(uri) {
		return "", cannot("connection "+i.ID, errors.New("the astro CLI hands each field to a shell between single quotes, "+
			"where some of them do not work, and a URI does not hold them all: put it into .env"))
	}
	return fmt.Sprintf("    - conn_id: %s\n      conn_uri: %s\n", YAML(i.ID), YAML(uri)), nil
}

// settingsFields writes the fields; ok is false where one would not arrive.
// The file has no place for a description.
func settingsFields(c *airflow.Connection) (text string, ok bool) {
	extra, ok := settingsExtra(c)
	if !ok || pyjson.Truthy(c.Description) || !pyjson.Truthy(c.Type) {
		return "", false
	}
	var b strings.Builder
	for _, f := range []struct {
		name  string
		value any
	}{
		{"conn_type", c.Type}, {"conn_host", c.Host}, {"conn_schema", c.Schema}, {"conn_login", c.Login},
		{"conn_password", c.Password}, {"conn_extra", extra},
	} {
		value, ok := textField(f.value)
		if !ok || !settingsText(value) {
			return "", false
		}
		if value != "" {
			fmt.Fprintf(&b, "      %s: %s\n", f.name, YAML(value))
		}
	}
	switch port := c.Port.(type) {
	case nil:
	case int64:
		if port != 0 {
			fmt.Fprintf(&b, "      conn_port: %d\n", port)
		}
	default:
		return "", false
	}
	return b.String(), true
}

// settingsExtra is the extra as JSON text, in which a quote can be escaped.
func settingsExtra(c *airflow.Connection) (any, bool) {
	switch extra := extraOf(c).(type) {
	case nil:
		return nil, true
	case *pyjson.Object:
		return strings.ReplaceAll(pyjson.Encode(extra), "'", `\u0027`), true
	}
	return nil, false
}
