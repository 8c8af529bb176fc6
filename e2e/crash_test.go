package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// What a client was told is stored is there after the daemon was killed in the
// middle of it, whatever it was doing at that moment.
func TestKilledDaemonKeepsAcknowledgedWrites(t *testing.T) {
	t.Parallel()
	for _, after := range []int{1, 37, 100, 199} {
		t.Run(fmt.Sprintf("after %d of 200 writes", after), func(t *testing.T) {
			t.Parallel()
			d := serveDev(t)
			token := d.token(t)
			acknowledged := d.writeUntilKilled(t, token, 200, after)
			claim(t, len(acknowledged) >= after, "%d writes were acknowledged before the kill, want at least %d", len(acknowledged), after)

			again := serveAt(t, airlockIn(d.dir), strings.TrimPrefix(d.addr, "http://"), "--dev")
			for name, value := range acknowledged {
				status, body := again.request(t, "GET", "/v1/secret/data/variables/"+name, token, "")
				claim(t, status == http.StatusOK && strings.Contains(body, value), "acknowledged write %s is lost: status %d: %s", name, status, body)
			}
			if status, body := again.request(t, "POST", "/v1/secret/data/variables/afterwards", token, `{"data":{"value":"x"}}`); status != http.StatusOK {
				t.Errorf("writing after the restart: status %d: %s", status, body)
			}
		})
	}
}

// writeUntilKilled sends n writes from four clients at once and kills the
// daemon when the given number is acknowledged. It returns the acknowledged
// names and their values.
func (d *daemon) writeUntilKilled(t *testing.T, token string, n, after int) map[string]string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	names := make(chan string)
	go func() {
		defer close(names)
		for i := range n {
			select {
			case names <- fmt.Sprintf("crash-%d", i):
			case <-ctx.Done():
				return
			}
		}
	}()
	var (
		mu           sync.Mutex
		acknowledged = map[string]string{}
		clients      sync.WaitGroup
	)
	for range 4 {
		clients.Go(func() {
			for name := range names {
				value := secret(t)
				if !d.write(ctx, name, value, token) {
					cancel()
					return
				}
				mu.Lock()
				acknowledged[name] = value
				if len(acknowledged) == after {
					_ = d.cmd.Process.Kill()
				}
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	<-d.exited
	return acknowledged
}

// write reports whether the daemon acknowledged a write.
func (d *daemon) write(ctx context.Context, name, value, token string) bool {
	body := bytes.NewReader([]byte(`{"data":{"value":"` + value + `"}}`))
	req, err := http.NewRequestWithContext(ctx, "POST", d.addr+"/v1/secret/data/variables/"+name, body)
	if err != nil {
		return false
	}
	req.Header.Set("X-Vault-Token", token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}
