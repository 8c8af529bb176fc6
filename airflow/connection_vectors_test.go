package airflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"sort"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

// TestVectorsConnectionParse compares every answer that real Airflow gave for
// a serialized connection with ours, for both of its classes.
func TestVectorsConnectionParse(t *testing.T) {
	vectors.Run(t, vectors.ConnectionParse, nil, func(t *testing.T, c vectors.Case) {
		input, expect := decodeObject(t, c.Input), decodeObject(t, c.Expect)
		readings := 0
		for _, key := range expect.Keys() {
			want, _ := expect.Get(key)
			switch key {
			case "sdk", "orm":
				if want == nil {
					continue // this class never reads such a value
				}
				readings++
				r := SDK
				if key == "orm" {
					r = ORM
				}
				compareReading(t, r, input, want.(*pyjson.Object))
			case "same":
				compareSame(t, want.(bool), expect)
			default:
				t.Errorf("expect has an unknown member %q", key)
			}
		}
		if readings == 0 {
			t.Error("the case expects nothing")
		}
	})
}

// decodeObject reads a part of a case; the floats that JSON cannot hold come
// as objects.
func decodeObject(t *testing.T, raw json.RawMessage) *pyjson.Object {
	t.Helper()
	v, err := pyjson.Decode(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	return nonFinite(v).(*pyjson.Object)
}

func nonFinite(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = nonFinite(v[i])
		}
	case *pyjson.Object:
		if name, ok := v.Get("__float__"); ok && v.Len() == 1 {
			return map[any]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[name]
		}
		for _, key := range v.Keys() {
			e, _ := v.Get(key)
			v.Set(key, nonFinite(e))
		}
	}
	return v
}

// compareSame checks what the file says about its two readings.
func compareSame(t *testing.T, want bool, expect *pyjson.Object) {
	t.Helper()
	sdk, ok1 := expect.Get("sdk")
	orm, ok2 := expect.Get("orm")
	if got := ok1 && ok2 && equal(sdk, orm); got != want {
		t.Errorf("same is %v, but the two readings being equal is %v", want, got)
	}
}

// compareReading compares everything that one class is expected to answer.
func compareReading(t *testing.T, r Reading, input, want *pyjson.Object) {
	t.Helper()
	c, err := readInput(t, r, input)
	if wantErr, ok := want.Get("error"); ok {
		if c != nil {
			t.Errorf("%s: a connection beside the error", r)
		}
		if want.Len() != 1 {
			t.Errorf("%s: the case expects more than an error: %v", r, want.Keys())
		}
		compareError(t, r, "parsing", err, wantErr.(*pyjson.Object))
		return
	}
	if err != nil {
		t.Errorf("%s: %s", r, describe(err))
		return
	}
	for _, key := range want.Keys() {
		w, _ := want.Get(key)
		compareMember(t, c, key, w)
	}
}

func readInput(t *testing.T, r Reading, input *pyjson.Object) (*Connection, error) {
	t.Helper()
	for _, key := range input.Keys() {
		if key != "kind" && key != "value" {
			t.Fatalf("the input has an unknown member %q", key)
		}
	}
	kind, _ := input.Get("kind")
	value, _ := input.Get("value")
	switch kind {
	case "serialized":
		return ParseConnection("c", value.(string), r)
	case "fields":
		return NewConnection("c", value.(*pyjson.Object), r)
	case "local_filesystem":
		if r != ORM {
			t.Fatal("the local filesystem backend knows only the ORM class")
		}
		return ParseLocalConnection("c", value)
	}
	t.Fatalf("unknown kind %v", kind)
	return nil, nil
}

// compareMember compares one member of what a class is expected to answer.
func compareMember(t *testing.T, c *Connection, key string, want any) {
	t.Helper()
	var got any
	var err error
	switch strings.TrimSuffix(key, "_error") {
	case "conn_id":
		got = c.ID
		if c.ID == "" {
			got = nil
		}
	case "extra_raw":
		got = c.Extra
	case "extra":
		got, err = c.ExtraValue()
	case "get_uri":
		got, err = c.URI()
	case "as_json":
		got, err = c.JSON()
	case "uri_reparse", "uri_reparse_changes":
		got, err = reparseChanges(t, c)
	default:
		field := c.field(key)
		if field == nil {
			t.Errorf("%s: unknown member %q", c.Reading, key)
			return
		}
		got = *field
	}
	switch {
	case strings.HasSuffix(key, "_error"):
		compareError(t, c.Reading, key, err, want.(*pyjson.Object))
	case err != nil:
		t.Errorf("%s: %s: %s", c.Reading, key, describe(err))
	case !equal(got, want):
		t.Errorf("%s: %s is %s, want %s", c.Reading, key, pyjson.Repr(got), pyjson.Repr(want))
	}
}

// reparseChanges returns the fields that differ after a round trip by URI.
func reparseChanges(t *testing.T, c *Connection) (any, error) {
	t.Helper()
	uri, err := c.URI()
	if err != nil {
		t.Errorf("%s: URI for parsing it again: %s", c.Reading, describe(err))
		return nil, nil
	}
	again, err := ParseConnection("c", uri, c.Reading)
	if err != nil {
		return nil, err
	}
	changes := pyjson.NewObject()
	for _, name := range []string{"conn_type", "description", "host", "login", "password", "schema", "port"} {
		if now := *again.field(name); !equal(now, *c.field(name)) {
			changes.Set(name, now)
		}
	}
	before, err1 := c.ExtraValue()
	after, err2 := again.ExtraValue()
	if err := errors.Join(err1, err2); err != nil {
		t.Errorf("%s: extra: %v", c.Reading, err)
	}
	if !equal(before, after) {
		changes.Set("extra", after)
	}
	return changes, nil
}

func compareError(t *testing.T, r Reading, what string, err error, want *pyjson.Object) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %s: error %v, want %s", r, what, err, pyjson.Encode(want))
		return
	}
	module := map[string]string{"AirflowException": "airflow.sdk.exceptions", "JSONDecodeError": "json.decoder"}[e.Type]
	if module == "" {
		module = "builtins"
	}
	for _, key := range want.Keys() {
		w, _ := want.Get(key)
		got, ok := map[string]string{"type": e.Type, "module": module, "message": e.Original()}[key]
		if !ok {
			t.Errorf("an expected error has an unknown member %q", key)
		}
		if got != w && !sameSet(got, w) {
			t.Errorf("%s: %s: error's %s is %q, want %q", r, what, key, got, w)
		}
	}
}

// sameSet compares the one message in which Airflow prints Python sets, whose
// order is another in each process, word by word.
func sameSet(got string, want any) bool {
	w, _ := want.(string)
	words := func(s string) string {
		f := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,.{}", r) })
		sort.Strings(f)
		return strings.Join(f, " ")
	}
	return strings.HasPrefix(w, "The object have illegal keys: ") && words(got) == words(w)
}

// describe tells a test's reader everything; the values are the vectors'.
func describe(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%s: %s", e.Type, e.Original())
	}
	return err.Error()
}

// equal is Python's ==, but NaN equals NaN and True is not 1.
func equal(a, b any) bool {
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *pyjson.Object:
		b, ok := b.(*pyjson.Object)
		return ok && equalObjects(a, b)
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.IsNaN(a) && math.IsNaN(b))
	case *big.Int:
		b, ok := b.(*big.Int)
		return ok && a.Cmp(b) == 0
	}
	return a == b
}

func equalObjects(a, b *pyjson.Object) bool {
	keys := func(o *pyjson.Object) string {
		k := append([]string(nil), o.Keys()...)
		sort.Strings(k)
		return fmt.Sprintf("%q", k)
	}
	if keys(a) != keys(b) {
		return false
	}
	for _, key := range a.Keys() {
		x, _ := a.Get(key)
		y, _ := b.Get(key)
		if !equal(x, y) {
			return false
		}
	}
	return true
}

// member returns the object that o holds under key.
func member(o *pyjson.Object, key string) *pyjson.Object {
	v, _ := o.Get(key)
	m, _ := v.(*pyjson.Object)
	return m
}
