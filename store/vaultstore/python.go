package vaultstore

import "github.com/airlock-secrets/airlock/airflow/pyjson"

// pyText is Python's pyjson.Str(v), but "" for None, which stands for what was not
// given.
func pyText(v any) string {
	if v == nil {
		return ""
	}
	return pyjson.Str(v)
}
