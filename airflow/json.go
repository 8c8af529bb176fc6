package airflow

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// fromJSON is Connection.from_json. text begins with a brace, so what it
// decodes to is an object.
func fromJSON(id, text string, r Reading) (*Connection, error) {
	v, err := pyjson.Decode(text)
	if err != nil {
		return nil, jsonError(err, "the connection's JSON is malformed: ")
	}
	given, ok := v.(*pyjson.Object)
	if !ok {
		return nil, fail("AttributeError", "the connection's JSON is not an object", "'"+pyjson.TypeName(v)+"' object has no attribute 'pop'")
	}
	fields := given.Clone()
	for _, key := range []string{"extra", "conn_type", "port"} {
		fields.Delete(key)
	}
	if v, _ := given.Get("extra"); pyjson.Truthy(v) {
		if _, ok := v.(string); !ok {
			v = pyjson.Encode(v)
		}
		fields.Set("extra", v)
	}
	if v, _ := given.Get("conn_type"); pyjson.Truthy(v) {
		if v, err = normalizeType(v); err != nil {
			return nil, err
		}
		fields.Set("conn_type", v)
	}
	if v, _ := given.Get("port"); pyjson.Truthy(v) {
		if v, err = toInt(v); err != nil {
			return nil, err
		}
		fields.Set("port", v)
	}
	return newConnection(id, fields, r)
}

// jsonError turns a failure of pyjson, whose text holds only a position, into
// an Error.
func jsonError(err error, before string) error {
	var e *pyjson.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Type != "JSONDecodeError" {
		return fail(e.Type, before+tooBig(e), e.Error())
	}
	return fail(e.Type, before+e.Error(), e.Error())
}

// tooBig says in words what Python refuses for its size.
func tooBig(e *pyjson.Error) string {
	if e.Type == "RecursionError" {
		return "it is nested too deeply"
	}
	return "it has an integer of more than 4300 digits"
}

// toInt is int(v) for the port, with Airflow's error for a ValueError.
func toInt(v any) (any, error) {
	const want = "the connection's port is not an integer: write a number such as 5432"
	notInteger := fail("ValueError", want, "Expected integer value for `port`, but got "+pyjson.Repr(v)+" instead.")
	switch v := v.(type) {
	case bool:
		return int64(1), nil // false is not asked
	case int:
		return int64(v), nil
	case int64, *big.Int:
		return v, nil
	case float64:
		if math.IsNaN(v) {
			return nil, notInteger
		}
		if math.IsInf(v, 0) {
			return nil, fail("OverflowError", want, "cannot convert float infinity to integer")
		}
		n, _ := big.NewFloat(v).Int(nil)
		return smallest(n), nil
	case string:
		if n, ok := parseInt(v); ok {
			return n, nil
		}
		return nil, notInteger
	}
	return nil, fail("TypeError", want,
		"int() argument must be a string, a bytes-like object or a real number, not '"+pyjson.TypeName(v)+"'")
}

// smallest returns n as an int64 where it fits.
func smallest(n *big.Int) any {
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// parseInt is int(s): decimal digits of any script, a sign, single underscores
// between digits, and white space around it all.
func parseInt(s string) (any, bool) {
	s = asciiDigits(s)
	s = strings.Trim(s, " \t\n\v\f\r")
	sign := ""
	if s != "" && (s[0] == '+' || s[0] == '-') {
		sign, s = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	groups := strings.Split(s, "_")
	for _, g := range groups {
		if g == "" || strings.Trim(g, "0123456789") != "" {
			return nil, false
		}
	}
	digits := strings.Join(groups, "")
	if len(digits) > 4300 {
		return nil, false
	}
	n, ok := new(big.Int).SetString(sign+digits, 10)
	if !ok {
		return nil, false
	}
	return smallest(n), true
}

// asciiDigits replaces white space and decimal digits beyond ASCII by theirs.
func asciiDigits(s string) string {
	return mapRunes(s, func(_ int, r rune) string {
		switch {
		case r < unicode.MaxASCII:
		case isSpace(r):
			return " "
		case unicode.IsDigit(r):
			return strconv.Itoa(digitValue(r))
		}
		return string(r)
	})
}

// digitValue is the value of a decimal digit: Unicode has them in runs of ten
// from zero up, some runs (the mathematical ones) side by side.
func digitValue(r rune) int {
	n := 0
	for unicode.IsDigit(r - rune(n) - 1) {
		n++
	}
	return n % 10
}

// JSON returns what as_json() gives: the fields that are not None without the
// id, then the parsed extra if there is any. An error is an *Error.
func (c *Connection) JSON() (string, error) {
	extra, err := c.ExtraValue()
	if err != nil {
		return "", err
	}
	o := pyjson.NewObject()
	for _, f := range []struct {
		name  string
		value any
	}{
		{"conn_type", c.Type}, {"description", c.Description}, {"host", c.Host}, {"login", c.Login},
		{"password", c.Password}, {"schema", c.Schema}, {"port", c.Port},
	} {
		if f.value != nil {
			o.Set(f.name, prune(f.value))
		}
	}
	if pyjson.Truthy(extra) {
		o.Set("extra", extra)
	}
	return pyjson.Encode(o), nil
}

// prune is prune_dict(v, mode="strict"): v without its null members, at any
// depth.
func prune(v any) any {
	switch v := v.(type) {
	case []any:
		a := []any{}
		for _, e := range v {
			if e != nil {
				a = append(a, prune(e))
			}
		}
		return a
	case *pyjson.Object:
		o := pyjson.NewObject()
		for _, key := range v.Keys() {
			if e, _ := v.Get(key); e != nil {
				o.Set(key, prune(e))
			}
		}
		return o
	}
	return v
}

// ExtraValue returns the parsed extra (extra_dejson): an empty object where
// there is none, and in the SDK reading also where it is not JSON. An error
// is an *Error.
func (c *Connection) ExtraValue() (any, error) {
	if !pyjson.Truthy(c.Extra) {
		return pyjson.NewObject(), nil
	}
	if err := c.CheckExtra(); err != nil {
		return nil, err
	}
	text, ok := c.Extra.(string)
	if !ok {
		return nil, fail("TypeError", "the connection's extra is not a string",
			"the JSON object must be str, bytes or bytearray, not "+pyjson.TypeName(c.Extra))
	}
	v, err := pyjson.Decode(text)
	var e *pyjson.Error
	switch {
	case err == nil:
		return v, nil
	case errors.As(err, &e) && e.Type == "JSONDecodeError":
		return pyjson.NewObject(), nil
	}
	return nil, jsonError(err, "the connection's extra is malformed: ")
}

// CheckExtra reports what the ORM class finds wrong with the extra field each
// time it reads it: it must be a JSON object (Connection._validate_extra).
// The SDK class checks nothing, and neither does CheckExtra for it. An error
// is an *Error.
func (c *Connection) CheckExtra() error {
	if c.Reading == SDK || !pyjson.Truthy(c.Extra) {
		return nil
	}
	return checkExtra(c.Extra, c.ID)
}

// checkExtra is Connection._validate_extra; an empty id is None.
func checkExtra(extra any, id string) error {
	name := "None"
	if id != "" {
		name = pyjson.Repr(id)
	}
	text, ok := extra.(string)
	if !ok {
		return fail("TypeError", "the connection's extra is not a string",
			"the JSON object must be str, bytes or bytearray, not "+pyjson.TypeName(extra))
	}
	v, err := pyjson.Decode(text)
	var e *pyjson.Error
	switch {
	case errors.As(err, &e) && e.Type == "JSONDecodeError":
		return fail("ValueError", fmt.Sprintf("the connection's extra is not JSON (%v): write a JSON object, "+
			"or query parameters in a URI", e), "Encountered non-JSON in `extra` field for connection "+name+".")
	case err != nil:
		return jsonError(err, "the connection's extra is malformed: ")
	}
	if _, ok := v.(*pyjson.Object); !ok {
		return fail("ValueError", "the connection's extra is JSON but not an object: write {\"name\": value}",
			"Encountered JSON value in `extra` which does not parse as a dictionary in connection "+name+
				". The `extra` field must contain a JSON representation of a Python dict.")
	}
	return nil
}
