package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
)

func (a *app) connections() *cobra.Command {
	return group("connections", "Get, list, add, delete, check and convert Airflow connections",
		a.connectionsGet(), a.connectionsList(), a.connectionsAdd(), a.connectionsDelete(), a.connectionsLint(), a.connectionsConvert())
}

func (a *app) connectionsGet() *cobra.Command {
	var output, team string
	c := &cobra.Command{
		Use:   "get ID",
		Short: "Print a connection as Airflow resolves it",
		Long: `Print a connection as Airflow resolves it: as the URI that get_uri() gives, or as
the row of fields that airflow connections get prints (json, yaml, plain, table).`,
		Example: `  airlock connections get my_db
  airlock connections get my_db -o json`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			ref := airflow.Ref{Kind: airflow.KindConnection, ID: list[0], Team: team}
			res, err := a.lookup(c.Context(), ref, nil)
			if err != nil {
				return err
			}
			return a.printConnection(output, res)
		},
	}
	c.Flags().StringVar(&team, "team", "", "look it up on behalf of a `team` (core.multi_team)")
	outputFlag(c, &output, "uri", "uri", "json", "yaml", "plain", "table")
	return c
}

func (a *app) printConnection(output string, res *airlock.Result) error {
	conn := res.Connection
	uri, err := conn.URI()
	if output == "uri" {
		if err != nil {
			return fmt.Errorf("writing connection %q as a URI: %w", excerpt.Name(res.Ref.ID), err)
		}
		a.println(uri)
		return nil
	}
	row := pyjson.NewObject()
	row.Set("conn_id", res.Ref.ID)
	for _, f := range []struct {
		name  string
		value any
	}{
		{"conn_type", conn.Type}, {"description", conn.Description}, {"host", conn.Host}, {"schema", conn.Schema},
		{"login", conn.Login}, {"password", conn.Password}, {"port", conn.Port},
	} {
		row.Set(f.name, f.value)
	}
	extra, err := conn.ExtraValue()
	if err != nil {
		extra = conn.Extra
	}
	row.Set("extra_dejson", extra)
	row.Set("get_uri", uri)
	return a.print(output, []*pyjson.Object{row}, nil)
}

func (a *app) connectionsList() *cobra.Command {
	return a.listCommand(airflow.KindConnection, "connections", "conn_id")
}

// newConnection holds the flags of airflow connections add.
type newConnection struct {
	uri, json, description                         string
	ctype, host, login, password, schema, port, ex string
	stdin                                          bool
}

func (a *app) connectionsAdd() *cobra.Command {
	var n newConnection
	c := &cobra.Command{
		Use:   "add ID (--conn-uri URI | --conn-json JSON | --conn-type TYPE ... | --stdin)",
		Short: "Write a connection to the source that can be written",
		Long: `Write a connection to the secrets backend that is configured, or to the embedded
store when none is. What is on the command line can be seen in the list of
processes: --stdin reads the URI or the JSON from standard input instead.`,
		Example: `  airlock connections add my_db --conn-uri 'postgres://user:pa%2Fss@db.example.com:5432/prod'
  airlock connections add my_api --conn-type http --conn-host api.example.com --conn-password s3cret
  airlock connections add my_db --stdin < uri.txt`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			text, err := a.serialized(list[0], &n)
			if err != nil {
				return err
			}
			return a.addConnection(c.Context(), list[0], text, n.description)
		},
	}
	n.addFlags(c.Flags())
	return c
}

// addFlags adds the flags of airflow connections add.
func (n *newConnection) addFlags(f *pflag.FlagSet) {
	f.StringVar(&n.uri, "conn-uri", "", "the connection as a `URI`")
	f.StringVar(&n.json, "conn-json", "", "the connection as a `JSON` object")
	f.StringVar(&n.ctype, "conn-type", "", "connection `type`, required without a URI or JSON")
	f.StringVar(&n.description, "conn-description", "", "`text` kept with the connection")
	f.StringVar(&n.description, "description", "", "the same as --conn-description")
	f.StringVar(&n.host, "conn-host", "", "`host`")
	f.StringVar(&n.login, "conn-login", "", "`login`")
	f.StringVar(&n.password, "conn-password", "", "`password`")
	f.StringVar(&n.schema, "conn-schema", "", "`schema`: for many types the database")
	f.StringVar(&n.port, "conn-port", "", "`port`")
	f.StringVar(&n.ex, "conn-extra", "", "extra fields as a `JSON` object")
	f.BoolVar(&n.stdin, "stdin", false, "read the URI or the JSON from standard input")
}

// fields are those given one by one, run together.
func (n *newConnection) fields() string {
	return n.ctype + n.host + n.login + n.password + n.schema + n.port + n.ex
}

// serialized makes the text that is stored from the flags.
func (a *app) serialized(id string, n *newConnection) (string, error) {
	given := 0
	for _, set := range []bool{n.uri != "", n.json != "", n.fields() != "", n.stdin} {
		if set {
			given++
		}
	}
	switch {
	case given == 0:
		return "", usageError{msg: fmt.Sprintf("connection %q is given nothing to store", excerpt.Name(id)),
			hint: "pass --conn-uri, --conn-json, --conn-type with the fields, or --stdin"}
	case given > 1:
		return "", usageError{msg: "a URI, JSON, separate fields and --stdin exclude each other", hint: "pass one of them"}
	case n.stdin:
		return a.readAll()
	case n.uri != "":
		return n.uri, nil
	case n.json != "":
		if v, err := pyjson.Decode(n.json); err != nil {
			return "", usageError{msg: fmt.Sprintf("--conn-json of connection %q is not JSON: %v", excerpt.Name(id), err), hint: "pass a URI with --conn-uri"}
		} else if _, ok := v.(*pyjson.Object); !ok {
			return "", usageError{msg: fmt.Sprintf("--conn-json of connection %q is no JSON object", excerpt.Name(id)),
				hint: `write {"conn_type": "...", ...}`}
		}
		return n.json, nil
	case n.ctype == "":
		return "", usageError{msg: "separate fields need --conn-type", hint: "add --conn-type, for instance --conn-type postgres"}
	}
	return n.object(), nil
}

// object is the JSON form of separate fields.
func (n *newConnection) object() string {
	o := pyjson.NewObject()
	for _, f := range []struct{ key, value string }{
		{"conn_type", n.ctype}, {"host", n.host}, {"login", n.login}, {"password", n.password},
		{"schema", n.schema}, {"port", n.port}, {"extra", n.ex},
	} {
		if f.value != "" {
			o.Set(f.key, f.value)
		}
	}
	return pyjson.Encode(o)
}

// addConnection checks that both of Airflow's readings accept the text before
// it is stored: what does not parse would be passed over in silence.
func (a *app) addConnection(ctx context.Context, id, text, description string) error {
	for _, r := range []airflow.Reading{airflow.SDK, airflow.ORM} {
		conn, err := airflow.ParseConnection(id, text, r)
		if err != nil {
			return badConnection(id, text, err)
		}
		if err := usable(id, conn); err != nil {
			return err
		}
		if r == airflow.SDK && description != "" && conn.Description == nil {
			conn.Description = description
			if text, err = conn.JSON(); err != nil {
				return badConnection(id, text, err)
			}
		}
	}
	return a.writeNew(ctx, airflow.Ref{Kind: airflow.KindConnection, ID: id}, dialect.Value{Data: text}, description)
}

// usable refuses what Airflow would store and then not know what to do with.
func usable(id string, c *airflow.Connection) error {
	if !pyjson.Truthy(c.Type) {
		return usageError{msg: fmt.Sprintf("connection %q has no type, so it was not stored", excerpt.Name(id)),
			hint: "a URI begins with its type and ://, where an underscore is written as a dash\n" +
				"(google-cloud-platform://...); in JSON it is conn_type"}
	}
	if port, ok := c.Port.(int64); ok && (port < 0 || port > 65535) {
		return usageError{msg: fmt.Sprintf("the port of connection %q is not between 0 and 65535, so it was not stored", excerpt.Name(id))}
	}
	return nil
}

func badConnection(id, text string, err error) error {
	var e *airflow.Error
	if !errors.As(err, &e) {
		return err
	}
	hint := "correct it; airlock connections add --help shows each form"
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		hint = "percent-encode / ? # [ ] @ and % in login and password, or pass --conn-json"
	}
	return usageError{msg: fmt.Sprintf("connection %q does not parse, so it was not stored: %v", excerpt.Name(id), e), hint: hint}
}

func (a *app) connectionsDelete() *cobra.Command {
	return a.deleteCommand(airflow.KindConnection, "ID", "Delete a connection from the source that can be written")
}
