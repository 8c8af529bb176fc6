// Package cachestore puts a cache in front of a store. It caches raw names,
// not look-ups: which layer wins is computed over cached answers and stays
// exact.
//
// What is cached is what the store said: a secret, or that there is provably
// none (store.Error.Absent). A failure and a miss without proof are never cached. While the store fails because it is unavailable or
// throttled, what was last known of a name, a secret or a miss, is served
// for up to Options.Stale past its time. A denial or a failed login evicts the
// name. A write through the cache is seen by the next read.
package cachestore

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/airlock-secrets/airlock/store"
)

// Forever is a TTL for a store that is only written through the cache.
const Forever = time.Duration(1<<63 - 1)

// Options bound a cache. The zero value caches nothing.
type Options struct {
	// TTL is how long an answer is served without asking again.
	TTL time.Duration
	// Stale is how much longer it is served while the store is down.
	Stale time.Duration
	// MaxBytes bounds names and payloads held; 0 means 64 MiB.
	MaxBytes uint64
	// Timeout bounds one call that several readers share; 0 means 60 s.
	Timeout time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// entry is what the store said of a name: a secret, or nil for a proven miss.
type entry struct {
	secret *store.Secret
	at     time.Time
}

// Store is a store with a cache in front. It has every optional interface and
// answers store.ErrUnsupported where the inner store has not.
type Store struct {
	inner   store.Store
	o       Options
	cache   *otter.Cache[string, entry]
	flight  singleflight.Group
	changes atomic.Uint64 // counts writes, so that a read begun before one is not cached after it
}

// New wraps inner, which it closes when it is closed.
func New(inner store.Store, o Options) *Store {
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{inner: inner, o: o, cache: otter.Must(&otter.Options[string, entry]{
		MaximumWeight: o.MaxBytes,
		Weigher: func(name string, e entry) uint32 {
			weight := len(name) + 128
			if e.secret != nil {
				weight += len(e.secret.Payload)
			}
			return uint32(min(weight, 1<<31))
		},
	})}
}

// Get returns what is cached while it is fresh, else asks the store; readers
// of one name share one call.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	if e, ok := s.cache.GetIfPresent(name); ok && s.age(e) <= s.o.TTL {
		return s.answer(name, e)
	}
	if err := ctx.Err(); err != nil {
		return nil, &store.Error{Op: "get", Store: store.Label(s.inner), Name: name, Code: store.Unavailable, Err: err}
	}
	fetched := s.flight.DoChan(name, func() (any, error) {
		shared, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.o.Timeout)
		defer cancel()
		return s.fetch(shared, name)
	})
	select {
	case <-ctx.Done():
		return nil, &store.Error{Op: "get", Store: store.Label(s.inner), Name: name, Code: store.Unavailable, Err: ctx.Err()}
	case r := <-fetched:
		if r.Err != nil {
			return nil, r.Err
		}
		return s.answer(name, r.Val.(entry))
	}
}

func (s *Store) age(e entry) time.Duration { return s.o.Now().Sub(e.at) }

func (s *Store) answer(name string, e entry) (*store.Secret, error) {
	if e.secret == nil {
		return nil, &store.Error{Op: "get", Store: store.Label(s.inner), Name: name, Code: store.NotFound, Absent: true}
	}
	secret := *e.secret
	secret.Payload = slices.Clone(e.secret.Payload)
	return &secret, nil
}

// fetch asks the store and keeps what it says, unless something was written
// meanwhile.
func (s *Store) fetch(ctx context.Context, name string) (entry, error) {
	before := s.changes.Load()
	secret, err := s.inner.Get(ctx, name)
	switch {
	case err == nil, store.Absent(err):
		e := entry{secret: secret, at: s.o.Now()}
		if err != nil {
			e.secret = nil
		}
		if s.o.TTL > 0 || s.o.Stale > 0 {
			s.cache.Set(name, e)
		}
		if s.changes.Load() != before {
			s.cache.Invalidate(name)
		}
		return e, nil
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrThrottled):
		if e, ok := s.cache.GetIfPresent(name); ok && s.age(e)-s.o.TTL <= s.o.Stale {
			return e, nil
		}
	case errors.Is(err, store.ErrDenied), errors.Is(err, store.ErrUnauthenticated):
		s.cache.Invalidate(name)
	}
	return entry{}, err
}

// change runs a write and forgets the name before and after it: no reader
// that began before the write can leave its answer behind.
func (s *Store) change(name string, write func() error) error {
	s.forget(name)
	defer s.forget(name)
	return write()
}

func (s *Store) forget(name string) {
	s.changes.Add(1)
	s.flight.Forget(name)
	s.cache.Invalidate(name)
}

// Close closes the inner store and drops what is cached.
func (s *Store) Close() error {
	s.changes.Add(1)
	s.cache.InvalidateAll()
	return s.inner.Close()
}

var (
	_ store.Store     = (*Store)(nil)
	_ store.Lister    = (*Store)(nil)
	_ store.Writer    = (*Store)(nil)
	_ store.Merger    = (*Store)(nil)
	_ store.Versioner = (*Store)(nil)
	_ store.Checker   = (*Store)(nil)
	_ store.Locator   = (*Store)(nil)
)
