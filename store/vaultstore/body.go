package vaultstore

import (
	"fmt"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// body is the JSON object of a log-in request. Its values are those of the
// kwargs, of any JSON type, as VaultBackend checks none of them.
type body struct{ object *pyjson.Object }

// members makes a body of names and values in turn; nil is null.
func members(pairs ...any) body {
	b := body{pyjson.NewObject()}
	b.add(false, pairs)
	return b
}

// given adds those names whose value is not nil (hvac's utils.remove_nones).
func (b body) given(pairs ...any) body {
	b.add(true, pairs)
	return b
}

func (b body) add(present bool, pairs []any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok && (pairs[i+1] != nil || !present) {
			b.object.Set(name, pairs[i+1])
		}
	}
}

// MarshalJSON implements json.Marshaler.
func (b body) MarshalJSON() ([]byte, error) { return []byte(pyjson.Encode(b.object)), nil }

// Format keeps credentials out of what is printed.
func (body) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "redacted") }
