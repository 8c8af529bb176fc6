package airflow

import "github.com/airlock-secrets/airlock/airflow/pyjson"

// Connection is Airflow's connection as one of its two classes holds it.
// Fields are what Python holds: nil is None, else a string or, because
// Airflow checks no types, any value that package pyjson decodes. Port is an
// int64 or *big.Int when it is a number.
type Connection struct {
	ID          string
	Type        any
	Description any
	Host        any
	Login       any
	Password    any
	Schema      any
	Port        any
	// Extra is the stored text of the extra field (extra_raw in the vectors).
	Extra   any
	Reading Reading
}

// Error is a failure that Airflow reports as a Python exception.
type Error struct {
	// Type is the exception's class name: "ValueError".
	Type string
	// Message is safe to print: it holds no part of a value.
	Message string
	// original is Airflow's own text where that quotes the value.
	original string
}

// Error returns the safe message.
func (e *Error) Error() string { return e.Message }

// Original returns the text that Airflow itself would show, which may hold
// the secret. Only the tests that compare with Airflow ask for it.
func (e *Error) Original() string {
	if e.original != "" {
		return e.original
	}
	return e.Message
}

// ParseConnection reads a serialized connection, a URI or a JSON object, as
// the class of r does (BaseSecretsBackend.deserialize_connection).
func ParseConnection(id, text string, r Reading) (*Connection, error) { panic("to come") }

// NewConnection builds a connection from separate fields as the constructor
// of the class of r does.
func NewConnection(id string, fields *pyjson.Object, r Reading) (*Connection, error) {
	panic("to come")
}

// URI returns what get_uri() gives.
func (c *Connection) URI() (string, error) { panic("to come") }

// JSON returns what as_json() gives.
func (c *Connection) JSON() (string, error) { panic("to come") }

// ExtraValue returns the parsed extra (extra_dejson).
func (c *Connection) ExtraValue() (any, error) { panic("to come") }
