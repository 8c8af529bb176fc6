package render_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/render"
)

var update = flag.Bool("update", false, "write the golden files")

// TestFormats: every format says what it writes, takes no items, and prints
// no value where an item is printed.
func TestFormats(t *testing.T) {
	for _, f := range render.Formats() {
		if f.Short == "" || len(f.Files) == 0 {
			t.Errorf("%s says nothing of itself", f.Name)
		}
		if f.Name == "external-secret" {
			continue
		}
		if out := write(t, f.Name, nil, nil); len(out.Files) == 0 {
			t.Errorf("%s writes no file", f.Name)
		}
		if _, err := f.Write([]render.Item{{Name: "N", Value: "CANARY-\x00", Secret: true, Kind: airflow.KindVariable, ID: "n"}}, nil); f.Name != "local-files" &&
			(err == nil || strings.Contains(err.Error(), "CANARY-")) {
			t.Errorf("%s takes a NUL, or shows it", f.Name)
		}
	}
	if _, ok := render.Find("nothing"); ok {
		t.Error("any name is found")
	}
	i := render.Item{Name: "N", Value: "CANARY-v"}
	b, err := json.Marshal(fmt.Sprintf("%v %+v %#v %s %q %d", i, i, i, i, &i, []render.Item{i}))
	if err != nil || strings.Contains(string(b), "CANARY-") {
		t.Error("an item prints its value")
	}
}

// TestGolden keeps the look of what is written.
func TestGolden(t *testing.T) {
	kwargs := pyjson.NewObject()
	for _, pair := range []string{"url=https://vault.example.com", "auth_type=approle", "role_id=airflow", "secret_id=CANARY-s", "mount_point=airflow"} {
		name, value, _ := strings.Cut(pair, "=")
		kwargs.Set(name, value)
	}
	items := []render.Item{
		{Name: "AIRFLOW_CONN_MY_DB", Value: "postgres://u@h/db", Secret: true, Kind: airflow.KindConnection, ID: "my_db",
			Remote: &render.Remote{Key: "connections/my_db", Property: "conn_uri"}},
		{Name: "AIRFLOW_VAR_KEY", Value: "-----BEGIN KEY-----\nx=\n-----END KEY-----", Secret: true, Kind: airflow.KindVariable, ID: "key",
			Remote: &render.Remote{Key: "variables/key", Property: "value"}},
		{Name: "AIRFLOW__CORE__PARALLELISM", Value: "8", Kind: airflow.KindConfig, ID: "core.parallelism"},
	}
	o := &render.Options{Namespace: "airflow", Backend: &render.Backend{Service: "vault", Class: "a.VaultBackend", Kwargs: kwargs}}
	for _, f := range render.Formats() {
		given := items
		if f.Name == "dockerfile" {
			given = slices.Delete(slices.Clone(items), 1, 2)
		}
		var b strings.Builder
		out := write(t, f.Name, given, o)
		for _, file := range out.Files {
			fmt.Fprintf(&b, "-- %s (%o) --\n%s\n", file.Path, file.Mode, strings.TrimSuffix(file.Text, "\n"))
		}
		for _, note := range out.Notes {
			b.WriteString("note: " + note + "\n")
		}
		path := filepath.Join("testdata", f.Name+".golden")
		got := strings.ReplaceAll(b.String(), "CANARY-s", "SECRET-ID")
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s has changed: go test ./internal/render -run TestGolden -update, and look", path)
		}
	}
}
