package airlock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/settings"
)

// raised is the one table from errors of airlock to Python's exceptions: the
// type, and the text that pyjson.Str() gives.
func raised(err error) (kind, message string) {
	var cfg *settings.Error
	var own *airflow.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "SystemExit", afterLast(err.Error(), ": ")
	case airlock.AirflowError(err) != nil:
		e := airlock.AirflowError(err)
		return e.Type, e.Original()
	case errors.As(err, &cfg):
		return cfg.Type, cfg.Original()
	case errors.As(err, &own):
		return own.Type, own.Original()
	}
	return "", ""
}

func afterLast(s, sep string) string { return s[strings.LastIndex(s, sep)+len(sep):] }

func compareError(t *testing.T, err error, want *caseError) {
	t.Helper()
	if want == nil {
		t.Fatalf("failed: %v", err)
	}
	kind, message := raised(err)
	if first, cause, ok := strings.Cut(message, "\n"); ok && strings.HasPrefix(first, "Cannot retrieve config") {
		message = first + "\n" + afterLast(cause, ": ") // where and how it failed is airlock's own text
	}
	if kind != want.Type || message != want.Message {
		t.Errorf("%v is to Airflow\n%s: %s\nwant\n%s: %s", err, kind, message, want.Type, want.Message)
	}
}

func compareValue(t *testing.T, got any, want json.RawMessage) {
	t.Helper()
	if want == nil {
		t.Fatalf("got a value where none is expected")
	}
	if g, w := pyjson.Encode(got), pyjson.Encode(value(t, want)); g != w {
		t.Errorf("value %s, want %s", g, w)
	}
}

// compareConnection compares every field of a connection.
func compareConnection(t *testing.T, c *airflow.Connection, want json.RawMessage) {
	t.Helper()
	if c == nil {
		t.Fatalf("no connection")
	}
	class := "airflow.sdk.definitions.connection.Connection"
	if c.Reading == airflow.ORM {
		class = "airflow.models.connection.Connection"
	}
	var id any
	if c.ID != "" {
		id = c.ID
	}
	got := map[string]any{"class": class, "conn_id": id, "conn_type": c.Type, "description": c.Description, "host": c.Host,
		"login": c.Login, "password": c.Password, "schema": c.Schema, "port": c.Port, "extra": c.Extra}
	fields := decodeObject(t, want)
	for _, name := range fields.Keys() {
		w, _ := fields.Get(name)
		if g, ok := got[name]; !ok || pyjson.Encode(g) != pyjson.Encode(w) {
			t.Errorf("%s of the connection is %s, want %s", name, pyjson.Encode(g), pyjson.Encode(w))
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("the case does not expect the fields %v", got)
	}
}

// compareLogs leaves out what Airflow's masker and Python's warnings say, and
// what the SDK says of an extra that is not JSON when it masks it.
func compareLogs(t *testing.T, res *airlock.Result, want []caseLog) {
	t.Helper()
	var expected []airlock.Log
	for _, log := range want {
		switch {
		case strings.HasSuffix(log.Logger, "secrets_masker"), log.Logger == "py.warnings":
		case log.Logger == "airflow.sdk.definitions.connection":
			if res.Connection == nil || isJSON(res.Connection.Extra) {
				t.Errorf("Airflow finds the extra of the connection malformed: %+v", res.Connection)
			}
		default:
			expected = append(expected, airlock.Log{Level: log.Level, Message: log.Message})
		}
	}
	if got := res.AirflowLogs(); !reflect.DeepEqual(got, expected) {
		t.Errorf("Airflow's logs: %+v, want %+v", got, expected)
	}
}

func isJSON(extra any) bool {
	text, _ := extra.(string)
	_, err := pyjson.Decode(text)
	return err == nil
}

// compareStartup compares what Airflow logs of the kwargs while it starts.
func compareStartup(t *testing.T, r *airlock.Resolver, want []string) {
	t.Helper()
	var got []string
	for _, s := range r.Sources {
		for _, note := range s.Notes {
			if strings.HasPrefix(note, "Failed to parse") {
				got = append(got, note)
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("notes on the settings: %q, want %q", got, want)
	}
}

// compareCalls compares what a layer was asked, in order.
func compareCalls(t *testing.T, who string, s *scripted, want *[][]string) {
	t.Helper()
	if want == nil {
		return
	}
	got := [][]string{}
	for _, call := range s.calls {
		parts := strings.Split(call, labSep)
		if who == "the Execution API" {
			parts[0] = strings.TrimSuffix(parts[0], "s")
		}
		got = append(got, parts)
	}
	if !reflect.DeepEqual(got, *want) {
		t.Errorf("%s was asked %v, want %v", who, got, *want)
	}
}

// value decodes a value of a case; JSON cannot hold every float, so the cases
// write those as {"__float__": "NaN"}.
func value(t *testing.T, text json.RawMessage) any {
	t.Helper()
	v, err := pyjson.Decode(string(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return floats(v)
}

func floats(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = floats(v[i])
		}
	case *pyjson.Object:
		if f, ok := v.Get("__float__"); ok && v.Len() == 1 {
			return map[any]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[f]
		}
		for _, key := range v.Keys() {
			item, _ := v.Get(key)
			v.Set(key, floats(item))
		}
	}
	return v
}

// strictly decodes JSON and fails on a member that v does not have.
func strictly(t *testing.T, text json.RawMessage, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("the case has something that this test does not understand: %v", err)
	}
}

// compareConstructed compares the kwargs of the last construction: how often
// Airflow constructs a backend besides says nothing of the look-up.
func compareConstructed(t *testing.T, got []string, want []json.RawMessage) {
	t.Helper()
	if len(want) == 0 {
		return
	}
	if last := pyjson.Encode(value(t, want[len(want)-1])); len(got) == 0 || got[len(got)-1] != last {
		t.Errorf("the backend was constructed with %v, want %s last", got, last)
	}
}
