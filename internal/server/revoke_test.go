package server_test

import (
	"context"
	"database/sql"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/store"
)

// tenant makes a client by way of the socket and returns its token.
func tenant(t *testing.T, clients *control.Remote, name string) string {
	t.Helper()
	r, err := client.Open(t.Context(), clients, nil)
	if err != nil {
		t.Fatal(err)
	}
	creds, err := r.Create(t.Context(), client.Spec{Name: name, Deployment: server.Deployment, Rules: []acl.Rule{{Actions: acl.Actions()}}})
	if err != nil {
		t.Fatal(err)
	}
	return creds.Token
}

// socket is the store of the clients, as commands reach it.
func socket(t *testing.T, dir string) *control.Remote {
	t.Helper()
	c, err := control.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Namespace("system")
}

// as sends one request with a token and returns its status.
func (r *running) as(t *testing.T, token, method, path, body string) int {
	t.Helper()
	return (&running{Info: server.Info{URL: r.URL, Token: token}}).change(t, method, path, body)
}

func TestRevocationDoesNotWaitForTheDatabase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, server.Config{DataDir: dir, Dev: true})
	clients := socket(t, dir)
	token := tenant(t, clients, "bad")
	r.want(t, "POST", "/v1/secret/data/variables/k", `{"data":{"value":"v"}}`, 200, "")
	if got := r.as(t, token, "GET", "secret/data/variables/k", ""); got != 200 {
		t.Fatalf("before: status %d", got)
	}
	held, err := sql.Open("sqlite", filepath.Join(dir, "airlock.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	held.SetMaxOpenConns(1)
	if _, err := held.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err = client.Revoke(t.Context(), clients, "bad")
	if store.CodeOf(err) != store.Unavailable || store.Hint(err) == "" {
		t.Errorf("Revoke: %v, want Unavailable with a hint", err)
	}
	if got := r.as(t, token, "GET", "secret/data/variables/k", ""); got != http.StatusForbidden {
		t.Errorf("after: status %d, want that the token is refused", got)
	}
	if err := clients.Suspend(t.Context(), "bad"); err != nil { // as the command asks
		t.Errorf("Suspend: %v", err)
	}
	if _, err := held.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := client.Revoke(t.Context(), clients, "bad"); err != nil && store.CodeOf(err) != store.NotFound {
		t.Errorf("Revoke again: %v", err)
	}
	if got := r.as(t, token, "GET", "secret/data/variables/k", ""); got != http.StatusForbidden {
		t.Errorf("in the end: status %d", got)
	}
	if names, err := store.List(t.Context(), clients, "client/bad"); err != nil || len(names) != 0 {
		t.Errorf("the store still has %q, %v", names, err)
	}
	if again := tenant(t, clients, "bad"); r.as(t, again, "GET", "secret/data/variables/k", "") != 200 {
		t.Error("a client of the same name is refused")
	}
}

func TestATenantsLoadDoesNotKeepItsRevocationUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	r := start(t, server.Config{DataDir: dir, Dev: true})
	clients := socket(t, dir)
	token := tenant(t, clients, "bad")
	r.want(t, "POST", "/v1/secret/metadata/variables/k", `{"max_versions":200}`, 204, "")
	for range 100 {
		r.want(t, "POST", "/v1/secret/data/variables/k", `{"data":{"value":"v"}}`, 200, "")
	}
	every := make([]string, 100)
	for i := range every {
		every[i] = strconv.Itoa(i + 1)
	}
	bodies := []string{`{"versions":[` + strings.Join(every, ",") + `]}`, `{"versions":[` + strings.Repeat("1,", 1<<19-20) + `1]}`}
	ctx, stop := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	changed := make(chan int, 1)
	for i := range 8 {
		loops.Go(func() {
			for ctx.Err() == nil {
				status := r.as(t, token, "POST", "secret/undelete/variables/k", bodies[i%len(bodies)])
				select {
				case changed <- status:
				default:
				}
			}
		})
	}
	if got := <-changed; got != 204 && got != 400 {
		t.Errorf("a change before: status %d", got)
	}
	if err := client.Revoke(t.Context(), clients, "bad"); err != nil {
		t.Errorf("Revoke: %v", err)
	}
	if got := r.as(t, token, "GET", "secret/data/variables/k", ""); got != http.StatusForbidden {
		t.Errorf("after: status %d, want that the token is refused", got)
	}
	stop()
	loops.Wait()
	if names, err := store.List(t.Context(), clients, "client/bad"); err != nil || len(names) != 0 {
		t.Errorf("the store still has %q, %v", names, err)
	}
}
