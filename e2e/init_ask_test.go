package e2e

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// screen gathers what a program shows.
type screen struct {
	mu    sync.Mutex
	shown bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(b)
}

func (s *screen) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Contains(s.shown.Bytes(), []byte(text))
}

// TestInitOnAScreen: on a terminal that can do more than lines, what the flags
// leave open is asked, and a secret that is typed is not shown.
func TestInitOnAScreen(t *testing.T) {
	t.Parallel()
	typed, dir := secret(t), t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := airlockIn(dir, "TERM=xterm").command(t, ctx, "init", "vault", "--url", "https://vault.example.com:8200", "--role-id", "my-role",
		"--mount-point", "secret", "--kv-engine-version", "2", "--namespace", "ns", "--variables-path", "variables",
		"--connections-path", "connections", "--config-path", "config", "--auth-type", "approle", "--role", "airflow")
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 160})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var s screen
	go func() { _, _ = io.Copy(&s, terminal) }()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// What is typed between two screens may get lost: a person types it again.
	for _, step := range []struct{ title, answer string }{{"Secret id", typed + "\r"}, {"Go on?", "y\r"}} {
		for !s.has(step.title) && ctx.Err() == nil {
			time.Sleep(20 * time.Millisecond)
		}
		_, _ = io.WriteString(terminal, step.answer)
	}
	for {
		select {
		case err := <-ended:
			claim(t, err == nil, "init ends well: %v", err)
			env, err := os.ReadFile(filepath.Join(dir, ".env"))
			claim(t, err == nil && strings.Contains(string(env), `"secret_id": "`+typed+`"`), ".env holds what was typed (%v)", err)
			claim(t, !s.has(typed), "the secret that was typed is not shown")
			return
		case <-time.After(2 * time.Second):
			_, _ = io.WriteString(terminal, "y\r")
		}
	}
}
