package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asked runs a command at a plain terminal and answers its questions, each as
// its title appears. It returns the exit code and all that was shown.
func asked(t *testing.T, dir string, answers [][2]string, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := newScreen(t)
	var stdout bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- Main(Env{Context: ctx, Args: args, Stdin: s.File, Stdout: &stdout, Stderr: s.File,
			Environ: []string{"TERM=dumb", "HOME=" + dir}, Dir: dir})
	}()
	for _, a := range answers {
		s.eventually(t, a[0])
		if _, err := s.typed.WriteString(a[1] + "\r"); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case got := <-code:
		return got, s.text() + stdout.String()
	case <-ctx.Done():
		t.Fatal("the command waits for more answers")
	}
	return 0, ""
}

// vaultQuestions are answered in the order in which they are asked.
func vaultQuestions(yes string) [][2]string {
	return [][2]string{
		{"Address of the Vault server", "https://vault.example.com:8200"}, {"Mount of the KV engine", ""}, {"Version of the KV engine", ""},
		{"Namespace", ""}, {"Path of variables", ""}, {"Path of connections", ""}, {"Path of configuration options", ""},
		{"How Airflow logs in", ""}, {"Role, and name of the policy", ""}, {"Role id", "my-role"}, {"Secret id", "CANARY-typed"}, {"Go on?", yes},
	}
}

func TestInitAsks(t *testing.T) {
	dir := t.TempDir()
	code, shown := asked(t, dir, vaultQuestions("y"), "init", "vault")
	if code != 0 {
		t.Fatalf("exit %d", code)
	}
	text, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"url": "https://vault.example.com:8200"`, `"role_id": "my-role"`, `"secret_id": "CANARY-typed"`, `"kv_engine_version": 2`} {
		if !strings.Contains(string(text), want) {
			t.Errorf(".env does not hold what was answered to %.12q", want)
		}
	}
	if strings.Contains(shown, "CANARY-typed") {
		t.Error("the secret id that was typed is shown")
	}
}

// TestInitNeedsAYes: anything else leaves the folder as it was.
func TestInitNeedsAYes(t *testing.T) {
	dir := t.TempDir()
	asked(t, dir, vaultQuestions("n"), "init", "vault")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("after a no there is %v, %v", left, err)
	}
}
