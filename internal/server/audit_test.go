package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
)

// changes are all requests of the Vault facade that change something. They can
// be made one after the other.
var changes = []struct{ method, path, body string }{
	{"POST", "secret/data/variables/k", `{"data":{"value":"CANARY-changed"}}`},
	{"PUT", "secret/data/plain", `{"data":{"a":"b"}}`},
	{"PATCH", "secret/data/variables/k", `{"data":{"note":"n"}}`},
	{"DELETE", "secret/data/variables/k", ""},
	{"POST", "secret/undelete/variables/k", `{"versions":[4]}`},
	{"POST", "secret/delete/variables/k", `{"versions":[2]}`},
	{"PUT", "secret/undelete/variables/k", `{"versions":[2]}`},
	{"PUT", "secret/destroy/variables/k", `{"versions":[1]}`},
	{"POST", "secret/metadata/variables/k", `{"max_versions":7}`},
	{"PUT", "secret/metadata/variables/fresh", `{"cas_required":true}`},
	{"PATCH", "secret/metadata/variables/k", `{"custom_metadata":{"a":"b"}}`},
	{"POST", "kv/connections/c", `{"conn_uri":"http://h"}`},
	{"DELETE", "kv/connections/c", ""},
	{"DELETE", "secret/metadata/variables/k", ""},
}

// change sends one request and returns its status.
func (r *running) change(t *testing.T, method, path, body string) int {
	t.Helper()
	q, err := http.NewRequest(method, r.URL+"/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Vault-Token", r.Token)
	if method == "PATCH" {
		q.Header.Set("Content-Type", "application/merge-patch+json")
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

// blocked puts a folder where the log of a data folder is: no line can be
// written until the returned function is called.
func blocked(t *testing.T, dir string) (unblock func()) {
	t.Helper()
	path := filepath.Join(dir, audit.FileName)
	if err := errors.Join(os.Rename(path, path+".moved"), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// commands are all calls of a command that change something.
func commands(ctx context.Context, secrets, clients *control.Remote) map[string]func() error {
	text := &store.Secret{Payload: []byte("CANARY-command")}
	return map[string]func() error{
		"put":            func() error { _, err := secrets.Put(ctx, "variable//k", text, nil); return err },
		"delete":         func() error { return secrets.Delete(ctx, "variable//k") },
		"hide":           func() error { return secrets.Hide(ctx, "variable//k", "cli", 1) },
		"restore":        func() error { return secrets.Restore(ctx, "variable//k", "vault", 1) },
		"destroy":        func() error { return secrets.Destroy(ctx, "variable//k", 1) },
		"set-attributes": func() error { return secrets.SetAttributes(ctx, "variable//k", "cli", map[string]string{"a": "b"}) },
		"client add":     func() error { _, err := clients.Put(ctx, "client/other", text, nil); return err },
		"client rotate":  func() error { _, err := clients.Put(ctx, "client/dev", text, nil); return err },
		"client revoke":  func() error { return clients.Delete(ctx, "client/other") },
	}
}

func TestWithoutALineNothingIsChanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, server.Config{DataDir: dir, Dev: true})
	for range 2 {
		r.want(t, "POST", "/v1/secret/data/variables/k", `{"data":{"value":"old"}}`, 200, "")
	}
	r.want(t, "POST", "/v1/secret/delete/variables/k", `{"versions":[1]}`, 204, "")
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before := servertest.Dump(t, dir)
	unblock := blocked(t, dir)
	for _, q := range changes {
		if status := r.change(t, q.method, q.path, q.body); status != http.StatusServiceUnavailable {
			t.Errorf("%s %s: status %d, want 503", q.method, q.path, status)
		}
	}
	for what, do := range commands(t.Context(), c.Namespace("default"), c.Namespace("system")) {
		if err := do(); store.CodeOf(err) != store.Unavailable || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%s: %v, want Unavailable", what, err)
		}
	}
	if after := servertest.Dump(t, dir); after != before {
		t.Errorf("the database was\n%s\nand is\n%s", before, after)
	}
	unblock()
	for _, q := range changes {
		before := servertest.Dump(t, dir)
		if status := r.change(t, q.method, q.path, q.body); status >= 300 || servertest.Dump(t, dir) == before {
			t.Errorf("%s %s: status %d, want a change", q.method, q.path, status)
		}
	}
	wantPairs(t, filepath.Join(dir, audit.FileName), len(changes))
}

// wantPairs reads a log and wants so many changes, each with its intent and
// then its outcome.
func wantPairs(t *testing.T, path string, n int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	open, settled := map[string]string{}, 0
	for line := range strings.Lines(string(b)) {
		var e struct{ Request, Action, Outcome string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Outcome == audit.Intended {
			open[e.Request] = e.Action
		} else if open[e.Request] == e.Action && e.Action != "" {
			delete(open, e.Request)
			settled++
		}
	}
	if settled != n || len(open) != 0 {
		t.Errorf("%d changes have both lines, want %d; intents without an outcome: %v", settled, n, open)
	}
	if strings.Contains(string(b), "CANARY-") {
		t.Error("the log holds a value")
	}
}

func TestWhatIsNoFacadesIsCounted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, server.Config{DataDir: dir})
	asked := int64(0)
	for _, q := range []string{"GET /-/healthy", "GET /-/ready", "POST /-/ready", "GET /", "GET /v1", "GET //v1/x", "GET /../x", "FLY /x", "OPTIONS *",
		"GET /v1/sys/health", "GET /v1/secret/data/x", "HEAD /v1/secret/data/x"} {
		method, path, _ := strings.Cut(q, " ")
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, method+" "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 ") {
			t.Errorf("%s: %q, %v", q, answer, err)
		}
		conn.Close()
		asked++
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, audit.FileName))
	if err != nil {
		t.Fatal(err)
	}
	counted := int64(0)
	for line := range strings.Lines(string(b)) {
		var e struct{ Count int64 }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		counted += e.Count
	}
	if counted != asked {
		t.Errorf("%d requests were counted, want %d:\n%s", counted, asked, b)
	}
}
