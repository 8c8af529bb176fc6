package client

import (
	"context"
	"errors"
	"time"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

// How long the storing of an end may take, and how soon it is tried again.
const (
	finishTimeout = 5 * time.Second
	finishAgain   = time.Second
)

// finish makes last what is over of a client: at once in memory, and in the
// store so that it also holds after a restart by a clock that was set back.
// Where that cannot be stored, the next one who sees it tries again. The caller
// does not hold changes.
func (r *Registry) finish(name string) {
	now := r.now()
	r.mu.Lock()
	c := r.clients[name]
	if c == nil {
		r.mu.Unlock()
		return
	}
	next := *c
	next.Ended = c.expired(now)
	if c.secretEnd.over(now) {
		next.SecretSpent, next.SecretUses = true, 0
	}
	again := c.pending && now.up >= r.retry
	if next.Ended != c.Ended || next.SecretSpent != c.SecretSpent {
		next.pending, again = true, true
		r.index(&next)
		if next.Ended {
			r.leases.endAll(name)
		}
	}
	if again {
		r.retry = now.up + finishAgain
	}
	r.mu.Unlock()
	if again {
		r.keep(name)
	}
}

// keep stores what finish did.
func (r *Registry) keep(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), finishTimeout)
	defer cancel()
	r.changes.Lock()
	defer r.changes.Unlock()
	r.mu.RLock()
	c := r.clients[name]
	r.mu.RUnlock()
	if c == nil || !c.pending {
		return
	}
	next := *c
	_ = r.replace(ctx, c, &next)
}

// EndExpired has the clients that have expired refused until they are
// extended. Whoever serves calls it when it starts.
func (r *Registry) EndExpired() {
	for _, info := range r.List() {
		if info.Expired {
			r.finish(info.Name)
		}
	}
}

// replace stores next in place of old, whose credentials and leases stay. An
// error that audit.Made knows says that it is stored. The caller holds changes.
func (r *Registry) replace(ctx context.Context, old, next *record) error {
	err := r.save(ctx, next)
	if err != nil && !audit.Made(err) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clients[old.Name] == old { // not suspended meanwhile
		r.index(next)
	}
	return err
}

// save stores c over the version that it was read as, and over no other: that
// is Conflict, and the clients are read again. An error that audit.Made knows
// says that c is stored. The caller holds changes.
func (r *Registry) save(ctx context.Context, c *record) error {
	secret, err := c.encode()
	if err != nil {
		return err
	}
	read := c.stored
	stored, err := store.Put(ctx, r.store, prefix+c.Name, secret, &store.PutOptions{IfVersion: &read})
	switch {
	case err == nil:
		c.stored = stored.Version
	case audit.Made(err):
		c.stored = read + 1
	case store.CodeOf(err) == store.Conflict && read > 0:
		return errors.Join(err, r.reload(ctx))
	default:
		return err
	}
	c.pending = false
	return err
}
