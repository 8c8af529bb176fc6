package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/connlint"
)

func (a *app) connectionsConvert() *cobra.Command {
	var in connectionInput
	var output string
	var reveal bool
	c := &cobra.Command{
		Use:   "convert [ID | -]",
		Short: "Write a connection in another form: URI, JSON or fields",
		Long: `Write one connection as the URI that get_uri() gives, as the JSON that as_json()
gives, or as its fields in YAML, each value quoted and encoded as it has to be.
It is read from standard input (-), from a file, from where ID is stored, or from
the flags of airflow connections add.

Secrets are shown as ***: --reveal writes what can be stored. What the form
cannot express is named on standard error.`,
		Example: `  airlock connections convert my_db -o fields
  airlock connections convert - -o json --reveal < uri.txt
  airlock connections convert --conn-type postgres --conn-host db --conn-login me -o uri`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			text, id, err := a.connectionText(c.Context(), &in, list)
			if err != nil {
				return err
			}
			return a.convert(text, id, &in, output, reveal)
		},
	}
	in.addFlags(c)
	c.Flags().BoolVar(&reveal, "reveal", false, "write the connection with its secrets")
	outputFlag(c, &output, "uri", "uri", "json", "fields")
	return c
}

// convert prints a connection in another form, masked unless reveal is set.
func (a *app) convert(text, id string, in *connectionInput, form string, reveal bool) error {
	reading, err := a.reading()
	if err != nil {
		return err
	}
	r := connlint.Lint(text, connlint.Options{ID: id, Service: in.service})
	conn, err := r.Worker, r.WorkerErr
	if reading == airflow.ORM {
		conn, err = r.Server, r.ServerErr
	}
	if err != nil {
		return usageError{msg: "the connection does not parse: " + airflowError(err), hint: "airlock connections lint shows where"}
	}
	if in.description != "" && conn.Description == nil {
		conn.Description = in.description
	}
	for _, p := range r.Problems {
		if p.Severity != connlint.Note {
			a.say("airlock: %s: %s", p.Severity, p.Message)
		}
	}
	written, err := connectionAs(conn, form)
	if err != nil {
		return fmt.Errorf("writing the connection as %s: %w", form, err)
	}
	if lost := lostAs(conn, written, form); len(lost) > 0 {
		a.say("airlock: this form does not keep %s as it is", strings.Join(lost, ", "))
	}
	if !reveal {
		written, err = maskedAs(conn, written, form)
	}
	a.println(written)
	return err
}

// connectionAs is the connection in a form.
func connectionAs(c *airflow.Connection, form string) (string, error) {
	switch form {
	case "uri":
		return c.URI()
	case "json":
		return c.JSON()
	}
	return fieldsYAML(connlint.Fields(c))
}

func fieldsYAML(o *pyjson.Object) (string, error) {
	b, err := yaml.Marshal(plainYAML(o))
	return strings.TrimSpace(string(b)), err
}

func maskedAs(c *airflow.Connection, written, form string) (string, error) {
	switch form {
	case "fields":
		return fieldsYAML(connlint.HiddenFields(c))
	case "json":
		return pyjson.Encode(connlint.HiddenFields(c)), nil
	}
	text, _ := connlint.Lint(written, connlint.Options{}).Masked()
	return text, nil
}

// lostAs are the fields that come back otherwise from a form.
func lostAs(c *airflow.Connection, written, form string) []string {
	if form == "fields" {
		return nil
	}
	back, err := airflow.ParseConnection(c.ID, written, c.Reading)
	if err != nil {
		return []string{"the connection"}
	}
	var lost []string
	for _, f := range []struct {
		name      string
		had, have any
	}{
		{"conn_type", c.Type, back.Type}, {"description", c.Description, back.Description}, {"host", c.Host, back.Host},
		{"login", c.Login, back.Login}, {"password", c.Password, back.Password}, {"schema", c.Schema, back.Schema}, {"port", c.Port, back.Port},
	} {
		if (pyjson.Truthy(f.had) || pyjson.Truthy(f.have)) && pyjson.Encode(f.had) != pyjson.Encode(f.have) {
			lost = append(lost, f.name)
		}
	}
	had, err := c.ExtraValue()
	have, err2 := back.ExtraValue()
	if err = errors.Join(err, err2); err != nil || sortedJSON(had) != sortedJSON(have) {
		lost = append(lost, "extra")
	}
	return lost
}

// sortedJSON is a value's JSON with the outermost keys in order.
func sortedJSON(v any) string {
	o, ok := v.(*pyjson.Object)
	if !ok {
		return pyjson.Encode(v)
	}
	keys := slices.Sorted(slices.Values(o.Keys()))
	s := pyjson.NewObject()
	for _, key := range keys {
		member, _ := o.Get(key)
		s.Set(key, member)
	}
	return pyjson.Encode(s)
}
