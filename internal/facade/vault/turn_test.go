package vault_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/facade/vault"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// held is a store whose variable "held", and whose lists and changes, wait.
type held struct {
	*memstore.Store
	open         chan struct{} // closed to let all of them go
	inside, most atomic.Int64
}

func (h *held) wait() func() {
	n := h.inside.Add(1)
	for old := h.most.Load(); n > old && !h.most.CompareAndSwap(old, n); old = h.most.Load() {
	}
	<-h.open
	return func() { h.inside.Add(-1) }
}

func (h *held) Get(ctx context.Context, name string) (*store.Secret, error) {
	if strings.HasSuffix(name, "held") {
		defer h.wait()()
	}
	return h.Store.Get(ctx, name)
}

func (h *held) List(ctx context.Context, prefix string) ([]string, error) {
	defer h.wait()()
	return h.Store.List(ctx, prefix)
}

func (h *held) Delete(ctx context.Context, name string) error {
	defer h.wait()()
	return h.Store.Delete(ctx, name)
}

// crowd is a handler on a held store, with two clients.
type crowd struct {
	own       *held
	handler   http.Handler
	clients   *client.Registry
	bad, good string // their tokens
	asked     sync.WaitGroup
	statuses  sync.Map // :: status -> *atomic.Int64
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{own: &held{Store: memstore.New("embedded"), open: make(chan struct{})}}
	g, err := gate.New(gate.Config{Own: c.own, OwnDialect: dialect.Native{}, Audit: audit.New(&strings.Builder{}),
		Resolver: &airlock.Resolver{Sources: []airlock.Source{{Layer: airlock.LayerBackend, Class: "airlock", Store: c.own, Dialect: dialect.Native{}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if c.clients, err = client.Open(t.Context(), memstore.New("system"), nil); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]*string{"bad": &c.bad, "good": &c.good} {
		creds, err := c.clients.Create(t.Context(), client.Spec{Name: name, Rules: []acl.Rule{{Actions: acl.Actions()}}})
		if err != nil {
			t.Fatal(err)
		}
		*token = creds.Token
	}
	if c.handler, err = vault.New(vault.Options{Gate: g, Clients: c.clients}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"held", "free"} {
		if _, err := c.own.Put(t.Context(), "variable//"+name, &store.Secret{Payload: []byte("CANARY-crowd")}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *crowd) ask(ctx context.Context, token, method, path string) (int, string) {
	q := httptest.NewRequest(method, "/v1/"+path, nil).WithContext(ctx)
	q.Header.Set("X-Vault-Token", token)
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, q)
	return w.Code, w.Body.String()
}

// flood sends n requests at the same time and waits until as many have reached
// the store as may.
func (c *crowd) flood(t *testing.T, n, most int, token, method, path string) {
	t.Helper()
	for range n {
		c.asked.Go(func() {
			status, body := c.ask(t.Context(), token, method, path)
			if status != http.StatusOK && strings.Contains(body, "CANARY") {
				t.Errorf("status %d has the value", status)
			}
			count, _ := c.statuses.LoadOrStore(status, new(atomic.Int64))
			count.(*atomic.Int64).Add(1)
		})
	}
	for c.own.inside.Load() < int64(most) {
		runtime.Gosched()
	}
}

func (c *crowd) count(status int) int64 {
	count, ok := c.statuses.Load(status)
	if !ok {
		return 0
	}
	return count.(*atomic.Int64).Load()
}

func TestOneClientsRequestsWaitForEachOther(t *testing.T) {
	for _, f := range []struct {
		method, path string
		most, status int
	}{
		{"GET", "secret/data/variables/held", 256, 200},
		{"LIST", "secret/metadata/variables", 16, 200},
		{"DELETE", "kv/variables/held", 16, 204},
	} {
		t.Run(f.method, func(t *testing.T) {
			c := newCrowd(t)
			n := f.most + 100
			c.flood(t, n, f.most, c.bad, f.method, f.path)
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if status, body := c.ask(ctx, c.bad, f.method, f.path); status != http.StatusTooManyRequests || !strings.Contains(body, "under way") {
				t.Errorf("one more: status %d, %s, want 429", status, body)
			}
			for _, path := range []string{"secret/data/variables/free", "sys/health"} {
				if status, body := c.ask(t.Context(), c.good, "GET", path); status != 200 {
					t.Errorf("another client on %s: status %d, %s", path, status, body)
				}
			}
			if f.most < 256 {
				if status, _ := c.ask(t.Context(), c.bad, "GET", "secret/data/variables/free"); status != 200 {
					t.Errorf("a read of the same client: status %d", status)
				}
			}
			close(c.own.open)
			c.asked.Wait()
			if got := c.own.most.Load(); got != int64(f.most) || c.count(f.status) != int64(n) {
				t.Errorf("%d reached the store at a time and %d of %d succeeded, want %d at a time and all", got, c.count(f.status), n, f.most)
			}
		})
	}
}

func TestStrangersWaitForThoseOfTheirAddress(t *testing.T) {
	c := newCrowd(t)
	var all sync.WaitGroup
	for range 500 {
		all.Go(func() {
			if status, _ := c.ask(t.Context(), "airlock.wrong", "GET", "secret/data/variables/free"); status != http.StatusForbidden {
				t.Errorf("status %d", status)
			}
		})
	}
	all.Wait()
}

// TestNothingLeavesOnceAccessHasEnded revokes a client while its requests wait
// in the store and for their turn.
func TestNothingLeavesOnceAccessHasEnded(t *testing.T) {
	c := newCrowd(t)
	const n = 300
	c.flood(t, n, 256, c.bad, "GET", "secret/data/variables/held")
	if err := c.clients.Revoke(t.Context(), "bad"); err != nil {
		t.Fatal(err)
	}
	close(c.own.open)
	c.asked.Wait()
	if c.count(http.StatusForbidden) != n {
		t.Errorf("%d of %d were refused; %d got the value", c.count(http.StatusForbidden), n, c.count(http.StatusOK))
	}
}
