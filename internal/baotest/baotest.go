// Package baotest runs a real OpenBao server for tests.
package baotest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

// Server is a development-mode OpenBao on loopback: unsealed, in memory, KV
// version 2 mounted at secret/.
type Server struct {
	Addr  string // "http://127.0.0.1:PORT"
	Token string // the root token

	process *servertest.Process
}

// Pause stops the server in the middle of whatever it does: see
// servertest.Process.Pause.
func (s *Server) Pause(t testing.TB) (resume func()) { return s.process.Pause(t) }

// Tool returns the path of a test tool ("bao", "python") that `make tools`
// has installed, and fails the test with that hint where it is not there.
func Tool(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(CacheDir(t), "bin", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not installed (%v): run `make tools` first", name, err)
	}
	return path
}

// CacheDir is where `make tools` installs: $AIRLOCK_DEV_CACHE, else
// airlock-dev in the user's cache folder.
func CacheDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("AIRLOCK_DEV_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("finding the cache folder: %v", err)
	}
	return filepath.Join(dir, "airlock-dev")
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	addr := "127.0.0.1:" + servertest.FreePort(t)
	s := &Server{Addr: "http://" + addr, Token: "root"}
	cmd := exec.Command(Tool(t, "bao"), "server", "-dev", "-dev-no-store-token",
		"-dev-root-token-id="+s.Token, "-dev-listen-address="+addr)
	server := servertest.Run(t, "OpenBao", cmd, os.Kill)
	server.Ready(t, 30*time.Second, s.ready)
	s.process = server
	return s
}

// ready reports whether the development server has mounted secret/ yet and
// made it version 2: it does both just after it starts to answer.
func (s *Server) ready(ctx context.Context) error {
	for _, path := range []string{"/v1/sys/health", "/v1/secret/config"} {
		if status, _, err := s.call(ctx, "GET", path, nil); err != nil || status != http.StatusOK {
			return fmt.Errorf("%s: status %d, %v", path, status, err)
		}
	}
	return nil
}

// Do sends one request as root and returns the status and the answer.
func (s *Server) Do(t testing.TB, method, path string, body any) (int, map[string]any) {
	t.Helper()
	status, answer, err := s.call(context.Background(), method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, answer
}

// MustDo is Do that fails the test unless the status is 200 or 204.
func (s *Server) MustDo(t testing.TB, method, path string, body any) map[string]any {
	t.Helper()
	status, answer := s.Do(t, method, path, body)
	if status != http.StatusOK && status != http.StatusNoContent {
		t.Fatalf("%s %s: status %d: %v", method, path, status, answer)
	}
	return answer
}

func (s *Server) call(ctx context.Context, method, path string, body any) (int, map[string]any, error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, fmt.Errorf("encoding the request: %w", err)
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.Addr+path, r)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("X-Vault-Token", s.Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, nil, err
	}
	var answer map[string]any
	_ = json.Unmarshal(b, &answer)
	return res.StatusCode, answer, nil
}

// AppRole makes a policy with the given rules and an AppRole that carries it,
// as the Astronomer guide does, and returns its role id and secret id.
func (s *Server) AppRole(t testing.TB, name, policy string) (roleID, secretID string) {
	t.Helper()
	s.Do(t, "POST", "/v1/sys/auth/approle", map[string]any{"type": "approle"}) // 400 when it is there already
	s.MustDo(t, "PUT", "/v1/sys/policies/acl/"+name, map[string]any{"policy": policy})
	s.MustDo(t, "POST", "/v1/auth/approle/role/"+name, map[string]any{"token_policies": name})
	data := func(answer map[string]any, key string) string {
		d, _ := answer["data"].(map[string]any)
		v, _ := d[key].(string)
		return v
	}
	roleID = data(s.MustDo(t, "GET", "/v1/auth/approle/role/"+name+"/role-id", nil), "role_id")
	secretID = data(s.MustDo(t, "POST", "/v1/auth/approle/role/"+name+"/secret-id", nil), "secret_id")
	return roleID, secretID
}
