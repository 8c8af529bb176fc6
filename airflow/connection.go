package airflow

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// Connection is Airflow's connection as one of its two classes holds it.
// Fields are what Python holds: nil is None, else a string or, because
// Airflow checks no types, any value that package pyjson decodes. Port is an
// int64 or *big.Int when it is a number.
//
// A Connection redacts itself in the verbs of fmt, in slog and in encoders;
// only its fields and the methods URI, JSON and ExtraValue give values away.
type Connection struct {
	// ID is empty where Airflow's object has None: the ORM class drops an id
	// that is too long or has other characters than letters, digits and
	// _#!()-.:/\ in it.
	ID          string
	Type        any
	Description any
	Host        any
	Login       any
	Password    any
	Schema      any
	Port        any
	// Extra is the stored text of the extra field (extra_raw in the vectors).
	Extra any
	// Reading says which class holds the connection.
	Reading Reading
}

// ParseConnection reads a serialized connection, a URI or a JSON object, as
// the class of r does (BaseSecretsBackend.deserialize_connection). The text
// must be Airflow's whole value: a backend that finds "" has found nothing
// and does not ask. An error is an *Error.
func ParseConnection(id, text string, r Reading) (*Connection, error) {
	text = strip(text)
	if text == "" {
		return nil, fail("IndexError", "the connection is blank: write a URI or a JSON object", "string index out of range")
	}
	if text[0] == '{' {
		return fromJSON(id, text, r)
	}
	return newConnection(id, uriField(text), r)
}

func uriField(text string) *pyjson.Object {
	o := pyjson.NewObject()
	o.Set("uri", text)
	return o
}

// NewConnection builds a connection from separate fields as the constructor
// of the class of r does: conn_type, description, host, login, password,
// schema, port and extra, or uri in place of them all. Nothing is converted
// or normalised. An error is an *Error.
func NewConnection(id string, fields *pyjson.Object, r Reading) (*Connection, error) {
	return newConnection(id, fields, r)
}

func newConnection(id string, fields *pyjson.Object, r Reading) (*Connection, error) {
	if _, ok := fields.Get("conn_id"); ok {
		class := "airflow.sdk.definitions.connection.Connection()"
		if r == ORM {
			class = "airflow.models.connection.Connection()"
		}
		return nil, fail("TypeError", "the connection has a field conn_id: leave it out, the id is the name it is kept under",
			class+" got multiple values for keyword argument 'conn_id'")
	}
	if r == ORM {
		return newORM(id, fields)
	}
	return newSDK(id, fields)
}

// newSDK is the constructor of airflow.sdk.definitions.connection.Connection.
func newSDK(id string, fields *pyjson.Object) (*Connection, error) {
	c := &Connection{ID: id}
	if _, ok := fields.Get("self"); ok {
		// It collides before the other names are looked at.
		return nil, unknownField("self", "Connection.__init__() got multiple values for argument 'self'")
	}
	uri, _ := fields.Get("uri")
	if uri != nil && fields.Len() > 1 {
		return nil, mixed("You must create an object using the URI or individual values " +
			"(conn_type, host, login, password, schema, port or extra). " +
			"You can't mix these two ways to create this object.")
	}
	if uri != nil {
		if err := c.parseURIValue(uri); err != nil {
			return nil, err
		}
		return c, nil
	}
	if err := c.assign(fields, "Connection.__attrs_init__()"); err != nil {
		return nil, err
	}
	return c, nil
}

// newORM is the constructor of airflow.models.connection.Connection.
func newORM(id string, fields *pyjson.Object) (*Connection, error) {
	c := &Connection{Reading: ORM}
	if err := c.assign(fields, "__init__()"); err != nil {
		return nil, err
	}
	extra := c.Extra
	if _, ok := extra.(string); !ok && pyjson.Truthy(extra) {
		extra = pyjson.Encode(extra)
	}
	if uri, _ := fields.Get("uri"); pyjson.Truthy(uri) {
		for _, v := range []any{c.Type, c.Host, c.Login, c.Password, c.Schema, c.Port, extra} {
			if pyjson.Truthy(v) {
				return nil, mixed("You must create an object using the URI or individual values " +
					"(conn_type, host, login, password, schema, port or extra)." +
					"You can't mix these two ways to create this object.")
			}
		}
		*c = Connection{Description: c.Description, Reading: ORM}
		if err := c.parseURIValue(uri); err != nil {
			return nil, err
		}
	} else if err := c.setPassword(c.Password); err != nil {
		return nil, err
	} else if err := c.setExtra(extra); err != nil {
		return nil, err
	}
	c.ID = sanitizeID(id)
	return c, nil
}

func mixed(original string) error {
	return fail("AirflowException", "the connection has a uri and other fields: write either the one or the others", original)
}

// assign sets the fields that are given; init is how Python's message calls
// the constructor.
func (c *Connection) assign(fields *pyjson.Object, init string) error {
	for _, key := range fields.Keys() {
		v, _ := fields.Get(key)
		switch target := c.field(key); {
		case target != nil:
			*target = v
		case key == "uri" || key == "team_name" && c.Reading == ORM:
		case key == "self":
			return unknownField(key, init+" got multiple values for argument 'self'")
		default:
			return unknownField(key, init+" got an unexpected keyword argument '"+key+"'")
		}
	}
	return nil
}

// field returns where the constructor's parameter called name is kept.
func (c *Connection) field(name string) *any {
	switch name {
	case "conn_type":
		return &c.Type
	case "description":
		return &c.Description
	case "host":
		return &c.Host
	case "login":
		return &c.Login
	case "password":
		return &c.Password
	case "schema":
		return &c.Schema
	case "port":
		return &c.Port
	case "extra":
		return &c.Extra
	}
	return nil
}

// setPassword is the ORM's setter, which ignores what is falsy.
func (c *Connection) setPassword(v any) error {
	c.Password = nil
	if !pyjson.Truthy(v) {
		return nil
	}
	text, ok := v.(string)
	if !ok {
		return fail("TypeError", "the connection's password is not a string: quote it", "encoding without a string argument")
	}
	c.Password = text
	return checkEncodable(text)
}

// setExtra is the ORM's setter. v is a string, or falsy.
func (c *Connection) setExtra(v any) error {
	c.Extra = v
	if !pyjson.Truthy(v) {
		return nil
	}
	// The id is not known to Airflow's object yet.
	if err := checkExtra(v, ""); err != nil {
		return err
	}
	return checkEncodable(v.(string))
}

// sanitizeID is sanitize_conn_id; "" is None.
func sanitizeID(id string) string {
	all := characters(id)
	if len(all) > 250 {
		return ""
	}
	for i, r := range all {
		if !isWord(r) && !strings.ContainsRune(`#!()-.:/\`, r) {
			// Python's $ also matches before a line break at the end.
			if r == '\n' && i == len(all)-1 && i > 0 {
				return id[:len(id)-1]
			}
			return ""
		}
	}
	return id
}

// As returns the connection as the other class holds it. What the ORM class
// read from a database row becomes what a task gets from the Execution API:
// its fields without the description, which that API does not pass on. The
// extra field is not checked: see [Connection.CheckExtra].
func (c *Connection) As(r Reading) *Connection {
	d := *c
	d.Reading = r
	switch {
	case r == c.Reading:
	case r == SDK:
		d.Description = nil
	default:
		d.ID = sanitizeID(c.ID)
		if !pyjson.Truthy(d.Password) {
			d.Password = nil
		}
	}
	return &d
}

// unknownField is the TypeError for a parameter that the constructor does not
// have. The message has the name only if it is a word that people are known
// to write there: any other may be a value that went astray.
func unknownField(name, original string) error {
	field := "a field"
	for _, word := range strings.Fields("conn_uri connection_type database db dbname desc engine extra_dejson extras " +
		"hostname id name options pass passwd pwd self server team_name type url user username value") {
		if name == word {
			field = fmt.Sprintf("a field %q", name)
		}
	}
	return fail("TypeError", "the connection has "+field+" that Airflow does not know: the fields are "+
		"conn_type, description, host, login, password, schema, port and extra", original)
}
