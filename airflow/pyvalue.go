package airflow

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// This file does to values what Python's built-in functions do. Values are
// those that package pyjson decodes.

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
	text := "argument of type '" + pyjson.TypeName(v) + "' is not iterable"
	return false, fail("TypeError", "a text field of the connection holds a value of type "+pyjson.TypeName(v), text)
}

// noMethod is the AttributeError for v.name where v is no str.
func noMethod(v any, name string) error {
	return fail("AttributeError", "a text field of the connection holds a value of type "+pyjson.TypeName(v),
		"'"+pyjson.TypeName(v)+"' object has no attribute '"+name+"'")
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
