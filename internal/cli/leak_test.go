package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

const canary = "CANARY-"

// planted is a project with a secret in every place that holds values.
func planted(t *testing.T) map[string]string {
	t.Helper()
	ar, err := txtar.ParseFile("testdata/planted.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for i, f := range ar.Files {
		// Each secret is another one, so that none is mistaken for a default.
		files[f.Name] = strings.ReplaceAll(string(f.Data), "S3CRET", fmt.Sprintf(canary+"x%dq", i))
	}
	return files
}

func writeProject(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// leaks runs a command and fails where it prints a secret, without printing
// one itself.
func leaks(t *testing.T, why func() string, dir string, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := Main(Env{Context: t.Context(), Args: args, Dir: dir, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "VAULT_TOKEN=" + canary + "p", "AIRFLOW_CONN_P=postgres://u:" + canary + "p/@h",
			"AIRFLOW__SECRETS__BACKEND_KWARGS={\"token\": \"" + canary + "p\", \"" + canary + "p"}})
	if code > 1 {
		t.Errorf("%s: %v gives exit code %d", why(), args, code)
	}
	all := stdout.String() + stderr.String()
	if at := strings.Index(all, canary); at >= 0 {
		t.Errorf("%s: %v prints a secret, in %d bytes of output%s", why(), args, len(all), culprits(stdout.Bytes(), all[max(at-200, 0):at]))
	}
}

// culprits names the rules whose findings hold a secret.
func culprits(out []byte, before string) string {
	var report struct {
		Findings []struct{ Rule, File, Message, Airflow, Fix string }
	}
	if json.Unmarshal(out, &report) != nil {
		return ""
	}
	var rules []string
	for _, f := range report.Findings {
		if strings.Contains(f.Message+f.Airflow+f.Fix+f.File, canary) {
			rules = append(rules, f.Rule+" in "+f.File)
		}
	}
	return ": " + strings.Join(rules, ", ")
}

// TestCheckPrintsNoSecret: in no form of the answer, nor in the diff of the
// fixes.
func TestCheckPrintsNoSecret(t *testing.T) {
	files := planted(t)
	dir := t.TempDir()
	writeProject(t, dir, files)
	whole := func() string { return "the whole project" }
	for _, form := range []string{"table", "json", "sarif"} {
		leaks(t, whole, dir, "check", dir, "-o", form)
	}
	leaks(t, whole, dir, "check", dir, "--fix")
	leaks(t, whole, dir, "check", dir, "--process", "-o", "json")
	for name := range files {
		leaks(t, func() string { return name }, dir, "check", filepath.Join(dir, name), "-o", "json")
	}
	leaks(t, whole, dir, "check", dir, "--fix", "--yes")
}

// TestCheckPrintsNoSecretOfBrokenFiles cuts files short, takes bytes out, puts
// others in and joins lines, at places that a fixed seed chooses.
func TestCheckPrintsNoSecretOfBrokenFiles(t *testing.T) {
	const rounds = 15
	files := planted(t)
	for i, name := range slices.Sorted(maps.Keys(files)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			random := rand.New(rand.NewPCG(20261122, uint64(i)))
			for round := range rounds {
				broken := breakText(random, files[name])
				writeProject(t, dir, map[string]string{name: broken})
				why := func() string { return fmt.Sprintf("round %d of %s", round, name) }
				form := []string{"json", "json", "table", "sarif"}[round%4]
				leaks(t, why, dir, "check", dir, "-o", form)
				if t.Failed() {
					return // the seed makes the same text again
				}
			}
		})
	}
}

// breakText makes one or two changes to a text.
func breakText(random *rand.Rand, text string) string {
	pieces := []string{"\"", "'", "\n", "\r", " ", "{", "}", "[", "]", ":", ",", "\\", "$", "${", "`", "#", "=", "<<", "&a", "*a", "\t", "|", "(", ")", "/", "@", "é", "- ", "\n\n", "%", "!"}
	for range 1 + random.IntN(2) {
		at := random.IntN(len(text) + 1)
		switch random.IntN(5) {
		case 0:
			text = text[:at]
		case 1:
			text = text[:at] + pieces[random.IntN(len(pieces))] + text[at:]
		case 2:
			text = text[:at] + text[min(at+1+random.IntN(3), len(text)):]
		case 3: // a line loses its beginning
			if end := strings.IndexByte(text[at:], '\n'); end >= 0 {
				start := strings.LastIndexByte(text[:at], '\n') + 1
				text = text[:start] + text[at:]
			}
		default: // two lines become one
			if end := strings.IndexByte(text[at:], '\n'); end >= 0 {
				text = text[:at+end] + text[at+end+1:]
			}
		}
		if text == "" {
			return text
		}
	}
	return text
}
