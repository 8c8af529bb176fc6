// Package login shares a log-in among all who wait for it.
package login

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"
)

// Shared runs one log-in for all who ask at the same time. The zero value
// shares nothing: each caller logs in by itself, as long as it has time.
type Shared[T any] struct {
	// Limit is how long a log-in may take, which then outlives the callers that
	// wait for it: one who gives up does not end what the next ones need. 0
	// shares none. It must not change once Do has been called.
	Limit time.Duration
	// Life ends every log-in; nil is without end.
	Life context.Context

	flight singleflight.Group
}

// Do logs in, or joins those who do with the same key.
func (s *Shared[T]) Do(ctx context.Context, key string, login func(context.Context) (T, error)) (T, error) {
	if s.Limit <= 0 {
		return login(ctx)
	}
	done := s.flight.DoChan(key, func() (any, error) {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Limit)
		defer cancel()
		if s.Life != nil {
			defer context.AfterFunc(s.Life, cancel)()
		}
		return login(own)
	})
	var none T
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case r := <-done:
		if r.Err != nil {
			return none, r.Err
		}
		return r.Val.(T), nil
	}
}
