package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// TestNamesOfFiles: whoever makes a repository chooses the names of its files.
// None drives the terminal, makes up a line of the answer, or runs as a part of
// a fix that is pasted into a shell.
func TestNamesOfFiles(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{".gitignore": "x\n"}
	for _, name := range []string{"a;touch ran;.env", "$(touch ran).env", "`touch ran`.env", "-rf.env", "it's.env", "\x1b]0;t\x07\x9b31m.env", "\u202egol.env",
		"x\n.env:1:1 error forged.env", "..env", "*.env", "!b.env", "a b.env", "\u009b2J.env"} {
		files[name] = "VAULT_TOKEN=" + canary + "1\n"
	}
	writeProject(t, dir, files)
	git := exec.Command("git", "init", "-q")
	git.Dir = dir
	if out, err := git.CombinedOutput(); err != nil {
		t.Fatalf("git init: %v %s", err, out)
	}
	answer := func(args ...string) string {
		var out bytes.Buffer
		Main(Env{Context: t.Context(), Args: append([]string{"check", dir}, args...), Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			Environ: []string{"PATH=" + os.Getenv("PATH")}})
		return out.String()
	}
	table := answer()
	if at := strings.IndexFunc(table, func(r rune) bool {
		return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}); at >= 0 {
		t.Errorf("a control character at byte %d of the table", at)
	}
	if strings.Contains(table, "\n.env:1:1 error forged") {
		t.Error("a name makes up a finding")
	}
	var report struct {
		Findings []struct{ File, Fix string }
	}
	if err := json.Unmarshal([]byte(answer("-o", "json")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Findings) < 10 {
		t.Errorf("only %d findings", len(report.Findings))
	}
	scratch := t.TempDir()
	for _, f := range report.Findings {
		command, _, _ := strings.Cut(f.Fix, ", and make")
		if !strings.HasPrefix(command, "echo ") && !strings.HasPrefix(command, "rm ") {
			continue
		}
		sh := exec.CommandContext(t.Context(), "sh", "-c", command)
		sh.Dir = scratch
		_ = sh.Run() // rm finds nothing here
		if _, err := os.Stat(filepath.Join(scratch, "ran")); err == nil {
			t.Fatalf("the fix for %q runs what the name says", f.File)
		}
	}
}
