package vectors

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// PythonError is how the cases write an exception down. Members that a case
// leaves out are not compared.
type PythonError struct {
	Type    string   `json:"type"`
	Module  string   `json:"module"`
	Message string   `json:"message"`
	MRO     []string `json:"mro"`
	Cause   *string  `json:"cause"`
}

// Want compares the exception that an error stands for with that of a case.
func (e *PythonError) Want(t *testing.T, what string, err error, inPython func(error) PythonError) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %s: %s", what, e.Type, e.Message)
		return
	}
	got := inPython(err)
	if got.Type != e.Type || got.Module != e.Module || got.Message != e.Message {
		t.Errorf("%s is %s.%s: %s (of %v), want %s.%s: %s", what, got.Module, got.Type, got.Message, err, e.Module, e.Type, e.Message)
	}
	if e.MRO != nil && !reflect.DeepEqual(got.MRO, e.MRO) {
		t.Errorf("%s has the bases %v, want %v", what, got.MRO, e.MRO)
	}
	if e.MRO != nil && !reflect.DeepEqual(got.Cause, e.Cause) {
		t.Errorf("%s has the cause %v, want %v", what, got.Cause, e.Cause)
	}
}

// Strict decodes and fails the test on members that nobody has taught it.
func Strict(t *testing.T, text json.RawMessage, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("this case is not understood: %v", err)
	}
}

// WantJSON compares a value as package pyjson has it with the JSON of a case.
func WantJSON(t *testing.T, what string, got any, want json.RawMessage) {
	t.Helper()
	expected, err := pyjson.Decode(string(want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(plain(got), plain(expected)) {
		t.Errorf("%s is %s, want %s", what, pyjson.Encode(got), want)
	}
}

// plain makes of a pyjson value what encoding/json makes of the same JSON,
// numbers as text.
func plain(v any) any {
	d := json.NewDecoder(strings.NewReader(pyjson.Encode(v)))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return "not JSON to Go: " + pyjson.Encode(v)
	}
	return out
}

// WithFiles returns v with the path of a new file in the place of each
// {"@file": text, "@suffix": ext}; first, where it is not nil, may put
// something else in the place of any object.
func WithFiles(t *testing.T, v any, first func(*pyjson.Object) (any, bool)) any {
	t.Helper()
	o, ok := v.(*pyjson.Object)
	if !ok {
		return v
	}
	if first != nil {
		if other, ok := first(o); ok {
			return other
		}
	}
	for _, key := range o.Keys() {
		member, _ := o.Get(key)
		o.Set(key, WithFiles(t, member, first))
	}
	content, ok := o.Get("@file")
	if !ok {
		return o
	}
	suffix, _ := o.Get("@suffix")
	name := "file"
	if suffix != nil {
		name += pyjson.Str(suffix)
	}
	text, ok := content.(string)
	if !ok {
		text = pyjson.Encode(content)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
