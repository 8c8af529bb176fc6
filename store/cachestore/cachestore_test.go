package cachestore_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/cachestore"
	"github.com/airlock-secrets/airlock/store/memstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// upstream is a memstore that counts reads and can be made to fail: the
// network that a test breaks.
type upstream struct {
	*memstore.Store
	reads atomic.Int64
	fail  atomic.Pointer[store.Error]
	hold  chan struct{} // when not nil, reads wait for it
}

func (u *upstream) Get(ctx context.Context, name string) (*store.Secret, error) {
	u.reads.Add(1)
	if u.hold != nil {
		<-u.hold
	}
	if e := u.fail.Load(); e != nil {
		return nil, e
	}
	return u.Store.Get(ctx, name)
}

func (u *upstream) down(code store.Code) { u.fail.Store(&store.Error{Op: "get", Code: code}) }
func (u *upstream) up()                  { u.fail.Store(nil) }

// cached is a cache over an upstream, with a clock that the test moves.
type cached struct {
	*cachestore.Store
	up    *upstream
	moved atomic.Int64 // how far the clock was moved
}

var start = time.Unix(1e9, 0)

func newCached(ttl, stale time.Duration) *cached {
	return newCachedWith(cachestore.Options{TTL: ttl, Stale: stale})
}

func newCachedWith(o cachestore.Options) *cached {
	c := &cached{up: &upstream{Store: memstore.New("memory")}}
	o.Now = func() time.Time { return start.Add(time.Duration(c.moved.Load())) }
	c.Store = cachestore.New(c.up, o)
	return c
}

func (c *cached) advance(d time.Duration) { c.moved.Add(int64(d)) }

func (c *cached) seed(t *testing.T, name, value string) {
	t.Helper()
	if _, err := c.up.Put(context.Background(), name, &store.Secret{Payload: []byte(value)}, nil); err != nil {
		t.Fatal(err)
	}
}

func (c *cached) want(t *testing.T, name, value string) {
	t.Helper()
	s, err := c.Get(context.Background(), name)
	if err != nil || string(s.Payload) != value || !s.Stale.IsZero() {
		t.Errorf("Get(%q) = %v, %v, want the payload %q, fresh", name, s, err, value)
	}
}

// wantStale wants the payload that the store gave at the given time.
func (c *cached) wantStale(t *testing.T, name, value string, at time.Time) {
	t.Helper()
	s, err := c.Get(context.Background(), name)
	if err != nil || string(s.Payload) != value || !s.Stale.Equal(at) {
		t.Errorf("Get(%q) = %v, %v, want the payload %q of %v", name, s, err, value, at)
	}
}

func (c *cached) wantCode(t *testing.T, name string, code store.Code) {
	t.Helper()
	if _, err := c.Get(context.Background(), name); store.CodeOf(err) != code {
		t.Errorf("Get(%q): error %v, want code %q", name, err, code)
	}
}

func (c *cached) wantReads(t *testing.T, n int64) {
	t.Helper()
	if got := c.up.reads.Load(); got != n {
		t.Errorf("the store was read %d times, want %d", got, n)
	}
}

func TestConformance(t *testing.T) {
	for name, ttl := range map[string]time.Duration{"caching forever": cachestore.Forever, "caching nothing": 0} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				inner := memstore.New("memory")
				return storetest.Harness{Store: cachestore.New(inner, cachestore.Options{TTL: ttl})}
			})
		})
	}
}

func TestAnAnswerIsKeptForItsTime(t *testing.T) {
	c := newCached(time.Minute, 0)
	c.seed(t, "a", "1")
	c.want(t, "a", "1")
	c.seed(t, "a", "2")
	c.advance(time.Minute)
	c.want(t, "a", "1")
	c.wantReads(t, 1)
	c.advance(time.Second)
	c.want(t, "a", "2")
	c.wantReads(t, 2)
}

// What answers 404 for the service proves nothing: it is not kept, and does
// not replace what is known.
func TestAMissWithoutProofIsNotKept(t *testing.T) {
	c := newCached(time.Minute, time.Hour)
	c.up.down(store.NotFound)
	for range 2 {
		if _, err := c.Get(context.Background(), "a"); store.CodeOf(err) != store.NotFound || store.Absent(err) {
			t.Errorf("Get: error %v, want a miss without proof", err)
		}
	}
	c.wantReads(t, 2)
	c.up.up()
	c.seed(t, "a", "1")
	c.want(t, "a", "1")
	c.advance(2 * time.Minute)
	c.up.down(store.NotFound)
	c.wantStale(t, "a", "1", start)
}

func TestAMissIsKeptToo(t *testing.T) {
	c := newCached(time.Minute, 0)
	c.wantCode(t, "a", store.NotFound)
	c.seed(t, "a", "1")
	c.wantCode(t, "a", store.NotFound)
	c.wantReads(t, 1)
}

func TestAnErrorIsNeverKept(t *testing.T) {
	for _, code := range []store.Code{store.Unavailable, store.Throttled, store.Denied, store.Unauthenticated, store.Corrupt} {
		c := newCached(time.Minute, time.Hour)
		c.seed(t, "a", "1")
		c.up.down(code)
		c.wantCode(t, "a", code)
		c.up.up()
		c.advance(2 * time.Second)
		c.want(t, "a", "1")
	}
}

func TestAWriteIsSeenByTheNextRead(t *testing.T) {
	c := newCached(cachestore.Forever, 0)
	ctx := context.Background()
	for _, value := range []string{"1", "2"} {
		if _, err := c.Put(ctx, "a", &store.Secret{Payload: []byte(value)}, nil); err != nil {
			t.Fatal(err)
		}
		c.want(t, "a", value)
	}
	if _, err := c.Merge(ctx, "a", &store.Secret{Payload: []byte("3")}); err != nil {
		t.Fatal(err)
	}
	c.want(t, "a", "3")
	if err := c.Hide(ctx, "a", "vault"); err != nil {
		t.Fatal(err)
	}
	c.wantCode(t, "a", store.NotFound)
	if err := c.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	c.wantCode(t, "a", store.NotFound)
}

// A read that began before a write must not leave the old value behind.
func TestASlowReadDoesNotHideAWrite(t *testing.T) {
	c := newCached(cachestore.Forever, 0)
	c.seed(t, "a", "old")
	c.up.hold = make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() { _, _ = c.Get(context.Background(), "a") })
	for c.up.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := c.Put(context.Background(), "a", &store.Secret{Payload: []byte("new")}, nil); err != nil {
		t.Fatal(err)
	}
	close(c.up.hold)
	reader.Wait()
	c.want(t, "a", "new")
}

func TestReadersOfOneNameShareACall(t *testing.T) {
	c := newCached(time.Minute, 0)
	c.seed(t, "a", "1")
	c.up.hold = make(chan struct{})
	var readers sync.WaitGroup
	for range 50 {
		readers.Go(func() { c.want(t, "a", "1") })
	}
	for c.up.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(c.up.hold)
	readers.Wait()
	c.wantReads(t, 1)
}

func TestAReaderWhoLeavesDoesNotFailTheOthers(t *testing.T) {
	c := newCached(time.Minute, 0)
	c.seed(t, "a", "1")
	c.up.hold = make(chan struct{})
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error)
	go func() { _, err := c.Get(ctx, "a"); left <- err }()
	for c.up.reads.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	var other sync.WaitGroup
	other.Go(func() { c.want(t, "a", "1") })
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the reader who left got %v, want that it left", err)
	}
	close(c.up.hold)
	other.Wait()
}

func TestTheCallersCopyIsItsOwn(t *testing.T) {
	c := newCached(time.Minute, 0)
	c.seed(t, "a", "1")
	s, err := c.Get(context.Background(), "a")
	if err != nil {
		t.Fatal(err)
	}
	s.Payload[0] = 'x'
	c.want(t, "a", "1")
}
