package control_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// serve runs a daemon's socket in dir until the test ends.
func serve(t *testing.T, dir string, s store.Store, hooks control.Hooks) *control.Server {
	t.Helper()
	server, err := control.Listen(dir, map[string]store.Store{control.DefaultNamespace: s}, hooks)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve() }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return server
}

func dial(t *testing.T, dir string) *control.Remote {
	t.Helper()
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Namespace(control.DefaultNamespace)
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		dir := t.TempDir()
		serve(t, dir, memstore.New("memory"), control.Hooks{})
		return storetest.Harness{Store: dial(t, dir)}
	})
}

func TestSocketIsForItsOwner(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, memstore.New("memory"), control.Hooks{})
	info, err := os.Stat(filepath.Join(dir, "airlock.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %04o, want 0600", info.Mode().Perm())
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v, want the socket alone", entries, err)
	}
}

// TestLongFolderPath is what happens in a deep project on macOS.
func TestLongFolderPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	inner := memstore.New("memory")
	server := serve(t, dir, inner, control.Hooks{})
	note, err := os.Stat(filepath.Join(dir, "airlock.sock.path"))
	if err != nil || note.Mode().Perm() != 0o600 {
		t.Fatalf("the note of the socket's path: %v, %v", note, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "airlock.sock.path"))
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimSpace(string(b))
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want mode %04o", name, info, err, want)
		}
	}
	r := dial(t, dir)
	if _, err := r.Put(t.Context(), "x", &store.Secret{Payload: []byte("v")}, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := inner.Get(t.Context(), "x"); err != nil || string(got.Payload) != "v" {
		t.Errorf("the daemon's store has %v, %v", got, err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket's folder is still there: %v", err)
	}
	wantNoDaemon(t, dir)
}

func wantNoDaemon(t *testing.T, dir string) {
	t.Helper()
	_, err := control.Dial(t.Context(), dir)
	if !errors.Is(err, control.ErrNoDaemon) || store.CodeOf(err) != store.Unavailable || store.Hint(err) == "" {
		t.Errorf("Dial: %v, want ErrNoDaemon, Unavailable and a hint", err)
	}
}

func TestNoDaemon(t *testing.T) {
	wantNoDaemon(t, t.TempDir())
	wantNoDaemon(t, filepath.Join(t.TempDir(), "missing"))
}

func TestDeadDaemonsSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "airlock.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as kill -9 leaves it
	l.Close()
	wantNoDaemon(t, dir)
	serve(t, dir, memstore.New("memory"), control.Hooks{})
	if err := dial(t, dir).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func TestLivingDaemonIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, memstore.New("memory"), control.Hooks{})
	if _, err := control.Listen(dir, nil, control.Hooks{}); store.CodeOf(err) != store.Unavailable || store.Hint(err) == "" {
		t.Errorf("a second Listen: %v, want unavailable with a hint", err)
	}
	if err := dial(t, dir).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

func TestFileInTheWayIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "airlock.sock")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(dir, nil, control.Hooks{}); err == nil {
		t.Error("Listen succeeded")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "text" {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

func TestWhatReachesNoStoreIsHeardOf(t *testing.T) {
	dir := t.TempDir()
	var heard []string
	serve(t, dir, memstore.New("memory"), control.Hooks{Refused: func(op string, err error) error {
		heard = append(heard, op+": "+string(store.CodeOf(err)))
		return nil
	}})
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Namespace("other").Get(t.Context(), "x")
	if store.CodeOf(err) != store.NotFound {
		t.Errorf("Get in a namespace that is not there: %v", err)
	}
	unix := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "airlock.sock"))
	}}}
	defer unix.CloseIdleConnections()
	for _, q := range [][3]string{{"POST", "/v1/fly", `{"namespace":"default"}`}, {"POST", "/v1/get", "CANARY-body"}, {"GET", "/v1/get", ""}, {"POST", "/elsewhere", "{}"}} {
		r, err := http.NewRequest(q[0], "http://airlock"+q[1], strings.NewReader(q[2]))
		if err != nil {
			t.Fatal(err)
		}
		res, err := unix.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	want := []string{"get: not found", "fly: unsupported", "request: invalid", "request: invalid", "request: invalid"}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

func TestDeadDaemonsSocketElsewhereIsReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	short, err := os.MkdirTemp("", "airlock-")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(short, "airlock.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "airlock.sock.path"), []byte(path+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantNoDaemon(t, dir)
	serve(t, dir, memstore.New("memory"), control.Hooks{})
	if err := dial(t, dir).Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	if _, err := os.Stat(short); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the dead daemon's folder is still there: %v", err)
	}
}

// broken is a store that fails in every way a store may.
type broken struct {
	store.Store
	err error
}

func (b broken) Get(context.Context, string) (*store.Secret, error) { return nil, b.err }

func TestErrorsKeepTheirCode(t *testing.T) {
	for _, code := range []store.Code{
		store.NotFound, store.Denied, store.Unauthenticated, store.Invalid, store.Throttled,
		store.Unavailable, store.Unsupported, store.Corrupt, store.Conflict,
	} {
		want := &store.Error{Op: "get", Store: "somewhere", Name: "x\xff", Code: code, Hint: "do this", Err: errors.New("the cause")}
		dir := t.TempDir()
		serve(t, dir, broken{memstore.New("memory"), want}, control.Hooks{})
		_, err := dial(t, dir).Get(t.Context(), "x\xff")
		if store.CodeOf(err) != code || err.Error() != want.Error() || store.Hint(err) != want.Hint {
			t.Errorf("%v (hint %q) became %v (hint %q)", want, want.Hint, err, store.Hint(err))
		}
	}
}

// readOnly hides the optional interfaces of a store.
type readOnly struct{ store.Store }

func TestWhatTheStoreCannotDoIsUnsupported(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, readOnly{memstore.New("memory")}, control.Hooks{})
	r := dial(t, dir)
	ctx := t.Context()
	_, listErr := r.List(ctx, "")
	_, putErr := r.Put(ctx, "x", &store.Secret{}, nil)
	_, recordErr := r.Record(ctx, "x")
	for what, err := range map[string]error{
		"List": listErr, "Put": putErr, "Record": recordErr, "Delete": r.Delete(ctx, "x"), "Hide": r.Hide(ctx, "x", "cli"),
	} {
		if !errors.Is(err, store.ErrUnsupported) {
			t.Errorf("%s: %v, want unsupported", what, err)
		}
	}
	if err := r.Check(ctx); err != nil {
		t.Errorf("Check: %v", err)
	}
	if got := r.Locate("x"); got != "x" {
		t.Errorf("Locate = %q", got)
	}
}

func TestUnknownNamespace(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, memstore.New("memory"), control.Hooks{})
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Namespace("other").Get(t.Context(), "x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: %v, want not found", err)
	}
}

func TestOversizedRequestIsRefused(t *testing.T) {
	dir := t.TempDir()
	inner := memstore.New("memory")
	serve(t, dir, inner, control.Hooks{})
	_, err := dial(t, dir).Put(t.Context(), "x", &store.Secret{Payload: make([]byte, 4<<20)}, nil)
	if store.CodeOf(err) != store.Invalid {
		t.Errorf("Put: %v, want invalid", err)
	}
	if _, err := inner.Get(t.Context(), "x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the store has it: %v", err)
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	dir := t.TempDir()
	serve(t, dir, memstore.New("memory"), control.Hooks{})
	c := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, "airlock.sock"))
		},
	}}
	for _, q := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/v1/get", "", 404},
		{"POST", "/", "{}", 404},
		{"POST", "/v1/get", "", 400},
		{"POST", "/v1/get", "[]", 400},
		{"POST", "/v1/get", `{"unknown": 1}`, 400},
		{"POST", "/v1/put", `{"name": "eA==", "secret": {"payload": "` + strings.Repeat("A", 5<<20) + `"}}`, 400},
		{"POST", "/v1/nonsense", `{"namespace": "default"}`, 200},
	} {
		r, err := http.NewRequest(q.method, "http://airlock"+q.path, strings.NewReader(q.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(r)
		if err != nil {
			t.Errorf("%s %s: %v", q.method, q.path, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode != q.status {
			t.Errorf("%s %s %.20s: status %d, want %d", q.method, q.path, q.body, res.StatusCode, q.status)
		}
	}
}
