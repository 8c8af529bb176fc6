package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// running is a daemon under test.
type running struct {
	server.Info
	stop func() error
}

// start runs a daemon until the test ends or stop is called.
func start(t *testing.T, c server.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan server.Info, 1), make(chan error, 1)
	c.Ready = func(i server.Info) { ready <- i }
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	go func() { done <- server.Run(ctx, c) }()
	r := &running{}
	var stopped bool
	r.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	select {
	case r.Info = <-ready:
	case err := <-done:
		stopped = true
		t.Fatalf("Run: %v", err)
	}
	return r
}

// request sends one request of a Vault client and returns the status and body.
func (r *running) request(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	q, err := http.NewRequest(method, r.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Vault-Token", r.Token)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (r *running) want(t *testing.T, method, path, body string, status int, contains string) {
	t.Helper()
	got, text := r.request(t, method, path, body)
	if got != status || !strings.Contains(text, contains) {
		t.Errorf("%s %s: status %d, %s\nwant %d and %q", method, path, got, text, status, contains)
	}
}

// refused runs a daemon that must not start.
func refused(t *testing.T, c server.Config, code store.Code, words ...string) {
	t.Helper()
	c.Ready = func(server.Info) { t.Error("it was ready") }
	err := server.Run(t.Context(), c)
	if store.CodeOf(err) != code {
		t.Fatalf("Run: error %v, want code %q", err, code)
	}
	for _, w := range words {
		if !strings.Contains(err.Error()+"\n"+store.Hint(err), w) {
			t.Errorf("error %v, hint %q: want %q in them", err, store.Hint(err), w)
		}
	}
}

func TestDevelopment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, server.Config{DataDir: dir, Dev: true})
	r.want(t, "GET", "/-/healthy", "", 200, "healthy")
	r.want(t, "GET", "/-/ready", "", 200, "ready")
	r.want(t, "POST", "/v1/secret/data/variables/k", `{"data": {"value": "CANARY-server"}}`, 200, `"version":1`)
	r.want(t, "GET", "/v1/secret/data/variables/k", "", 200, `"value":"CANARY-server"`)

	t.Run("a second daemon on the folder is refused by name", func(t *testing.T) {
		refused(t, server.Config{DataDir: dir, Listen: "127.0.0.1:0"}, store.Unavailable, dir, "--data-dir")
	})
	t.Run("a taken address is refused by name", func(t *testing.T) {
		u, _ := url.Parse(r.URL)
		refused(t, server.Config{DataDir: t.TempDir(), Listen: u.Host}, store.Unavailable, u.Host, "--listen")
	})
	t.Run("commands reach the store through the socket", func(t *testing.T) {
		c, err := control.Dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := c.Namespace(control.DefaultNamespace).Get(t.Context(), "variable//k")
		if err != nil || !strings.Contains(string(s.Payload), "CANARY-server") {
			t.Errorf("Get through the socket = %v, %v", s, err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "audit.log"))
		if n := strings.Count(string(b), `"kind":"variable","name":"k"`); err != nil || n != 4 {
			t.Errorf("%d lines of the variable in %s, %v, want two of a write and one each of a read and a command", n, b, err)
		}
	})

	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := start(t, server.Config{DataDir: dir, Dev: true})
	if again.Token != r.Token {
		t.Error("a second start has another development token")
	}
	again.want(t, "GET", "/v1/secret/data/variables/k", "", 200, "CANARY-server")
	private(t, dir)
}

func TestATokenThatOthersMayHaveReadIsReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "dev-token")
	last := ""
	for name, change := range map[string]func() error{
		"a file that others can read": func() error { return os.Chmod(path, 0o644) },
		"a link": func() error {
			return errors.Join(os.Rename(path, path+".old"), os.Symlink(path+".old", path))
		},
		"a pipe": func() error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, server.Config{DataDir: dir, Dev: true})
			old := r.Token
			if err := errors.Join(r.stop(), change()); err != nil {
				t.Fatal(err)
			}
			r = start(t, server.Config{DataDir: dir, Dev: true})
			if r.Token == old || r.Token == last {
				t.Error("the old token is used again")
			}
			last = r.Token
			info, err := os.Lstat(path)
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("the file has mode %v, %v, want 0600", info.Mode(), err)
			}
		})
	}
}

// private checks modes, and that no file but the encrypted database and the
// development token could hold a secret.
func private(t *testing.T, dir string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
		if info.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if strings.Contains(string(b), "CANARY-server") {
				t.Errorf("%s holds a value in the clear", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAddressesBeyondThisMachine(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0"} {
		refused(t, server.Config{DataDir: t.TempDir(), Listen: address}, store.Invalid, "in the clear", "--plain-http")
	}
	refused(t, server.Config{DataDir: t.TempDir(), Listen: "8477"}, store.Invalid, "HOST:PORT")
}

// remote is a store that is asked over the network.
type remote struct {
	*memstore.Store
	at string
}

func (r remote) Endpoint() *url.URL { u, _ := url.Parse(r.at); return u }

func backend(s store.Store) airlock.Source {
	return airlock.Source{Layer: airlock.LayerBackend, Class: "test.Backend", Store: s, Dialect: dialect.Native{}}
}

func TestABackendThatLeadsBackIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	for _, host := range []string{"127.0.0.1", "localhost", "127.0.0.2", "host.docker.internal", "0.0.0.0"} {
		at := "http://" + net.JoinHostPort(host, port)
		s := remote{memstore.New("memory"), at}
		refused(t, server.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:" + port, Backends: []airlock.Source{backend(s)}},
			store.Invalid, host, "--no-backend")
	}
	// A backend of the table, behind what cleans its errors.
	refused(t, server.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:" + port, Backends: []airlock.Source{vault(t, "http://127.0.0.1:"+port, "t")}},
		store.Invalid, "127.0.0.1", "--no-backend")
	s := remote{memstore.New("memory"), "http://127.0.0.1:1"}
	start(t, server.Config{DataDir: t.TempDir(), Backends: []airlock.Source{backend(s)}})
}

func TestABackendAnswersBeforeTheEmbeddedStore(t *testing.T) {
	up := memstore.New("upstream")
	if _, err := up.Put(t.Context(), "variable//both", &store.Secret{Payload: []byte("above")}, nil); err != nil {
		t.Fatal(err)
	}
	r := start(t, server.Config{DataDir: t.TempDir(), Dev: true, Backends: []airlock.Source{backend(up)}})
	r.want(t, "GET", "/v1/secret/data/variables/both", "", 200, `"value":"above"`)
	if status, text := r.request(t, "POST", "/v1/secret/data/variables/both", `{"data": {"value": "x"}}`); status < 400 || !strings.Contains(text, "test.Backend") {
		t.Errorf("writing what a backend hides: status %d, %s\nwant a refusal that names the backend", status, text)
	}
	r.want(t, "POST", "/v1/secret/data/variables/own", `{"data": {"value": "y"}}`, 200, `"version":1`)
	r.want(t, "GET", "/v1/secret/data/variables/own", "", 200, `"value":"y"`)
}

func TestABrokenBackendKeepsTheDaemonFromStarting(t *testing.T) {
	src := backend(nil)
	src.Err = &store.Error{Op: "load", Code: store.Invalid, Err: errors.New("no such class")}
	refused(t, server.Config{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Backends: []airlock.Source{src}}, store.Invalid, "no such class")
}
