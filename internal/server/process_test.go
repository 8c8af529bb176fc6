package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// serveIn is the folder in which the test binary, run by itself, is a daemon;
// serveBefore is the address of the Vault that it serves, where there is one.
const (
	serveIn     = "AIRLOCK_TEST_SERVE_IN"
	serveBefore = "AIRLOCK_TEST_SERVE_BEFORE"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(serveIn)
	if dir == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var backends []airlock.Source
	if at := os.Getenv(serveBefore); at != "" {
		backends = append(backends, openVault(at, "t"))
	}
	err := server.Run(ctx, server.Config{DataDir: dir, Dev: true, Listen: "127.0.0.1:0", Backends: backends,
		Ready: func(i server.Info) { fmt.Println(i.URL, i.Token) }})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is a daemon in a process of its own.
type process struct {
	*running
	cmd  *exec.Cmd
	done chan error
}

// spawn starts one; before may change how.
func spawn(t *testing.T, dir string, before func(*exec.Cmd)) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), done: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), serveIn+"="+dir)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // without a controlling terminal
	if before != nil {
		before(p.cmd)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	url, token, ok := strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || !ok || !strings.HasPrefix(url, "http") {
		t.Fatalf("the daemon says %q, %v", line, err)
	}
	p.running = &running{Info: server.Info{URL: url, Token: token}}
	go func() { p.done <- p.cmd.Wait() }()
	return p
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// ends waits for the process, which has to end as it does after SIGTERM.
func (p *process) ends(t *testing.T, dir string) {
	t.Helper()
	select {
	case err := <-p.done:
		if err != nil {
			t.Errorf("the daemon ends with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the daemon does not end")
	}
	if _, err := os.Lstat(filepath.Join(dir, "airlock.sock")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the daemon has left its socket: %v", err)
	}
}

// reopens moves the log away, sends SIGHUP and waits for another log.
func (p *process) reopens(t *testing.T, dir string) {
	t.Helper()
	log := filepath.Join(dir, audit.FileName)
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGHUP)
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Lstat(log); err == nil {
			break
		} else if time.Now().After(until) {
			t.Fatalf("no log appears: %v", err)
		}
	}
	p.want(t, "GET", "/-/ready", "", 200, "ready")
}

func TestSIGHUP(t *testing.T) {
	t.Run("without a terminal the log is opened again", func(t *testing.T) {
		dir := t.TempDir()
		p := spawn(t, dir, nil)
		p.reopens(t, dir)
		p.signal(t, syscall.SIGTERM)
		p.ends(t, dir)
	})
	onTerminal := func(t *testing.T) func(*exec.Cmd) {
		master, slave, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = errors.Join(slave.Close(), master.Close()) })
		return func(c *exec.Cmd) {
			c.Stdin = slave
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		}
	}
	t.Run("with one the daemon ends", func(t *testing.T) {
		hangup := make(chan os.Signal, 1) // or the daemon ignores it where the tests run under nohup
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
		dir := t.TempDir()
		p := spawn(t, dir, onTerminal(t))
		p.signal(t, syscall.SIGHUP)
		p.ends(t, dir)
	})
	t.Run("with one and nohup it goes on", func(t *testing.T) {
		dir, terminal := t.TempDir(), onTerminal(t)
		p := spawn(t, dir, func(c *exec.Cmd) {
			terminal(c)
			shell, err := exec.LookPath("sh")
			if err != nil {
				t.Fatal(err)
			}
			c.Args = []string{"sh", "-c", `trap "" HUP; exec "$0"`, c.Path}
			c.Path = shell
		})
		p.reopens(t, dir)
		p.signal(t, syscall.SIGTERM)
		p.ends(t, dir)
	})
}

// TestSIGTERMEndsWhatWaitsForABackend: the process ends with exit code 0, and
// no client is left without an answer.
func TestSIGTERMEndsWhatWaitsForABackend(t *testing.T) {
	at, connections := silent(t)
	dir := t.TempDir()
	p := spawn(t, dir, func(c *exec.Cmd) { c.Env = append(c.Env, serveBefore+"="+at) })
	const clients = 8
	answered := make(chan int, clients)
	for i := range clients {
		go func() {
			status, _, _ := p.get(t, fmt.Sprint("k", i))
			answered <- status
		}()
	}
	for connections.Load() < clients {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	p.signal(t, syscall.SIGTERM)
	p.ends(t, dir)
	if took := time.Since(began); took > server.DefaultTimeout/2 {
		t.Errorf("the stop took %v: it waited for the backend", took)
	}
	for range clients {
		if status := <-answered; status != http.StatusGatewayTimeout {
			t.Errorf("a client got %d, want 504", status)
		}
	}
}

// TestKillNineLeavesNoVersionWithoutItsIntent kills the daemon while clients
// and commands write.
func TestKillNineLeavesNoVersionWithoutItsIntent(t *testing.T) {
	dir := t.TempDir()
	acknowledged := 0
	for range 10 {
		p := spawn(t, dir, nil)
		acknowledged += p.writeUntilKilled(t, dir, 1+rand.Int64N(60))
		<-p.done
	}
	intents := intentsIn(t, filepath.Join(dir, audit.FileName))
	versions := int64(0)
	db, err := sqlstore.Open(t.Context(), sqlstore.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for namespace, prefix := range map[string]string{sqlstore.DefaultNamespace: "variable//", sqlstore.SystemNamespace: "client/"} {
		s := db.Namespace(namespace)
		names, err := s.List(t.Context(), "")
		if err != nil || len(names) == 0 {
			t.Fatalf("%s has %q, %v", namespace, names, err)
		}
		for _, name := range names {
			r, err := s.Record(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if got := intents[strings.TrimPrefix(name, prefix)]; got < r.Latest {
				t.Errorf("%s has %d versions and %d intents", name, r.Latest, got)
			}
			versions += r.Latest
		}
	}
	if versions < int64(acknowledged) || acknowledged == 0 {
		t.Errorf("%d versions are stored, and %d writes were acknowledged", versions, acknowledged)
	}
	t.Logf("%d versions, %d acknowledged writes", versions, acknowledged)
}

// writeUntilKilled has three clients and a command write, kills the daemon
// after so many acknowledged writes, and returns their number.
func (p *process) writeUntilKilled(t *testing.T, dir string, kill int64) int {
	t.Helper()
	var acknowledged atomic.Int64
	count := func() {
		if acknowledged.Add(1) == kill {
			p.signal(t, syscall.SIGKILL) // the others go on: any moment of theirs
		}
	}
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			for {
				q, err := http.NewRequest("POST", fmt.Sprintf("%s/v1/secret/data/variables/k%d", p.URL, i), strings.NewReader(`{"data":{"value":"v"}}`))
				if err != nil {
					t.Error(err)
					return
				}
				q.Header.Set("X-Vault-Token", p.Token)
				res, err := http.DefaultClient.Do(q)
				if err != nil {
					return // killed
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("status %d", res.StatusCode)
					return
				}
				count()
			}
		})
	}
	wg.Go(func() {
		c, err := control.Dial(t.Context(), dir)
		if err != nil {
			return // killed already
		}
		defer c.Close()
		for {
			if _, err := c.Namespace(control.DefaultNamespace).Put(t.Context(), "variable//command", &store.Secret{Payload: []byte("v")}, nil); err != nil {
				return
			}
			count()
		}
	})
	wg.Wait()
	return int(acknowledged.Load())
}

// intentsIn counts the intents of writes by name.
func intentsIn(t *testing.T, path string) map[string]int64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	intents := map[string]int64{}
	for line := range strings.Lines(string(b)) {
		var e struct{ Action, Name, Outcome string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if e.Action == "write" && e.Outcome == audit.Intended {
			intents[e.Name]++
		}
	}
	return intents
}
