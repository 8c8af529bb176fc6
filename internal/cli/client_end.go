package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// suspender is the store of a daemon that can take a client's access away
// without storing it.
type suspender interface {
	Suspend(ctx context.Context, client string) error
}

// revoke asks for nothing but the removal: on a full disk no read is answered.
func (a *app) revoke(ctx context.Context, name string) error {
	return a.endClient(ctx, "revoke", name, func(s store.Store) error { return client.Revoke(ctx, s, name) })
}

// rotate gives a client new credentials. Where they cannot be stored, the old
// ones end all the same.
func (a *app) rotate(ctx context.Context, name string) error {
	return a.endClient(ctx, "rotate", name, func(s store.Store) error {
		return onRegistry(ctx, s, func(ctx context.Context, r *client.Registry) error {
			err := a.credentials(r.Rotate(ctx, name, nil))
			if slices.ContainsFunc(r.List(), func(i client.Info) bool { return i.Name == name && i.Expired }) {
				a.say("airlock: the client has expired and is refused: to let it in, run airlock client extend %s --ttl LONG", name)
			}
			return err
		})
	})
}

// endClient also says what became of the client where its store cannot be
// opened, as on a full disk.
func (a *app) endClient(ctx context.Context, verb, name string, do func(store.Store) error) error {
	opened := false
	err := a.withClientStore(ctx, func(s store.Store) error {
		opened = true
		return ended(ctx, s, verb, name, do(s))
	})
	if err != nil && !opened {
		return ended(ctx, nil, verb, name, err)
	}
	return err
}

// ended says what became of a client's credentials when err kept a change from
// being stored, after it has had the daemon refuse them. Without a store, s is
// nil.
func ended(ctx context.Context, s store.Store, verb, name string, err error) error {
	code := store.CodeOf(err)
	if code != store.Unavailable && code != store.Denied || audit.Made(err) || errors.Is(err, context.Canceled) {
		return err
	}
	again := fmt.Sprintf("airlock client %s %s", verb, excerpt.Name(name))
	e := &store.Error{Op: verb + " client", Name: name, Code: code,
		Err:  fmt.Errorf("the client can still log in: %w", err),
		Hint: strings.TrimSpace(store.Hint(err) + "\nthen run again: " + again)}
	d, ok := s.(suspender)
	if !ok {
		return e
	}
	switch failed := d.Suspend(ctx, name); {
	case store.CodeOf(failed) == store.NotFound:
		return failed
	case failed != nil:
		e.Err = fmt.Errorf("%w; the daemon does not refuse it either: %w", e.Err, failed)
		e.Hint = "stop the daemon to take the access away now; " + e.Hint
		return e
	}
	e.Err = fmt.Errorf("the client can no longer log in until the daemon restarts; the change could not be stored: %w", err)
	e.Hint = strings.TrimSpace(store.Hint(err) + "\nthen run again, before the daemon restarts: " + again)
	return e
}
