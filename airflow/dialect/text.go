package dialect

import "github.com/airlock-secrets/airlock/airflow/pyjson"

// text is what a value looks like on standard output: a string as it is, any
// other JSON value as Python's json.dumps writes it.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return pyjson.Encode(v)
}
