package server_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/internal/servertest"
)

// said is what the daemon logs.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func listenToLog(t *testing.T) *said {
	t.Helper()
	s, before := &said{}, slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(s, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return s
}

// TestNoBodyShowsThePath breaks the data folder in several ways, and asks for
// everything that the own store answers.
func TestNoBodyShowsThePath(t *testing.T) {
	requests := []struct{ method, path, body string }{
		{"GET", "/v1/secret/data/variables/k", ""}, {"GET", "/v1/kv/variables/k", ""}, {"GET", "/v1/secret/data/plain/x", ""},
		{"GET", "/v1/kv/plain/x", ""}, {"LIST", "/v1/secret/metadata/plain", ""}, {"LIST", "/v1/secret/metadata/variables", ""},
		{"GET", "/v1/secret/metadata/plain/x", ""}, {"POST", "/v1/secret/data/plain/x", `{"data": {"a": "b"}}`},
		{"POST", "/v1/secret/data/variables/k", `{"data": {"value": "b"}}`}, {"POST", "/v1/kv/plain/x", `{"a": "b"}`},
		{"POST", "/v1/secret/metadata/plain/x", `{"max_versions": 3}`}, {"DELETE", "/v1/secret/data/plain/x", ""},
		{"POST", "/v1/secret/destroy/plain/x", `{"versions": [1]}`}, {"DELETE", "/v1/secret/metadata/plain/x", ""},
		{"GET", "/v1/sys/health", ""}, {"GET", "/v1/sys/seal-status", ""}, {"GET", "/-/ready", ""}, {"GET", "/-/healthy", ""},
		{"POST", "/v1/auth/token/lookup-self", ""}, {"POST", "/v1/secret/data/" + strings.Repeat("x", 20_000), `{"data": {}}`},
	}
	id := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	for name, damage := range map[string]func(t *testing.T, dir string){
		"a table is gone":      func(t *testing.T, dir string) { servertest.Execute(t, dir, "DROP TABLE version") },
		"a payload is damaged": func(t *testing.T, dir string) { servertest.Tamper(t, dir, "UPDATE version SET sealed = x'01'") },
		"a row is damaged":     func(t *testing.T, dir string) { servertest.Tamper(t, dir, "UPDATE record SET latest = 'CANARY-row'") },
		"the file is cut short": func(t *testing.T, dir string) {
			servertest.Execute(t, dir, "PRAGMA wal_checkpoint(TRUNCATE)")
			must(t, os.Truncate(filepath.Join(dir, "airlock.db"), 5000))
		},
		"the audit log is none": func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "audit.log"), filepath.Join(dir, "audit.old")), os.Mkdir(filepath.Join(dir, "audit.log"), 0o700))
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, dir := listenToLog(t), filepath.Join(t.TempDir(), "folder")
			r := start(t, server.Config{DataDir: dir, Dev: true})
			for _, q := range requests[7:10] {
				r.want(t, q.method, q.path, q.body, map[bool]int{true: 204, false: 200}[strings.HasPrefix(q.path, "/v1/kv")], "")
			}
			damage(t, dir)
			failed := 0
			for _, q := range requests {
				status, body := r.request(t, q.method, q.path, q.body)
				if strings.Contains(body, filepath.Dir(dir)) || strings.Contains(body, "CANARY") || strings.Contains(body, "SELECT") || strings.Contains(body, "airlock.db") {
					t.Errorf("%s %s answers %d with %s", q.method, q.path, status, body)
				}
				var answer struct{ Errors []string }
				if status < 500 || json.Unmarshal([]byte(body), &answer) != nil || answer.Errors == nil {
					continue
				}
				failed++
				if request := id.FindString(body); request == "" || !strings.Contains(log.String(), request) {
					t.Errorf("%s %s answers %d with %s: the log does not have that request", q.method, q.path, status, body)
				}
			}
			if failed == 0 {
				t.Error("nothing failed")
			}
			if name != "a payload is damaged" && name != "a row is damaged" && !strings.Contains(log.String(), dir) {
				t.Errorf("the log does not say where: %s", log)
			}
		})
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
