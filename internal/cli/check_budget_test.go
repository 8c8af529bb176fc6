package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that check cannot look at to its end is named, and the exit code says
// that the check is not complete.
func TestCheckSaysWhatItDidNotLookAt(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dags"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"braces.py": "x = '" + strings.Repeat("{", 800_000) + "'\n",
		"grows.py":  "a = [1]\n" + strings.Repeat("a = a + a\n", 24),
	} {
		if err := os.WriteFile(filepath.Join(dir, "dags", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	code := Main(Env{Context: t.Context(), Args: []string{"check", dir}, Dir: dir, Stdout: &stdout, Stderr: &stderr, Environ: []string{"PATH=" + os.Getenv("PATH")}})
	if said := stdout.String(); code != exitFailed || !strings.Contains(said, "dags/grows.py") || strings.Contains(said, "braces.py") {
		t.Errorf("exit code %d: %s%s", code, said, stderr.String())
	}
}
