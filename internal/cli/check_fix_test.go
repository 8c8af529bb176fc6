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

const (
	unfixed = "[secrets]\nbackend = \"airflow.providers.hashicorp.secrets.vault.VaultBackend\"\n" +
		"backend_kwargs = {\"url\": \"https://vault.example.com\", \"auth_type\": \"kubernetes\", \"kubernetes_role\": \"airflow\"}\n"
	question = "fix 1 finding in 1 file? [y/N] "
)

// projectToFix makes a folder with one thing to fix.
func projectToFix(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"airflow.cfg": unfixed, "requirements.txt": "apache-airflow-providers-hashicorp\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// fixing starts `check --fix` on a terminal and waits for its question.
func fixing(t *testing.T, ctx context.Context, dir string) (s *screen, stdout *bytes.Buffer, code chan int) {
	t.Helper()
	s, stdout, code = newScreen(t), &bytes.Buffer{}, make(chan int, 1)
	go func() {
		code <- Main(Env{Context: ctx, Args: []string{"check", dir, "--fix"}, Dir: dir, Stdin: s.File, Stderr: s.File, Stdout: stdout,
			Environ: []string{"TERM=xterm", "PATH=" + os.Getenv("PATH")}})
	}()
	s.eventually(t, question)
	return s, stdout, code
}

func TestFixAsks(t *testing.T) {
	fixed := strings.Replace(unfixed, `"airflow.providers.hashicorp.secrets.vault.VaultBackend"`, "airflow.providers.hashicorp.secrets.vault.VaultBackend", 1)
	tests := []struct {
		answer, file, says string
		code               int
	}{
		{"y\n", fixed, "fixed 1 finding in 1 file", 0},
		{"YES\n", fixed, "fixed 1 finding in 1 file", 0},
		{"n\n", unfixed, "nothing was changed", 1},
		{"\n", unfixed, "nothing was changed", 1},
		{"yesterday\n", unfixed, "nothing was changed", 1},
	}
	for _, tt := range tests {
		dir := projectToFix(t)
		s, stdout, code := fixing(t, t.Context(), dir)
		if _, err := s.typed.WriteString(tt.answer); err != nil {
			t.Fatal(err)
		}
		if got := <-code; got != tt.code {
			t.Errorf("answer %q: exit code %d, want %d", tt.answer, got, tt.code)
		}
		text := s.end()
		if !strings.Contains(text, "\x1b[31m-backend = \"airflow") || !strings.Contains(text, tt.says) {
			t.Errorf("answer %q: the terminal shows %q", tt.answer, text)
		}
		if strings.Contains(stdout.String(), "\x1b") {
			t.Errorf("answer %q: colours in standard output, which is no terminal", tt.answer)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "airflow.cfg")); err != nil || string(got) != tt.file {
			t.Errorf("answer %q: airflow.cfg is %q, %v", tt.answer, got, err)
		}
	}
}

func TestFixRefusesWhatChangedMeanwhile(t *testing.T) {
	dir := projectToFix(t)
	s, _, code := fixing(t, t.Context(), dir)
	path := filepath.Join(dir, "airflow.cfg")
	if err := os.WriteFile(path, []byte("# another's work\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.typed.WriteString("y\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != exitFailed {
		t.Errorf("exit code %d, want %d", got, exitFailed)
	}
	if text := s.end(); !strings.Contains(text, "changing airflow.cfg: it has changed since it was read") {
		t.Errorf("the terminal shows %q", text)
	}
	if got, _ := os.ReadFile(path); string(got) != "# another's work\n" {
		t.Error("another's work is lost")
	}
}

func TestFixCanBeInterruptedAtTheQuestion(t *testing.T) {
	dir := projectToFix(t)
	ctx, cancel := context.WithCancel(t.Context())
	s, _, code := fixing(t, ctx, dir)
	cancel()
	select {
	case got := <-code:
		if got != exitFailed {
			t.Errorf("exit code %d, want %d", got, exitFailed)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for an answer still")
	}
	_, _ = s.typed.WriteString("\n") // for the read that waits
	if got, _ := os.ReadFile(filepath.Join(dir, "airflow.cfg")); string(got) != unfixed {
		t.Error("the file was changed")
	}
}
