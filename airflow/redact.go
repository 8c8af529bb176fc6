package airflow

import (
	"errors"
	"fmt"
	"io"
)

// errNotEncoded is why a connection refuses encoders.
var errNotEncoded = errors.New("a connection is not encoded as it is: use its URI or JSON on purpose")

// String names the connection and says no more.
func (c Connection) String() string {
	id := c.ID
	const most = 120
	if len(id) > most {
		id = id[:most] + "..."
	}
	return fmt.Sprintf("connection{%q, %s, redacted}", id, c.Reading)
}

// Format implements fmt.Formatter, so that no verb prints a field.
func (c Connection) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// GoString is String: fmt never asks, because of Format, but others do.
func (c Connection) GoString() string { return c.String() }

// MarshalJSON refuses, so that a password never slips into an answer or,
// through slog, into a log. (LogValue would need an import of log/slog, which
// has no place in this package.)
func (c Connection) MarshalJSON() ([]byte, error) { return nil, errNotEncoded }

// MarshalText refuses, for what asks for text: YAML, XML, slog.TextHandler.
func (c Connection) MarshalText() ([]byte, error) { return nil, errNotEncoded }
