// Package mototest runs a real moto server, a local stand-in for AWS, for
// tests.
package mototest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/servertest"
)

// Server is a moto server on loopback that takes any credentials.
type Server struct {
	URL string // "http://127.0.0.1:PORT"
}

// Start runs a server until the test ends.
func Start(t testing.TB) *Server {
	t.Helper()
	port := servertest.FreePort(t)
	s := &Server{URL: "http://127.0.0.1:" + port}
	cmd := exec.Command(baotest.Tool(t, "python"), "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
	cmd.Dir = t.TempDir()
	server := servertest.Run(t, "moto", cmd, os.Kill)
	server.Ready(t, 60*time.Second, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/moto-api/data.json", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", res.StatusCode)
		}
		return nil
	})
	return s
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
