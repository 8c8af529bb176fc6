// Package cachestore stands between many readers and a store. Readers of one
// name share one read, which has its time and outlives each of them; and what
// the store said may be kept. It keeps raw names, not look-ups: which layer
// wins is computed over its answers and stays exact.
//
// # What is kept
//
// For Options.TTL what the store said is answered without asking again: a
// secret, or that there is provably none (store.Error.Absent). After that a
// secret is kept for Options.Stale, and is answered, marked with its time
// (store.Secret.Stale), where the store does not answer, throttles, refuses
// the log-in, answers with what cannot be read, or says without proof that
// there is none. A stale miss is never answered. A denial of the read of one
// name evicts it; a failed log-in evicts nothing. A write through the cache is
// seen by the next read.
//
// # What fails
//
// A failed read is never an answer, but Options.Remember is how long further
// readers of the name get the same failure, or the stale secret, without a
// request to the store.
//
// Where the error says that the service fails as a whole (store.IsDown), or no
// answer comes in time, no name is asked for until one read, the probe, has
// shown that it answers: stale secrets are answered at once, other names are
// refused. There is one probe at a time. It is the read of a name that somebody
// asks for, and there is a pause between two probes that grows to a second.
// Where nobody has asked for longer than that, the first probe is waited for,
// at most a second, before a name is refused.
package cachestore

import (
	"context"
	"errors"
	"fmt"
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
	// Stale is how much longer a secret is served while the store fails.
	Stale time.Duration
	// MaxBytes bounds names and payloads held; 0 means 64 MiB.
	MaxBytes uint64
	// Timeout bounds one read that several readers share; 0 means 60 s.
	Timeout time.Duration
	// ListTimeout bounds a list; 0 means 60 s.
	ListTimeout time.Duration
	// Remember is how long a failed read of a name is not made again; 0 makes
	// it again for each reader.
	Remember time.Duration
	// Now is the clock, with its monotonic part; nil means time.Now.
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
	health  health
	failed  failures

	life context.Context // of every read and list; ends at Stop
	stop context.CancelFunc
}

// New wraps inner, which it closes when it is closed.
func New(inner store.Store, o Options) *Store {
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.ListTimeout == 0 {
		o.ListTimeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{inner: inner, o: o, failed: failures{time: o.Remember}, cache: otter.Must(&otter.Options[string, entry]{
		MaximumWeight: o.MaxBytes,
		Weigher: func(name string, e entry) uint32 {
			weight := len(name) + 128
			if e.secret != nil {
				weight += len(e.secret.Payload)
			}
			return uint32(min(weight, 1<<31))
		},
	})}
	s.life, s.stop = context.WithCancel(context.Background())
	return s
}

// Get returns what is cached while it is fresh, else asks the store.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	if e, ok := s.cache.GetIfPresent(name); ok && s.age(e) <= s.o.TTL {
		return s.answer(name, e)
	}
	if err := ctx.Err(); err != nil {
		return nil, s.fail("get", name, err)
	}
	if err := s.failed.of(name, s.o.Now()); err != nil {
		return s.instead(name, err)
	}
	if t := s.health.ask(s.o.Now(), s.o.Timeout); t.failing != nil {
		return s.whileFailing(ctx, name, t)
	}
	return s.await(ctx, name, s.read(name, s.o.Timeout), nil)
}

// await waits for a read that was begun, as long as the reader has time. Late
// is its error after that; nil is that of ctx.
func (s *Store) await(ctx context.Context, name string, read <-chan singleflight.Result, late error) (*store.Secret, error) {
	select {
	case <-ctx.Done():
		if late == nil {
			late = s.fail("get", name, ctx.Err())
		}
		return s.instead(name, late)
	case r := <-read:
		if r.Err != nil {
			return s.instead(name, r.Err)
		}
		return s.answer(name, r.Val.(entry))
	}
}

// whileFailing answers without the service, unless it is the reader's turn to
// find out whether it is back, or has to be found out first.
func (s *Store) whileFailing(ctx context.Context, name string, t turn) (*store.Secret, error) {
	refused := s.refusal("get", name, t.failing)
	var read <-chan singleflight.Result
	if t.probe > 0 {
		read = s.probe(name, t.probe)
	}
	if secret, err := s.instead(name, refused); err == nil || t.wait == nil {
		return secret, err
	}
	if read == nil {
		if s.failsAfter(ctx, t) != nil {
			return s.instead(name, refused)
		}
		return s.await(ctx, name, s.read(name, s.o.Timeout), nil)
	}
	within, cancel := context.WithTimeout(ctx, refusalTime)
	defer cancel()
	return s.await(within, name, read, refused)
}

// failsAfter is why the service fails after the probe that t waits for.
func (s *Store) failsAfter(ctx context.Context, t turn) error {
	if t.wait != nil {
		ctx, cancel := context.WithTimeout(ctx, refusalTime)
		defer cancel()
		select {
		case <-t.wait:
		case <-ctx.Done():
		}
	}
	h, _ := s.health.state()
	return h.Failing
}

// probe reads name to find out whether the service is back.
func (s *Store) probe(name string, patience time.Duration) <-chan singleflight.Result {
	read, told := s.read(name, patience), make(chan singleflight.Result, 1)
	go func() {
		r := <-read
		s.health.probed(s.o.Now())
		told <- r
	}()
	return told
}

// Health is how the service was when it was last asked. Where a probe is due
// it is sent, and not waited for.
func (s *Store) Health() Health {
	s.nudge()
	h, _ := s.health.state()
	return h
}

// nudge sends a probe that is due.
func (s *Store) nudge() turn {
	t := s.health.ask(s.o.Now(), s.o.Timeout)
	if _, name := s.health.state(); t.probe > 0 {
		s.probe(name, t.probe)
	}
	return t
}

func (s *Store) age(e entry) time.Duration { return s.o.Now().Sub(e.at) }

// answer is what the store said within the cache's time.
func (s *Store) answer(name string, e entry) (*store.Secret, error) {
	if e.secret == nil {
		return nil, &store.Error{Op: "get", Store: store.Label(s.inner), Name: name, Code: store.NotFound, Absent: true}
	}
	secret := *e.secret
	secret.Payload = slices.Clone(e.secret.Payload)
	return &secret, nil
}

// instead is what is answered where the store failed with err: the last secret
// that it gave, while that is not too old, else err.
func (s *Store) instead(name string, err error) (*store.Secret, error) {
	e, ok := s.cache.GetIfPresent(name)
	if !ok || e.secret == nil || !outlives(err) || s.age(e)-s.o.TTL > s.o.Stale {
		return nil, err
	}
	secret, err := s.answer(name, e)
	// A read may have succeeded meanwhile, and the store may answer for another
	// one with what was stale already.
	if err == nil && s.age(e) > s.o.TTL && secret.Stale.IsZero() {
		secret.Stale = e.at.Round(0)
	}
	return secret, err
}

// outlives reports whether a secret is still good for its readers where the
// store fails with err: it is not where the store refuses this very name, and
// none is given to a reader who has left.
func outlives(err error) bool {
	if store.IsDown(err) {
		return true
	}
	switch store.CodeOf(err) {
	case store.Unavailable, store.Corrupt:
		return !errors.Is(err, context.Canceled)
	case store.NotFound:
		return !store.Absent(err)
	}
	return false
}

// fail says why a reader has no answer.
func (s *Store) fail(op, name string, err error) error {
	return &store.Error{Op: op, Store: store.Label(s.inner), Name: name, Code: store.Unavailable, Err: err,
		Down: errors.Is(err, context.DeadlineExceeded)}
}

// refusal is the error of a name that is not asked for while the service fails.
func (s *Store) refusal(op, name string, failing error) error {
	e := &store.Error{Op: op, Store: store.Label(s.inner), Name: name, Code: store.Unavailable, Down: true, Hint: store.Hint(failing)}
	if code := store.CodeOf(failing); code == store.Throttled || code == store.Unauthenticated {
		e.Code = code
	}
	h, _ := s.health.state()
	why := failing
	var coded *store.Error
	if errors.As(failing, &coded) && coded.Err != nil {
		why = coded.Err // without the name that it was about
	}
	e.Err = fmt.Errorf("the store fails since %s and is not asked for each name: %w", h.Since.Format(time.TimeOnly), why)
	return e
}

// Stop ends what waits for the store; later reads of it fail. What is cached
// is still answered.
func (s *Store) Stop() { s.stop() }

// Close closes the inner store and drops what is cached.
func (s *Store) Close() error {
	s.stop()
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
