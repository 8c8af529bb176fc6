package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/render"
)

// TestShells has shells read what Shell writes, and hand it to a process.
func TestShells(t *testing.T) {
	list := values(2000)
	var script bytes.Buffer
	var want []string
	for _, value := range list {
		line, err := render.Shell("NAME", value)
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		fmt.Fprintf(&script, "%s\nprintf '%%s\\0' \"$NAME\"\n", line)
		want = append(want, value)
	}
	script.WriteString("env -0\n")
	path := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(path, script.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, shell := range []string{"sh", "bash", "dash", "zsh", "ksh"} {
		program, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		ran++
		cmd := exec.Command(program, path)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nowhere"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", shell, err)
		}
		compareShell(t, shell, want, strings.Split(string(out), "\x00"))
	}
	if ran == 0 {
		t.Fatal("no shell is here")
	}
}

func compareShell(t *testing.T, shell string, want, got []string) {
	t.Helper()
	if len(got) < len(want) {
		t.Fatalf("%s printed %d values of %d", shell, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s reads %q as %q", shell, want[i], got[i])
		}
	}
	exported := "NAME=" + want[len(want)-1]
	for _, line := range got[len(want):] {
		if line == exported {
			return
		}
	}
	t.Errorf("%s does not export the variable", shell)
}

// TestPythonYAML has PyYAML, which Airflow and Helm's users read with, read
// what YAML writes.
func TestPythonYAML(t *testing.T) {
	list := values(3000)
	var text bytes.Buffer
	for i, value := range list {
		fmt.Fprintf(&text, "- value: %s\n- [%s, %d]\n", render.YAML(value), render.YAML(value), i)
	}
	const script = `
import json, sys, yaml
for loader in (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    print(json.dumps(yaml.load(open(sys.argv[1], "rb"), loader)))
`
	path := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(baotest.Tool(t, "python"), "-c", script, path).Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(out))
	for range 2 {
		var got []any
		if err := d.Decode(&got); err != nil {
			t.Fatal(err)
		}
		for i, value := range list {
			if m, _ := got[2*i].(map[string]any); m["value"] != value {
				t.Errorf("PyYAML reads %q as %q", value, m["value"])
			}
			if l, _ := got[2*i+1].([]any); len(l) != 2 || l[0] != value {
				t.Errorf("PyYAML reads %q in a list as %q", value, l)
			}
		}
	}
}
