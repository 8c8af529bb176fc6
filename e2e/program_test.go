package e2e

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

// canary marks every planted secret; `make test` searches its whole output
// for it.
const canary = "CANARY-"

// secret returns a new value to plant.
func secret(t testing.TB) string {
	t.Helper()
	b := make([]byte, 12)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return canary + hex.EncodeToString(b)
}

// digest is how a test and an Airflow task compare a value without showing it.
func digest(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// masked is text that may be shown in a failure: planted secrets taken out.
func masked(text string) string {
	parts := strings.Split(text, canary)
	for i := range parts[1:] {
		rest := strings.TrimLeft(parts[i+1], "0123456789abcdef")
		parts[i+1] = "(secret)" + rest
	}
	return strings.Join(parts, "")
}

// program is a command line with its surroundings. Its environment is what
// the test gives it, PATH and a home folder of its own: nothing of the
// machine's settings reaches it.
type program struct {
	path  string
	dir   string
	env   []string
	stdin string
	// reveals says that the answer on standard output may hold a secret.
	reveals bool
	// patience is how long it may run; 0: two minutes.
	patience time.Duration
}

// result is what a program said. Its text may hold secrets when the program
// reveals: show it through masked only.
type result struct {
	args           []string
	stdout, stderr string
	code           int
}

func (p program) with(env ...string) program {
	p.env = append(append([]string{}, p.env...), env...)
	return p
}

func (p program) in(dir string) program {
	p.dir = dir
	return p
}

func (p program) revealing() program {
	p.reveals = true
	return p
}

func (p program) reading(stdin string) program {
	p.stdin = stdin
	return p
}

// airlockIn is the built binary, run in a folder.
func airlockIn(dir string, env ...string) program {
	return program{path: binary, dir: dir, env: env}
}

// tool is a program that make tools installs.
func tool(t testing.TB, name string) program {
	t.Helper()
	return program{path: baotest.Tool(t, name)}
}

func (p program) command(t testing.TB, ctx context.Context, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, p.path, args...)
	cmd.Dir = p.dir
	if cmd.Dir == "" {
		cmd.Dir = t.TempDir()
	}
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir}, p.env...)
	if p.stdin != "" {
		cmd.Stdin = strings.NewReader(p.stdin)
	}
	return cmd
}

// run runs the program to its end and fails the test where it shows a secret
// that nobody asked for.
func (p program) run(t testing.TB, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(p.patience, 2*time.Minute))
	defer cancel()
	cmd := p.command(t, ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %s: %v", masked(cmd.String()), err)
	}
	r := result{args: args, stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
	if strings.Contains(r.stderr, canary) || !p.reveals && strings.Contains(r.stdout, canary) {
		t.Errorf("a secret was shown:\n%s", r)
	}
	if strings.Contains(r.stderr, "panic: ") {
		t.Errorf("it panicked:\n%s", r)
	}
	return r
}

// ok is run that fails the test unless the program succeeds; it returns its
// standard output without the last newline.
func (p program) ok(t testing.TB, args ...string) string {
	t.Helper()
	r := p.run(t, args...)
	if r.code != 0 {
		t.Fatalf("it failed:\n%s", r)
	}
	return strings.TrimSuffix(r.stdout, "\n")
}

// fails is run that fails the test unless the program exits with code and its
// standard error holds every one of the texts.
func (p program) fails(t testing.TB, code int, texts []string, args ...string) result {
	t.Helper()
	r := p.run(t, args...)
	if r.code != code {
		t.Errorf("it exits with %d, want %d:\n%s", r.code, code, r)
	}
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("standard error does not say %q:\n%s", text, r)
		}
	}
	return r
}

// String shows the run with its secrets masked and what is endless cut.
func (r result) String() string {
	var b strings.Builder
	for _, arg := range r.args {
		b.WriteString(" " + cut(masked(arg), 200))
	}
	return "arguments:" + b.String() + "\nstandard output:\n" + cut(masked(r.stdout), 2000) + "\nstandard error:\n" + cut(masked(r.stderr), 2000)
}

// cut is text whose middle is left out where it is longer than n bytes. What
// matters in a log is at its end.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return text[:n/4] + " [...] " + text[len(text)-n*3/4:]
}
