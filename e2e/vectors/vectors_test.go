package vectors

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

const testdata = "../../internal/vectors/testdata"

// generate runs the generator with Airflow's interpreter and returns what it
// printed as changes, what it said, and its exit status.
func generate(t *testing.T, arguments ...string) (changes, remarks string, status int) {
	t.Helper()
	python := filepath.Join(baotest.CacheDir(t), "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("%v: run make tools", err)
	}
	cmd := exec.Command(python, append([]string{"main.py"}, arguments...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestAirflowAnswersAsTheCasesSay runs the families that take seconds: it fails
// when the generator rots, and when tools/install brings another Airflow whose
// answers nobody has looked at. The written files are byte for byte the ones
// that are there, so a later change of them shows only what Airflow changed.
func TestAirflowAnswersAsTheCasesSay(t *testing.T) {
	dir := t.TempDir()
	changes, remarks, status := generate(t, "--only", "connection_parse", "--only", "metastore", "--write", dir)
	if status != 0 || changes != "" {
		t.Fatalf("exit status %d\n%s%s", status, changes, remarks)
	}
	for _, name := range []string{"connection_parse.json", "metastore.json"} {
		want, err := os.ReadFile(filepath.Join(testdata, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is written anew with other bytes", name)
		}
	}
}

// file is as much of a file of cases as the test changes.
type file struct {
	Header json.RawMessage   `json:"header"`
	Cases  []json.RawMessage `json:"cases"`
}

// TestChangesAreNamed gives the generator cases that real Airflow contradicts
// in one member, and one that has a member too many.
func TestChangesAreNamed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testdata, "metastore.json"))
	if err != nil {
		t.Fatal(err)
	}
	var old file
	if err := json.Unmarshal(text, &old); err != nil {
		t.Fatal(err)
	}
	input := `{"kind": "write", "model": "variable", "fernet_key": ""}`
	old.Cases = []json.RawMessage{
		json.RawMessage(`{"name": "same", "input": ` + input + `, "expect": {"is_encrypted": false, "val_is_plain": true}}`),
		json.RawMessage(`{"name": "other", "input": ` + input + `, "expect": {"is_encrypted": true, "val_is_plain": true}}`),
		json.RawMessage(`{"name": "more", "input": ` + input + `, "expect": {"is_encrypted": false, "val_is_plain": true, "x": 1}}`),
	}
	text, err = json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "metastore.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(dir, "page.md")
	changes, remarks, status := generate(t, "--vectors", dir, "--only", "metastore", "--page", page)
	want := "metastore: other: is_encrypted: true -> false\nmetastore: more: x: 1 -> (absent)\n"
	if changes != want || status != 1 {
		t.Errorf("exit status %d, changes\n%swant\n%s(%s)", status, changes, want, remarks)
	}
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"| metastore | 3 | 2 |", "`is_encrypted` in `other`", "`x` in `more`"} {
		if !strings.Contains(string(written), part) {
			t.Errorf("the page does not say %q:\n%s", part, written)
		}
	}
}

// TestVersionIsOne: the version becomes part of a path.
func TestVersionIsOne(t *testing.T) {
	for _, version := range []string{"../../tmp", "2.11.0; true", "latest", ""} {
		changes, remarks, status := generate(t, "--airflow="+version)
		if status == 0 || changes != "" || !strings.Contains(remarks, "is not a version") {
			t.Errorf("--airflow=%q: exit status %d: %s", version, status, remarks)
		}
	}
}
