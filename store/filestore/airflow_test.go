package filestore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/baotest"
)

// load has Airflow read every file as variables, connections and options, and
// prints what it finds or the class of its exception.
const load = `
import json, math, sys
from airflow.secrets import local_filesystem as lf

def plain(v):
    if isinstance(v, dict):
        return {k if isinstance(k, str) else json.dumps(k) if k is None or isinstance(k, (int, float)) else str(k): plain(x) for k, x in v.items()}
    if isinstance(v, list):
        return [plain(x) for x in v]
    return v if v is None or isinstance(v, (str, int, float)) else str(v)

def fields(c):
    return {"conn_id": c.conn_id, "conn_type": plain(c.conn_type), "description": plain(c.description), "host": plain(c.host), "login": plain(c.login),
            "password": plain(c.password), "schema": plain(c.schema), "port": plain(c.port), "extra": plain(c.extra)}

def attempt(call):
    try:
        return {"values": call()}
    except Exception as e:
        return {"error": type(e).__name__, "message": str(e)}

out = []
for path in json.load(sys.stdin):
    named = lambda d: {k: v for k, v in d.items() if isinstance(k, str)}
    out.append({
        "variable": attempt(lambda: plain(named(lf.load_variables(path)))),
        "connection": attempt(lambda: {k: fields(c) for k, c in named(lf.load_connections_dict(path)).items()}),
        "config": attempt(lambda: plain(named(lf.load_configs_dict(path)))),
    })
open(sys.argv[1], "w").write(json.dumps(out))
`

// read is what one of the two finds in a file.
type read struct {
	Values  json.RawMessage `json:"values"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
}

// TestAsAirflow compares what is read of many files with what Airflow reads.
func TestAsAirflow(t *testing.T) {
	var paths []string
	for i, f := range samples() {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".d"), f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.content), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	paths = append(paths, filepath.Join(t.TempDir(), "missing.json"), t.TempDir())
	t.Logf("%d files", len(paths))
	samples := append(samples(), sample{"missing.json", ""}, sample{"a folder", ""})
	for i, want := range inAirflow(t, paths) {
		for kind, want := range want {
			t.Run(fmt.Sprintf("%d %s %.40q as %s", i, samples[i].name, samples[i].content, kind), func(t *testing.T) {
				compare(t, airflow.Kind(kind), paths[i], want)
			})
		}
	}
}

func inAirflow(t *testing.T, paths []string) []map[string]read {
	t.Helper()
	input, err := json.Marshal(paths)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	answers := filepath.Join(home, "answers.json")
	cmd := exec.CommandContext(t.Context(), baotest.Tool(t, "python"), "-c", load, answers)
	cmd.Env = append(os.Environ(), "AIRFLOW_HOME="+home, "AIRFLOW__CORE__FERNET_KEY=", "AIRFLOW__CORE__UNIT_TEST_MODE=False")
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("airflow: %v\n%s", err, out)
	}
	b, err := os.ReadFile(answers)
	if err != nil {
		t.Fatal(err)
	}
	// Python's JSON may hold what Go's may not.
	decoded, err := pyjson.Decode(string(b))
	if err != nil {
		t.Fatal(err)
	}
	var list []map[string]read
	for _, file := range decoded.([]any) {
		kinds := map[string]read{}
		for _, kind := range file.(*pyjson.Object).Keys() {
			v, _ := file.(*pyjson.Object).Get(kind)
			var r read
			answer := v.(*pyjson.Object)
			if values, ok := answer.Get("values"); ok {
				r.Values = json.RawMessage(sorted(values))
			}
			class, _ := answer.Get("error")
			r.Error, _ = class.(string)
			message, _ := answer.Get("message")
			r.Message, _ = message.(string)
			kinds[kind] = r
		}
		list = append(list, kinds)
	}
	return list
}

// sorted is the JSON text of a value, its members in order of their names.
func sorted(v any) string {
	switch v := v.(type) {
	case *pyjson.Object:
		keys := slices.Clone(v.Keys())
		slices.Sort(keys)
		text := "{"
		for i, key := range keys {
			if i > 0 {
				text += ", "
			}
			member, _ := v.Get(key)
			text += pyjson.Encode(key) + ": " + sorted(member)
		}
		return text + "}"
	case []any:
		text := "["
		for i, e := range v {
			if i > 0 {
				text += ", "
			}
			text += sorted(e)
		}
		return text + "]"
	}
	return pyjson.Encode(v)
}

// told are the exceptions whose class a user of airlock is told.
var told = []string{"AirflowFileParseException", "AirflowUnsupportedFileTypeException", "ConnectionNotUnique", "VariableNotUnique", "UnicodeDecodeError"}

func compare(t *testing.T, kind airflow.Kind, path string, want read) {
	t.Helper()
	s := New(Options{Variables: path, Connections: path, Configs: path})
	values, err := s.load(t.Context(), kind)
	if want.Error != "" {
		var python *airflow.Error
		errors.As(err, &python)
		switch {
		case err == nil:
			t.Errorf("reads %s, Airflow raises %s: %s", sorted(values), want.Error, want.Message)
		case slices.Contains(told, want.Error) && (python == nil || python.Type != want.Error):
			t.Errorf("fails with %v, Airflow raises %s: %s", err, want.Error, want.Message)
		}
		return
	}
	if err != nil {
		t.Errorf("fails with %v, Airflow reads %s", err, want.Values)
		return
	}
	got := pyjson.NewObject()
	for _, key := range values.Keys() {
		v, _ := values.Get(key)
		if kind == airflow.KindConnection {
			c, err := airflow.ParseLocalConnection(key, v)
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			v = fields(c)
		}
		got.Set(key, v)
	}
	if sorted(got) != string(want.Values) {
		t.Errorf("reads\n%s, Airflow\n%s", sorted(got), want.Values)
	}
}

func fields(c *airflow.Connection) *pyjson.Object {
	o := pyjson.NewObject()
	for name, v := range map[string]any{"conn_type": c.Type, "description": c.Description, "host": c.Host, "login": c.Login,
		"password": c.Password, "schema": c.Schema, "port": c.Port, "extra": c.Extra} {
		o.Set(name, v)
	}
	o.Set("conn_id", c.ID)
	if c.ID == "" {
		o.Set("conn_id", nil)
	}
	return o
}
