package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lockedBuffer gathers what a running process writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// daemon is a running `airlock serve`.
type daemon struct {
	addr           string // "http://127.0.0.1:PORT"
	dir            string // the folder it runs in
	stdout, stderr lockedBuffer

	cmd    *exec.Cmd
	exited chan struct{}
}

// freeAddress returns a loopback address that nothing listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serve starts a daemon in the program's folder and waits until it is ready.
// It is stopped when the test ends, and all it wrote searched for secrets.
func serve(t testing.TB, p program, flags ...string) *daemon {
	t.Helper()
	return serveAt(t, p, freeAddress(t), flags...)
}

func serveAt(t testing.TB, p program, addr string, flags ...string) *daemon {
	t.Helper()
	d := &daemon{addr: "http://" + addr, dir: p.dir, exited: make(chan struct{})}
	d.cmd = p.command(t, t.Context(), append([]string{"serve", "--listen", addr}, flags...)...)
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, &d.stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = d.cmd.Wait(); close(d.exited) }()
	t.Cleanup(func() {
		d.stop(t)
		if d.showsSecret() {
			t.Errorf("the daemon showed a secret:\n%s", d.log())
		}
	})
	d.waitReady(t)
	return d
}

func (d *daemon) waitReady(t testing.TB) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		if res, err := http.Get(d.addr + "/-/ready"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-d.exited:
			t.Fatalf("serve ended before it was ready:\n%s", d.log())
		case <-deadline:
			t.Fatalf("serve is not ready after 30 s:\n%s", d.log())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stop ends the daemon the way an operator does and waits for it.
func (d *daemon) stop(t testing.TB) {
	t.Helper()
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.exited:
	case <-time.After(30 * time.Second):
		t.Errorf("serve does not end within 30 s of SIGTERM:\n%s", d.log())
		d.kill()
	}
}

// kill ends the daemon as a power cut would.
func (d *daemon) kill() {
	_ = d.cmd.Process.Kill()
	<-d.exited
}

func (d *daemon) log() string { return masked(d.stdout.String() + d.stderr.String()) }

func (d *daemon) showsSecret() bool {
	return strings.Contains(d.stdout.String()+d.stderr.String(), canary)
}

// printed returns the environment variables that `serve --dev` tells the
// reader to paste, as a shell that they are pasted into exports them.
func (d *daemon) printed(t testing.TB) []string {
	t.Helper()
	// The lines follow the first good answer by a moment.
	lines := d.pasteLines()
	for deadline := time.Now().Add(10 * time.Second); len(lines) < 2 && time.Now().Before(deadline); lines = d.pasteLines() {
		time.Sleep(time.Millisecond)
	}
	if len(lines) != 2 {
		t.Fatalf("serve prints %d AIRFLOW__SECRETS__ lines, want two:\n%s", len(lines), d.log())
	}
	shell := program{path: "/bin/sh"}
	var env []string
	for _, line := range lines {
		name, _, _ := strings.Cut(line, "=")
		env = append(env, name+"="+shell.ok(t, "-c", line+"\nprintf '%s\\n' \"$"+name+"\""))
	}
	return env
}

// pasteLines are the whole lines of standard output that set a variable.
func (d *daemon) pasteLines() []string {
	var lines []string
	for line := range strings.Lines(d.stdout.String()) {
		line = strings.TrimPrefix(line, "export ")
		if strings.HasPrefix(line, "AIRFLOW__SECRETS__") && strings.HasSuffix(line, "\n") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// request sends one HTTP request and returns the status and the body.
func (d *daemon) request(t testing.TB, method, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, d.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Vault-Token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return res.StatusCode, string(b)
}

// noSecretAtRest fails the test where a file below dir holds a planted secret
// in the clear, or can be read by others.
func noSecretAtRest(t testing.TB, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o, want nothing for group and others", d.Name(), mode)
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		files++
		b, err := os.ReadFile(path)
		if err == nil && bytes.Contains(b, []byte(canary)) {
			t.Errorf("%s holds a secret in the clear", d.Name())
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("searching %s: %d files, %v", filepath.Base(dir), files, err)
	}
}

// claim fails the test with a masked message unless ok.
func claim(t testing.TB, ok bool, format string, args ...any) {
	t.Helper()
	if !ok {
		t.Error(masked(fmt.Sprintf(format, args...)))
	}
}

// serveDev is what a person starts first: the embedded store alone, in a new
// folder.
func serveDev(t testing.TB) *daemon {
	t.Helper()
	return serve(t, airlockIn(t.TempDir()), "--dev")
}

// serveInFront is a daemon whose backend is an OpenBao, behind the guide's
// AppRole.
func serveInFront(t testing.TB, v *vault) *daemon {
	t.Helper()
	return serve(t, airlockIn(t.TempDir(), v.settings()...), "--dev")
}

// token is the development client's, out of the settings that were printed.
func (d *daemon) token(t testing.TB) string {
	t.Helper()
	var kwargs struct {
		Token string `json:"token"`
	}
	_, text, _ := strings.Cut(d.printed(t)[1], "=")
	if err := json.Unmarshal([]byte(text), &kwargs); err != nil || kwargs.Token == "" {
		t.Fatalf("the printed kwargs have no token (%v):\n%s", err, d.log())
	}
	return kwargs.Token
}

// addAppRole makes a client that logs in with an AppRole, and returns its role
// id and secret id as the command prints them.
func (d *daemon) addAppRole(t testing.TB, name string) (roleID, secretID string) {
	t.Helper()
	credentials := map[string]string{}
	for line := range strings.Lines(airlockIn(d.dir).ok(t, "client", "add", name, "--approle")) {
		if word, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			credentials[word] = value
		}
	}
	return credentials["role_id"], credentials["secret_id"]
}
