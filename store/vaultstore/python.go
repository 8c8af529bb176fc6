package vaultstore

import (
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// pyText is Python's pyjson.Str(v), but "" for None, which stands for what was not
// given.
func pyText(v any) string {
	if v == nil {
		return ""
	}
	return pyjson.Str(v)
}

// strip is Python's str.strip, which takes the separators of ASCII for white
// space too.
func strip(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f })
}
