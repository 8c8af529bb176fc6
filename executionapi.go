package airlock

import (
	"math"
	"math/big"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
)

// This file is what the Execution API does with a row of the metadata database
// on its way to a task: ConnectionResponse of
// airflow.api_fastapi.execution_api.datamodels.connection, which pydantic
// checks in its lax mode. A row that does not fit ends the request with an
// error, and the task gets no connection.

// overExecutionAPI is what a task gets of a row that the API server read: the
// answer has no description, needs a type, and its port is a whole number.
func overExecutionAPI(row *airflow.Connection) (*airflow.Connection, error) {
	c := row.As(airflow.SDK)
	if _, ok := c.Type.(string); !ok {
		return nil, noAnswer("that has no conn_type")
	}
	for _, field := range []struct {
		name  string
		value any
	}{{"host", c.Host}, {"schema", c.Schema}, {"login", c.Login}, {"password", c.Password}, {"extra", c.Extra}} {
		if _, ok := field.value.(string); !ok && field.value != nil {
			return nil, noAnswer("whose " + field.name + " is not text")
		}
	}
	port, ok := apiPort(c.Port)
	if !ok {
		return nil, noAnswer("whose port is not a whole number")
	}
	c.Port = port
	return c, nil
}

// noAnswer shows nothing of the value, which pydantic's own message quotes.
func noAnswer(what string) error {
	return &airflow.Error{Type: "ValidationError", Message: "the Execution API cannot answer with a connection " + what}
}

// apiPort is pydantic's reading of an int: SQLite holds any type in any
// column, so that the column of a row may be text.
func apiPort(v any) (port any, ok bool) {
	switch v := v.(type) {
	case nil, int, int64, *big.Int:
		return v, true
	case bool:
		if v {
			return int64(1), true
		}
		return int64(0), true
	case float64:
		// Beyond 63 bits, NaN and the infinities fail in the comparison.
		if v == math.Trunc(v) && v >= -(1<<63) && v < 1<<63 {
			return int64(v), true
		}
	case string:
		return wholeNumber(strings.TrimSpace(v))
	}
	return nil, false
}

// wholeNumber reads digits with an optional sign, single underscores between
// them and an optional fraction of zeros.
func wholeNumber(text string) (number any, ok bool) {
	const most = 4300 // digits, as Python itself has it
	whole, fraction, hasFraction := strings.Cut(text, ".")
	if hasFraction && (fraction == "" || strings.Trim(fraction, "0") != "") {
		return nil, false
	}
	digits := strings.TrimLeft(whole, "+-")
	if len(whole)-len(digits) > 1 || digits == "" || len(digits) > most || strings.Trim(digits, "0123456789_") != "" ||
		strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return nil, false
	}
	n, ok := new(big.Int).SetString(strings.ReplaceAll(digits, "_", ""), 10)
	if !ok {
		return nil, false
	}
	if strings.HasPrefix(whole, "-") {
		n.Neg(n)
	}
	if n.IsInt64() {
		return n.Int64(), true
	}
	return n, true
}
