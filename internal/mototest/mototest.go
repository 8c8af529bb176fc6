// Package mototest runs a real moto server, a local stand-in for AWS, for
// tests.
package mototest

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

// Server is a moto server on loopback that takes any credentials.
type Server struct {
	URL string // "http://127.0.0.1:PORT"
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	s := &Server{URL: "http://127.0.0.1:" + port}
	cmd := exec.Command(baotest.Tool(t, "python"), "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
	cmd.Dir = t.TempDir()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(s.URL + "/moto-api/data.json")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return s
			}
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	t.Fatalf("moto did not become ready; it said:\n%s", out.String())
	return nil
}

// Reset empties the server.
func (s *Server) Reset(t testing.TB) {
	t.Helper()
	res, err := http.Post(s.URL+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// Call does one operation by a side door, as target names it
// ("AmazonSSM.PutParameter"), and returns the status and the answer.
func (s *Server) Call(t testing.TB, target string, in map[string]any) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	service, _, _ := strings.Cut(target, ".")
	service = map[string]string{"AmazonSSM": "ssm"}[service] + map[bool]string{true: "secretsmanager"}[service == "secretsmanager"]
	req.Header.Set("X-Amz-Target", target)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(b, &answer); err != nil && len(b) > 0 {
		t.Fatalf("%s: status %d, %.200q", target, res.StatusCode, b)
	}
	return res.StatusCode, answer
}

// MustCall is Call that fails the test unless the status is 200.
func (s *Server) MustCall(t testing.TB, target string, in map[string]any) map[string]any {
	t.Helper()
	status, answer := s.Call(t, target, in)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d: %v", target, status, answer)
	}
	return answer
}
