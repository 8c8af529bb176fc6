package pyjson_test

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/baotest"
)

// TestBuiltinsArePythons asks Python itself what its functions make of values.
func TestBuiltinsArePythons(t *testing.T) {
	texts := []string{
		`null`, `true`, `false`, `0`, `-1`, `5`, `123456789012345678901234567890`, `0.0`, `-0.0`, `1.5`, `1e16`, `1e-7`, `NaN`, `Infinity`,
		`""`, `" "`, `"x"`, `"it's"`, `"say \"it's\""`, `"a\\b"`, `"tab\tnew\nret\r"`, `"\u0000\u007f\u00a0"`, `"ü\u2028😀"`,
		`[]`, `[1, "a", null]`, `{}`, `{"a": {"b": [true]}}`,
	}
	const script = `import json, sys
print(json.dumps([[bool(v), type(v).__name__, str(v), repr(v)] for v in map(json.loads, json.loads(sys.argv[1]))]))`
	in, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(baotest.Tool(t, "python"), "-c", script, string(in)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want [][]any
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		v, err := pyjson.Decode(text)
		if err != nil {
			t.Fatalf("Decode(%s): %v", text, err)
		}
		got := []any{pyjson.Truthy(v), pyjson.TypeName(v), pyjson.Str(v), pyjson.Repr(v)}
		for j, what := range []string{"Truthy", "TypeName", "Str", "Repr"} {
			if got[j] != want[i][j] {
				t.Errorf("%s(%s) = %q, want %q as Python says", what, text, got[j], want[i][j])
			}
		}
	}
}
