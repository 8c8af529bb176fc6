package airflow

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// This file does to values what Python's built-in functions do. Values are
// those that package pyjson decodes.

// truthy is bool(v).
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int:
		return v != 0
	case int64:
		return v != 0
	case *big.Int:
		return v.Sign() != 0
	case float64:
		return v != 0 // NaN is true
	case []any:
		return len(v) > 0
	case *pyjson.Object:
		return v.Len() > 0
	}
	return true
}

// className is type(v).__name__.
func className(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case float64:
		return "float"
	case []any:
		return "list"
	case *pyjson.Object:
		return "dict"
	}
	return "int"
}

// str is str(v).
func str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return repr(v)
}

// repr is repr(v).
func repr(v any) string {
	var b strings.Builder
	appendRepr(&b, v)
	return b.String()
}

func appendRepr(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(strings.ToUpper(strconv.FormatBool(v)[:1]) + strconv.FormatBool(v)[1:])
	case string:
		b.WriteString(reprString(v))
	case float64:
		b.WriteString(pyjson.FormatFloat(v))
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			appendRepr(b, e)
		}
		b.WriteByte(']')
	case *pyjson.Object:
		b.WriteByte('{')
		for i, k := range v.Keys() {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(reprString(k) + ": ")
			e, _ := v.Get(k)
			appendRepr(b, e)
		}
		b.WriteByte('}')
	default:
		fmt.Fprint(b, v) // int, int64, *big.Int
	}
}

// reprString is repr of a str: single quotes unless only they occur inside.
func reprString(s string) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for s != "" {
		r, size := pyjson.DecodeRune(s)
		switch {
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case !isSurrogate(r) && unicode.IsPrint(r):
			b.WriteString(s[:size])
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		s = s[size:]
	}
	b.WriteRune(quote)
	return b.String()
}

// contains is `part in v`; for what is not iterable it is a TypeError.
func contains(part string, v any) (bool, error) {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, part), nil
	case []any:
		for _, e := range v {
			if e == any(part) {
				return true, nil
			}
		}
		return false, nil
	case *pyjson.Object:
		_, ok := v.Get(part)
		return ok, nil
	}
	text := "argument of type '" + className(v) + "' is not iterable"
	return false, fail("TypeError", "a text field of the connection holds a value of type "+className(v), text)
}

// noMethod is the AttributeError for v.name where v is no str.
func noMethod(v any, name string) error {
	return fail("AttributeError", "a text field of the connection holds a value of type "+className(v),
		"'"+className(v)+"' object has no attribute '"+name+"'")
}

// checkEncodable is s.encode("utf-8"), which lone surrogates fail.
func checkEncodable(s string) error {
	at, n := -1, 0
	for i, r := range characters(s) {
		if isSurrogate(r) {
			if at < 0 {
				at = i
			}
			n++
		} else if at >= 0 {
			break
		}
	}
	const safe = "a field of the connection holds half of a surrogate pair, or bytes that are not UTF-8, and cannot be encoded"
	switch {
	case at < 0:
		return nil
	case n == 1:
		r := characters(s)[at]
		return fail("UnicodeEncodeError", safe,
			fmt.Sprintf(`'utf-8' codec can't encode character '\u%04x' in position %d: surrogates not allowed`, r, at))
	}
	return fail("UnicodeEncodeError", safe,
		fmt.Sprintf("'utf-8' codec can't encode characters in position %d-%d: surrogates not allowed", at, at+n-1))
}
