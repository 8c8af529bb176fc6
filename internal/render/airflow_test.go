package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/render"
)

// connections are arbitrary ones, of one of Airflow's two classes.
func connections(t *testing.T, n int, r airflow.Reading) []*airflow.Connection {
	t.Helper()
	var list []*airflow.Connection
	random := rand.New(rand.NewPCG(5, 5))
	odd := values(400)
	pick := func() any {
		switch random.IntN(4) {
		case 0:
			return nil
		case 1:
			return []any{"user", "p@ss/w:rd#?%", "h.example.com", "", "s3://x", "a b"}[random.IntN(6)]
		}
		return odd[random.IntN(len(odd))]
	}
	for len(list) < n {
		fields := pyjson.NewObject()
		fields.Set("conn_type", []any{"postgres", "google_cloud_platform", "http", "generic"}[random.IntN(4)])
		for _, name := range []string{"host", "login", "password", "schema", "description"} {
			if v := pick(); v != nil {
				fields.Set(name, v)
			}
		}
		if random.IntN(2) == 0 {
			fields.Set("port", int64(random.IntN(65536)))
		}
		if random.IntN(2) == 0 {
			extra := pyjson.NewObject()
			for range random.IntN(3) {
				extra.Set(odd[random.IntN(len(odd))], []any{pick(), true, int64(7), []any{pick()}}[random.IntN(4)])
			}
			fields.Set("extra", pyjson.Encode(extra))
		}
		c, err := airflow.NewConnection(fmt.Sprintf("c%d", len(list)), fields, r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

// fieldsOf are the fields as Airflow shows them; an extra as its parsed JSON.
func fieldsOf(c *airflow.Connection) map[string]any {
	all := map[string]any{"conn_type": c.Type, "description": c.Description, "host": c.Host, "login": c.Login, "password": c.Password,
		"schema": c.Schema, "port": c.Port}
	for name, v := range all {
		if v == "" {
			all[name] = nil
		}
	}
	all["extra"], _ = c.ExtraValue()
	return all
}

// readers prints what Airflow reads: the files of the local backend, and the
// variables and connections of an environment.
const readers = `
import functools, json, os, sys
from airflow.models.connection import Connection as ORM
from airflow.sdk.definitions.connection import Connection as SDK
from airflow.secrets.local_filesystem import LocalFilesystemBackend
from airflow.secrets.environment_variables import EnvironmentVariablesBackend

def fields(c):
    d = {k: getattr(c, k) or None for k in ("conn_type", "description", "host", "login", "password", "schema")}
    return {**d, "port": c.port, "extra": c.extra_dejson}

# It parses the whole file for each key.
for name in "_local_variables", "_local_connections":
    setattr(LocalFilesystemBackend, name, property(functools.cache(getattr(LocalFilesystemBackend, name).fget)))

where, ids, texts = json.load(open(sys.argv[1]))
files = LocalFilesystemBackend(variables_file_path=where + "/variables.json", connections_file_path=where + "/connections.json")
environment = EnvironmentVariablesBackend()
out = {"variables": {}, "connections": {}, "texts": []}
for key in ids["variable"]:
    out["variables"][key] = [files.get_variable(key), environment.get_variable(key)]
for key in ids["connection"]:
    out["connections"][key] = fields(files.get_connection(key))
for text in texts:
    out["texts"].append([fields(SDK.from_json(text, conn_id="c") if text.startswith("{") else SDK(conn_id="c", uri=text)),
        fields(ORM.from_json(text, conn_id="c") if text.startswith("{") else ORM(conn_id="c", uri=text))])
json.dump(out, open(sys.argv[2], "w"))
`

// TestInAirflow has real Airflow read the files of its local backend, the
// variables that a shell exports, and connections as text.
func TestInAirflow(t *testing.T) {
	variables, list := odd(600), connections(t, 300, airflow.ORM)
	var items []render.Item
	ids := map[string][]string{"variable": {}, "connection": {}}
	for _, v := range variables {
		items, ids["variable"] = append(items, v), append(ids["variable"], v.ID)
	}
	var texts []string
	for _, c := range list {
		text, err := render.ConnectionText(c)
		if err != nil {
			t.Fatalf("connection %s: %v", c.ID, err)
		}
		texts = append(texts, text)
		items = append(items, render.Item{Name: airflow.ConnectionEnv(c.ID), Value: text, Kind: airflow.KindConnection, ID: c.ID, Connection: c})
		ids["connection"] = append(ids["connection"], c.ID)
	}
	dir := t.TempDir()
	for _, f := range append(write(t, "local-files", items, nil).Files, write(t, "shell", variables, nil).Files...) {
		if err := os.WriteFile(filepath.Join(dir, f.Path), []byte(f.Text), f.Mode); err != nil {
			t.Fatal(err)
		}
	}
	var got struct {
		Variables   map[string][2]*string
		Connections map[string]map[string]any
		Texts       [][2]map[string]any
	}
	readAirflow(t, dir, []any{dir, ids, texts}, &got)
	for _, v := range variables {
		for i, by := range []string{"the local backend", "the environment"} {
			if read := got.Variables[v.ID][i]; read == nil || *read != v.Value {
				t.Errorf("%s reads %q as %v", by, v.Value, read)
			}
		}
	}
	for i, c := range list {
		same(t, "the local backend", c, got.Connections[c.ID])
		same(t, "the SDK from text", c, got.Texts[i][0])
		same(t, "the ORM from text", c, got.Texts[i][1])
	}
}

func readAirflow(t *testing.T, dir string, input, output any) {
	t.Helper()
	b, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	in, answer, script := filepath.Join(dir, "in.json"), filepath.Join(dir, "out.json"), filepath.Join(dir, "read.py")
	for path, text := range map[string]string{in: string(b), script: readers} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `. "$1"; exec "$2" "$3" "$4" "$5"`, "sh", filepath.Join(dir, "env.sh"),
		baotest.Tool(t, "python"), script, in, answer)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AIRFLOW_HOME=" + dir, "AIRFLOW__CORE__UNIT_TEST_MODE=True",
		"AIRFLOW__CORE__FERNET_KEY="}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("Airflow: %v\n%s", err, stderr.String())
	}
	if b, err = os.ReadFile(answer); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, output); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, by string, c *airflow.Connection, got map[string]any) {
	t.Helper()
	for name, want := range fieldsOf(c) {
		read, err := json.Marshal(got[name])
		if err != nil {
			t.Fatal(err)
		}
		v, err := pyjson.Decode(string(read))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := canonical(v), canonical(want); a != b {
			t.Errorf("%s reads %s of connection %s as %s, want %s", by, name, c.ID, a, b)
		}
	}
}

// canonical is JSON with its members in order.
func canonical(v any) string {
	var plain any
	if err := json.Unmarshal([]byte(strings.NewReplacer("NaN", "null").Replace(pyjson.Encode(v))), &plain); err != nil {
		return pyjson.Encode(v)
	}
	b, _ := json.Marshal(plain)
	return string(b)
}

// TestConnectionText: each of Airflow's classes reads the text back as the
// connection that it was, and a URI is written where it holds all of it.
func TestConnectionText(t *testing.T) {
	uris := 0
	for _, r := range []airflow.Reading{airflow.SDK, airflow.ORM} {
		for _, c := range connections(t, 2000, r) {
			text, err := render.ConnectionText(c)
			if err != nil {
				t.Fatalf("connection %s: %v", c.ID, err)
			}
			back, err := airflow.ParseConnection(c.ID, text, r)
			if err != nil {
				t.Fatalf("connection %s in the %s reading: %v", c.ID, r, err)
			}
			if a, b := pyjson.Encode(c.Password), pyjson.Encode(back.Password); a != b {
				t.Errorf("password %s comes back as %s", a, b)
			}
			if !strings.HasPrefix(text, "{") {
				uris++
			}
		}
	}
	if uris < 100 {
		t.Errorf("only %d of 4000 are URIs", uris)
	}
	plain, err := airflow.ParseConnection("c", "postgres://u:p%2Fw@h:5432/db?sslmode=require", airflow.SDK)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := render.ConnectionText(plain); err != nil || text != "postgres://u:p%2Fw@h:5432/db?sslmode=require" {
		t.Errorf("%q, %v", text, err)
	}
}
