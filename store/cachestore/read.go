package cachestore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/airlock-secrets/airlock/store"
)

// errStopped is the end of what waits when the daemon stops.
var errStopped = errors.New("the store is closed")

// read asks the store for name, or joins those who do already. It is bound to
// no reader's patience.
func (s *Store) read(name string, patience time.Duration) <-chan singleflight.Result {
	return s.flight.DoChan(name, func() (any, error) {
		// A read may have ended between the reader's look and its joining.
		if e, ok := s.cache.GetIfPresent(name); ok && s.age(e) <= s.o.TTL {
			return e, nil
		}
		if err := s.failed.of(name, s.o.Now()); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(s.life, patience)
		defer cancel()
		return s.fetch(ctx, name, patience)
	})
}

// fetch asks the store, keeps what it says, unless something was written
// meanwhile, and takes note of a failure.
func (s *Store) fetch(ctx context.Context, name string, patience time.Duration) (entry, error) {
	before := s.changes.Load()
	secret, err := s.ask(ctx, name, patience)
	now := s.o.Now()
	if s.life.Err() == nil {
		s.health.saw(name, err, now)
	}
	switch {
	case err == nil, store.Absent(err):
		e := entry{secret: secret, at: now}
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
	case store.CodeOf(err) == store.Denied && !store.IsDown(err):
		s.cache.Invalidate(name)
	}
	s.failed.add(name, err, now)
	if s.changes.Load() != before {
		s.failed.forget(name)
	}
	return entry{}, err
}

// ask reads name and does not wait for a store that misses the end of its time.
func (s *Store) ask(ctx context.Context, name string, patience time.Duration) (*store.Secret, error) {
	type answer struct {
		secret *store.Secret
		err    error
	}
	told := make(chan answer, 1)
	go func() {
		secret, err := s.inner.Get(ctx, name)
		told <- answer{secret, err}
	}()
	select {
	case a := <-told:
		if a.err == nil || ctx.Err() == nil {
			return a.secret, a.err
		}
	case <-ctx.Done():
	}
	if s.life.Err() != nil {
		return nil, s.fail("get", name, errStopped)
	}
	return nil, s.fail("get", name, fmt.Errorf("no answer within %v: %w", patience, ctx.Err()))
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
	s.failed.forget(name)
}

// List asks the inner store: listings are not cached, and each reader's is its
// own. While the service fails it is not asked.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	if failing := s.failsAfter(ctx, s.nudge()); failing != nil {
		return nil, s.refusal("list", prefix, failing)
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.ListTimeout)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	return store.List(ctx, s.inner, prefix)
}
