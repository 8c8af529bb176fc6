package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/internal/stores"
)

const vaultClass = "airflow.providers.hashicorp.secrets.vault.VaultBackend"

// vault is a backend of that class at an address.
func vault(t *testing.T, at, token string, more ...any) airlock.Source {
	t.Helper()
	return openVault(at, token, more...)
}

// openVault is vault for a process that is no test: it panics.
func openVault(at, token string, more ...any) airlock.Source {
	kwargs := pyjson.NewObject()
	for i, all := 0, append([]any{"url", at, "token", token, "mount_point", "secret"}, more...); i < len(all); i += 2 {
		kwargs.Set(all[i].(string), all[i+1])
	}
	b, err := stores.Known().Open(vaultClass, kwargs, stores.Env{}, false)
	if err != nil {
		panic(err)
	}
	return airlock.Source{Layer: airlock.LayerBackend, Class: vaultClass, Store: b.Store, Dialect: b.Dialect}
}

// silent accepts connections and never answers, and counts them.
func silent(t *testing.T) (at string, connections *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	connections = &atomic.Int64{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			t.Cleanup(func() { _ = c.Close() })
		}
	}()
	return "http://" + l.Addr().String(), connections
}

// get reads a variable and returns the status, the header and the answer.
func (r *running) get(t *testing.T, name string) (int, http.Header, string) {
	t.Helper()
	q, err := http.NewRequest("GET", r.URL+"/v1/secret/data/variables/"+name, nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Vault-Token", r.Token)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Errorf("%s: %v, want an answer", name, err)
		return 0, nil, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("%s: %v, want a whole answer", name, err)
	}
	return res.StatusCode, res.Header, string(b)
}

// until reads a variable until its answer is as wanted.
func (r *running) until(t *testing.T, name string, wanted func(status int, h http.Header) bool) (http.Header, string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		status, header, text := r.get(t, name)
		if wanted(status, header) {
			return header, text
		}
		if time.Now().After(end) {
			t.Fatalf("%s is answered with %d, %v, %s", name, status, header, text)
		}
	}
}

// clients has 64 of them read names at once.
func (r *running) clients(t *testing.T, status int, name func(i int) string) {
	t.Helper()
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			if got, _, text := r.get(t, name(i)); got != status {
				t.Errorf("%s: status %d, %s, want %d", name(i), got, text, status)
			}
		})
	}
	all.Wait()
}

func isStale(status int, h http.Header) bool {
	return status == http.StatusOK && strings.HasPrefix(h.Get("Warning"), "110 ") && h.Get("Age") != ""
}

func isFresh(status int, h http.Header) bool {
	return status == http.StatusOK && h.Get("Warning") == "" && h.Get("Age") == ""
}

func TestAHungBackendHangsNobody(t *testing.T) {
	bao := baotest.Start(t)
	for _, name := range []string{"known", "other"} {
		bao.MustDo(t, "POST", "/v1/secret/data/variables/"+name, map[string]any{"data": map[string]any{"value": "CANARY-outage-" + name}})
	}
	dir := t.TempDir()
	r := start(t, server.Config{DataDir: dir, Dev: true, Backends: []airlock.Source{vault(t, bao.Addr, bao.Token)},
		Timeout: 500 * time.Millisecond, CacheTTL: time.Millisecond, Stale: time.Hour})
	r.until(t, "known", isFresh)
	r.want(t, "GET", "/-/ready", "", 200, "VaultBackend answers")

	resume := bao.Pause(t)
	header, text := r.until(t, "known", isStale)
	if !strings.Contains(text, "CANARY-outage-known") {
		t.Errorf("the stale answer has another value (header %v)", header)
	}
	r.clients(t, http.StatusGatewayTimeout, func(i int) string { return fmt.Sprint("unknown-", i) })
	r.clients(t, http.StatusOK, func(int) string { return "known" })
	r.want(t, "GET", "/-/ready", "", 200, "VaultBackend fails since")
	r.want(t, "GET", "/v1/secret/metadata/variables?list=true", "", 504, "cannot be reached")
	r.explainsStale(t)
	if stale := linesWith(t, dir, `"outcome":"found"`, `"name":"known"`, `"stale":"20`); stale < 65 {
		t.Errorf("%d lines of the log are marked, want those of all stale answers", stale)
	}

	resume()
	r.until(t, "other", isFresh)
	r.until(t, "known", isFresh)
	r.want(t, "GET", "/-/ready", "", 200, "VaultBackend answers")
}

// explainsStale has an airlock whose backend is the daemon explain the value.
func (r *running) explainsStale(t *testing.T) {
	t.Helper()
	resolver := &airlock.Resolver{Sources: []airlock.Source{vault(t, r.URL, r.Token)}}
	res, err := resolver.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindVariable, ID: "known"}, nil)
	if err != nil {
		t.Errorf("looking up through the daemon: %v", err)
		return
	}
	a := res.Explain(false).Attempts[0]
	if a.Stale == nil || !strings.Contains(strings.Join(a.Notes, "\n"), "the value is stale") {
		t.Errorf("explain says %+v, want that the value is stale", a)
	}
}

// linesWith counts the lines of the log that have all the words.
func linesWith(t *testing.T, dir string, words ...string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, audit.FileName))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
lines:
	for line := range strings.Lines(string(b)) {
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue lines
			}
		}
		n++
	}
	return n
}

// A source that does not answer is asked once for all, and not again for each
// client, also where nothing is cached.
func TestASilentBackendIsAskedOnce(t *testing.T) {
	at, connections := silent(t)
	r := start(t, server.Config{DataDir: t.TempDir(), Dev: true, Backends: []airlock.Source{vault(t, at, "t")},
		Timeout: 300 * time.Millisecond})
	r.clients(t, http.StatusGatewayTimeout, func(int) string { return "one" })
	if n := connections.Load(); n != 1 {
		t.Errorf("the backend was asked %d times, want once", n)
	}
	r.clients(t, http.StatusGatewayTimeout, func(i int) string { return fmt.Sprint("name-", i) })
	if n := connections.Load(); n > 3 {
		t.Errorf("the backend was asked %d times, want a probe or two more", n)
	}
}

// A later source answers for one that hangs.
func TestTheNextSourceAnswersForASilentOne(t *testing.T) {
	at, _ := silent(t)
	bao := baotest.Start(t)
	bao.MustDo(t, "POST", "/v1/secret/data/variables/k", map[string]any{"data": map[string]any{"value": "CANARY-next"}})
	r := start(t, server.Config{DataDir: t.TempDir(), Dev: true, Timeout: 100 * time.Millisecond,
		Backends: []airlock.Source{vault(t, at, "t"), vault(t, bao.Addr, bao.Token)}})
	if status, _, _ := r.get(t, "k"); status != http.StatusOK {
		t.Errorf("status %d, want the value of the next source", status)
	}
}

// The time that the user gives a request counts where it is longer.
func TestTheTimeOfTheKwargsCounts(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(200 * time.Millisecond) // of the service, which is the test's subject
		_, _ = io.WriteString(w, `{"data": {"data": {"value": "CANARY-slow"}, "metadata": {"version": 1}}}`)
	}))
	t.Cleanup(slow.Close)
	for timeout, status := range map[float64]int{0.1: http.StatusGatewayTimeout, 30: http.StatusOK} {
		r := start(t, server.Config{DataDir: t.TempDir(), Dev: true, Timeout: 100 * time.Millisecond,
			Backends: []airlock.Source{vault(t, slow.URL, "t", "timeout", timeout)}})
		if got, _, text := r.get(t, "k"); got != status {
			t.Errorf("with timeout %v: status %d, %s, want %d", timeout, got, text, status)
		}
	}
}

// What fails for one name is asked for once a second, by one read with hvac's
// repeats, and says nothing of other names.
func TestAFailingNameIsAskedOnce(t *testing.T) {
	var calls atomic.Int64
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/bad") {
			calls.Add(1)
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"errors": ["internal error"]}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"data": map[string]any{"value": "v"}}})
	}))
	t.Cleanup(up.Close)
	r := start(t, server.Config{DataDir: t.TempDir(), Dev: true, Backends: []airlock.Source{vault(t, up.URL, "t")}})
	r.clients(t, http.StatusGatewayTimeout, func(int) string { return "bad" })
	if n := calls.Load(); n != 4 {
		t.Errorf("64 clients made %d requests, want the 4 of one read", n)
	}
	r.clients(t, http.StatusOK, func(i int) string { return fmt.Sprint("good-", i) })
}

func TestAStopEndsWhatWaitsForABackend(t *testing.T) {
	at, connections := silent(t)
	r := start(t, server.Config{DataDir: t.TempDir(), Dev: true, Backends: []airlock.Source{vault(t, at, "t")}})
	answered := make(chan int)
	go func() {
		status, _, _ := r.get(t, "k")
		answered <- status
	}()
	for connections.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if err := r.stop(); err != nil {
		t.Errorf("the daemon ends with %v", err)
	}
	if status := <-answered; status != http.StatusGatewayTimeout {
		t.Errorf("the client got %d, want 504", status)
	}
	if took := time.Since(began); took > server.DefaultTimeout/2 {
		t.Errorf("the stop took %v: it waited for the backend", took)
	}
}

// A client that has not sent its whole request is no failure of the daemon's.
func TestAStopWaitsForNoSlowClient(t *testing.T) {
	r := start(t, server.Config{DataDir: t.TempDir(), Dev: true})
	c, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = fmt.Fprintf(c, "POST /v1/secret/data/variables/k HTTP/1.1\r\nHost: localhost\r\nX-Vault-Token: %s\r\nContent-Length: 100\r\n\r\n{", r.Token)
	r.want(t, "GET", "/-/healthy", "", 200, "healthy") // by when the other has been taken
	if err := r.stop(); err != nil {
		t.Errorf("the daemon ends with %v", err)
	}
}
