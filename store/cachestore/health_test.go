package cachestore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/cachestore"
)

// fails makes every read of the store fail with e.
func (c *cached) fails(e store.Error) { c.up.fail.Store(&e) }

// readers reads n names at once and returns their errors.
func (c *cached) readers(n int, name func(i int) string) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { _, errs[i] = c.Get(context.Background(), name(i)) })
	}
	all.Wait()
	return errs
}

func TestWhatWasLastKnownOutlivesAnOutage(t *testing.T) {
	for name, e := range map[string]store.Error{
		"it is down":            {Code: store.Unavailable, Down: true},
		"it fails for the name": {Code: store.Unavailable},
		"it throttles":          {Code: store.Throttled},
		"the log-in fails":      {Code: store.Unauthenticated},
		"the log-in expired":    {Code: store.Denied, Down: true},
		"the log-in is gone":    {Code: store.NotFound, Down: true},
		"it answers garbage":    {Code: store.Corrupt},
		"it proves no absence":  {Code: store.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCached(time.Minute, time.Hour)
			c.seed(t, "a", "1")
			c.want(t, "a", "1")
			c.wantCode(t, "nothing", store.NotFound)
			c.fails(e)
			c.advance(61 * time.Minute)
			c.wantStale(t, "a", "1", start)
			if _, err := c.Get(context.Background(), "nothing"); err == nil || store.Absent(err) {
				t.Errorf("a stale miss: error %v, want the failure", err)
			}
			c.advance(time.Second)
			if s, err := c.Get(context.Background(), "a"); err == nil {
				t.Errorf("past its bound: %v, want the failure", s)
			}
			c.up.up()
			c.advance(2 * time.Second)
			c.want(t, "a", "1")
		})
	}
}

func TestADenialEvicts(t *testing.T) {
	c := newCached(time.Minute, time.Hour)
	c.seed(t, "a", "1")
	c.want(t, "a", "1")
	c.advance(2 * time.Minute)
	c.up.down(store.Denied)
	c.wantCode(t, "a", store.Denied)
	c.up.down(store.Unavailable)
	c.wantCode(t, "a", store.Unavailable)
}

func TestAFailureIsRememberedForItsName(t *testing.T) {
	c := newCachedWith(cachestore.Options{Remember: time.Second})
	c.seed(t, "good", "1")
	c.up.down(store.Corrupt)
	same := func(int) string { return "bad" }
	for range 4 { // as clients repeat
		for _, err := range c.readers(64, same) {
			if store.CodeOf(err) != store.Corrupt {
				t.Errorf("error %v, want the failure", err)
			}
		}
	}
	c.wantReads(t, 1)
	c.up.up()
	c.want(t, "good", "1")
	c.wantCode(t, "bad", store.Corrupt)
	c.wantReads(t, 2)
	c.seed(t, "bad", "2")
	c.advance(time.Second)
	c.want(t, "bad", "2")
	c.wantReads(t, 3)
}

func TestAWriteForgetsTheFailure(t *testing.T) {
	c := newCachedWith(cachestore.Options{Remember: time.Second})
	c.up.down(store.Corrupt)
	c.wantCode(t, "a", store.Corrupt)
	c.up.up()
	if _, err := c.Put(context.Background(), "a", &store.Secret{Payload: []byte("1")}, nil); err != nil {
		t.Fatal(err)
	}
	c.want(t, "a", "1")
}

func TestWhatMakesTheServiceFail(t *testing.T) {
	for _, test := range []struct {
		store.Error
		fails bool
	}{
		{store.Error{Code: store.Unavailable, Down: true}, true},
		{store.Error{Code: store.Denied, Down: true}, true},
		{store.Error{Code: store.Throttled}, true},
		{store.Error{Code: store.Unauthenticated}, true},
		{store.Error{Code: store.Unavailable}, false},
		{store.Error{Code: store.Denied}, false},
		{store.Error{Code: store.NotFound}, false},
		{store.Error{Code: store.NotFound, Absent: true}, false},
		{store.Error{Code: store.Corrupt}, false},
		{store.Error{Code: store.Invalid}, false},
	} {
		c := newCachedWith(cachestore.Options{Remember: time.Second})
		c.fails(test.Error)
		for range 2 {
			_, _ = c.Get(context.Background(), "a")
		}
		_, err := c.Get(context.Background(), "b")
		if reads := c.up.reads.Load(); err == nil || (reads == 1) != test.fails {
			t.Errorf("%+v: another name was read %d times more, %v", test.Error, reads-1, err)
		}
		if got := c.Health(); (got.Failing != nil) != test.fails || got.Since.IsZero() == test.fails {
			t.Errorf("%+v: the state is %+v", test.Error, got)
		}
	}
}

// A service that hangs, as one whose process is stopped: the driver of the test
// does not even look at its context.
func TestAHungServiceIsAskedByOneProbeAtATime(t *testing.T) {
	c := newCachedWith(cachestore.Options{Timeout: 20 * time.Millisecond, Remember: time.Second})
	c.seed(t, "name-0", "1")
	c.up.hold = make(chan struct{})
	names := func(i int) string { return fmt.Sprint("name-", i) }
	if _, err := c.Get(context.Background(), "other"); store.CodeOf(err) != store.Unavailable || !store.IsDown(err) {
		t.Errorf("error %v, want that no answer came in time", err)
	}
	c.readers(64, names)
	c.wantReads(t, 1)
	c.advance(2 * time.Second)
	for i, err := range c.readers(64, names) {
		if store.CodeOf(err) != store.Unavailable || !store.IsDown(err) {
			t.Errorf("%s: error %v, want a refusal", names(i), err)
		}
	}
	c.wantReads(t, 2)
	close(c.up.hold)
	c.advance(2 * time.Second)
	c.want(t, "name-0", "1")
	if h := c.Health(); h.Failing != nil || !h.Since.IsZero() {
		t.Errorf("the state is %+v, want that it answers", h)
	}
}

func TestAListIsRefusedWhileTheServiceFails(t *testing.T) {
	c := newCached(0, 0)
	c.fails(store.Error{Code: store.Unavailable, Down: true})
	c.wantCode(t, "a", store.Unavailable)
	if _, err := c.List(context.Background(), ""); store.CodeOf(err) != store.Unavailable {
		t.Errorf("List: error %v, want a refusal", err)
	}
	c.up.up()
	c.advance(2 * time.Second)
	for c.Health().Failing != nil {
		time.Sleep(time.Millisecond)
	}
	if _, err := c.List(context.Background(), ""); err != nil {
		t.Errorf("List: %v", err)
	}
}

// Nobody has asked for an hour, and the service is back: a burst of readers,
// as at the full hour, is not refused for what was so then.
func TestAnOldFailureRefusesNobody(t *testing.T) {
	c := newCachedWith(cachestore.Options{Remember: time.Second})
	names := func(i int) string { return fmt.Sprint("name-", i) }
	for i := range 32 {
		c.seed(t, names(i), "1")
	}
	for ask, readers := range map[string]func() []error{
		"reads": func() []error { return c.readers(32, names) },
		"a list": func() []error {
			_, err := c.List(context.Background(), "")
			return []error{err}
		},
	} {
		c.fails(store.Error{Code: store.Unavailable, Down: true})
		c.wantCode(t, "other", store.Unavailable)
		c.up.up()
		c.advance(time.Hour)
		for i, err := range readers() {
			if err != nil {
				t.Errorf("%s: %d was refused: %v", ask, i, err)
			}
		}
	}
}

func TestAReaderGetsTheStaleSecretAtTheEndOfItsTime(t *testing.T) {
	c := newCached(time.Minute, time.Hour)
	c.seed(t, "a", "1")
	c.want(t, "a", "1")
	c.up.hold = make(chan struct{})
	defer close(c.up.hold)
	c.advance(2 * time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if s, err := c.Get(ctx, "a"); err != nil || !s.Stale.Equal(start) {
		t.Errorf("Get = %v, %v, want the stale secret", s, err)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, err := c.Get(left, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the reader left", err)
	}
}

func TestAStopEndsWhatWaits(t *testing.T) {
	c := newCached(time.Minute, time.Hour)
	c.seed(t, "known", "1")
	c.want(t, "known", "1")
	c.up.hold = make(chan struct{})
	defer close(c.up.hold)
	c.advance(2 * time.Minute)
	ended := make(chan []error)
	go func() { ended <- c.readers(2, func(i int) string { return []string{"known", "unknown"}[i] }) }()
	for c.up.reads.Load() < 3 {
		time.Sleep(time.Millisecond)
	}
	c.Stop()
	if errs := <-ended; errs[0] != nil || store.CodeOf(errs[1]) != store.Unavailable {
		t.Errorf("the readers got %v, want the stale secret and an end", errs)
	}
}
