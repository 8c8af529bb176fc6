package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/server"
)

// idle opens connections and keeps them open until the test ends. Each has sent
// what says, and has got an answer where that is a whole request.
func idle(t *testing.T, url string, n int, says string) {
	t.Helper()
	for range n {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if _, err := io.WriteString(conn, says); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(says, "\r\n\r\n") {
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
		}
	}
}

// TestIdleConnectionsKeepNobodyOut runs a daemon that may open few files.
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"that say nothing":        "",
		"that have asked":         "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"that have said one line": "GET /-/healthy HTTP/1.1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			p := spawn(t, dir, func(c *exec.Cmd) {
				c.Path, c.Args = shell, []string{"sh", "-c", `ulimit -n 64; exec "$0"`, os.Args[0]}
			})
			clients := socket(t, dir)
			token := tenant(t, clients, "bad")
			idle(t, p.URL, 100, says)
			// Commands come in, and change the database.
			again := socket(t, dir)
			if err := client.Revoke(t.Context(), again, "bad"); err != nil {
				t.Errorf("Revoke: %v", err)
			}
			if !strings.HasSuffix(says, "\n") || strings.HasSuffix(says, "\r\n\r\n") { // half a request holds its place for ten seconds
				for range 3 {
					if got := p.as(t, token, "GET", "secret/data/variables/k", ""); got != http.StatusForbidden {
						t.Errorf("a request: status %d, want that it is answered and its token refused", got)
					}
				}
			}
		})
	}
}

func TestAConnectionInUseIsNotEnded(t *testing.T) {
	r := start(t, server.Config{DataDir: filepath.Join(t.TempDir(), "data"), Dev: true})
	idle(t, r.URL, 300, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
	r.want(t, "GET", "/-/ready", "", 200, "ready")
}
