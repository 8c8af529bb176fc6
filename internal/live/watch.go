package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// errNotAsked is the answer in place of a request that was not made.
var errNotAsked = errors.New("it was not asked")

// watched keeps what a store answers during one look-up, and asks no more of
// one that is down.
type watched struct {
	store.Store
	timeout time.Duration
	// withheld are names that the caller is known not to be allowed to read.
	withheld map[string]bool
	// lost is set once it is known that every name is missing.
	lost bool
	// down is why nothing is asked any more.
	down error
	// heard is what was answered in this look-up.
	heard []heard
}

// heard is one answer.
type heard struct {
	name   string
	secret *store.Secret
	err    error
}

// Name implements what store.Label asks for.
func (w *watched) Name() string { return store.Label(w.Store) }

// Locate implements store.Locator.
func (w *watched) Locate(name string) string { return store.Locate(w.Store, name) }

// Get implements store.Store.
func (w *watched) Get(ctx context.Context, name string) (*store.Secret, error) {
	code := store.Unavailable
	switch {
	case w.down != nil:
	case w.lost:
		code = store.NotFound
	case w.withheld[name]:
		code = store.Denied
	}
	if w.down != nil || w.lost || w.withheld[name] {
		err := &store.Error{Op: "get", Store: w.Name(), Name: name, Code: code, Err: errNotAsked}
		w.heard = append(w.heard, heard{name, nil, err})
		return nil, err
	}
	bound, cancel := context.WithTimeoutCause(ctx, w.timeout, slowError(w.timeout))
	defer cancel()
	secret, err := w.Store.Get(bound, name)
	err = w.late(ctx, bound, name, err)
	if useless(err) && ctx.Err() == nil {
		w.down = err
	}
	w.heard = append(w.heard, heard{name, secret, err})
	return secret, err
}

// late says of an error that it is our patience that ended.
func (w *watched) late(ctx, bound context.Context, name string, err error) error {
	if err == nil || bound.Err() == nil || ctx.Err() != nil {
		return err
	}
	return &store.Error{Op: "get", Store: w.Name(), Name: name, Code: store.Unavailable, Err: context.Cause(bound), Hint: store.Hint(err)}
}

// useless reports whether another request would fare no better.
func useless(err error) bool {
	switch store.CodeOf(err) {
	case store.Unavailable, store.Unauthenticated, store.Throttled:
		return true
	}
	return false
}

// slowError is that a store took too long.
type slowError time.Duration

func (e slowError) Error() string { return fmt.Sprintf("no answer within %v", time.Duration(e)) }

// Timeout implements what net.Error has.
func (e slowError) Timeout() bool { return true }
