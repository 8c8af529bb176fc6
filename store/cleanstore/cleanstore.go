// Package cleanstore takes out of a store's errors what the service repeats of
// credentials and values. The table of internal/stores puts it around every
// store, so that a driver cannot forget it.
//
// What a store gives and is given becomes known to the Set; what it fails with
// is shown by way of the Set. Nothing else changes.
package cleanstore

import (
	"context"
	"net/url"
	"time"

	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/store"
)

// Store is a store whose errors hold no secret of a Set. It has every optional
// interface but [store.Prober], and answers store.ErrUnsupported where the
// inner store has not.
type Store struct {
	inner   store.Store
	secrets *redact.Set
}

// prober is a Store whose inner store is a Prober.
type prober struct {
	*Store
	inner store.Prober
}

// New wraps inner, which it closes when it is closed. The result is a
// [store.Prober] where inner is one. A nil Set only bounds what is shown.
func New(inner store.Store, secrets *redact.Set) store.Store {
	s := &Store{inner, secrets}
	if p, ok := inner.(store.Prober); ok {
		return &prober{s, p}
	}
	return s
}

// Name is the label of the inner store.
func (s *Store) Name() string { return s.secrets.Mask(store.Label(s.inner)) }

// Locate asks the inner store.
func (s *Store) Locate(name string) string { return s.secrets.Mask(store.Locate(s.inner, name)) }

// Get asks the inner store.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	return s.read(s.inner.Get(ctx, name))
}

// read learns what a secret holds.
func (s *Store) read(secret *store.Secret, err error) (*store.Secret, error) {
	if secret != nil {
		s.secrets.Payload(secret.Payload)
	}
	return secret, s.clean(err)
}

// Close closes the inner store.
func (s *Store) Close() error { return s.clean(s.inner.Close()) }

// Broken is what the inner store says is wrong with its settings.
func (s *Store) Broken() error {
	if b, ok := s.inner.(interface{ Broken() error }); ok {
		return s.clean(b.Broken())
	}
	return nil
}

// List asks the inner store.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	names, err := store.List(ctx, s.inner, prefix)
	return names, s.clean(err)
}

// Put asks the inner store.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	s.secrets.Payload(secret.Payload)
	stored, err := store.Put(ctx, s.inner, name, secret, o)
	return stored, s.clean(err)
}

// Merge asks the inner store.
func (s *Store) Merge(ctx context.Context, name string, secret *store.Secret) (*store.Secret, error) {
	s.secrets.Payload(secret.Payload)
	stored, err := store.Merge(ctx, s.inner, name, secret)
	return stored, s.clean(err)
}

// Delete asks the inner store.
func (s *Store) Delete(ctx context.Context, name string) error {
	return s.clean(store.Delete(ctx, s.inner, name))
}

// Check asks the inner store.
func (s *Store) Check(ctx context.Context) error { return s.clean(store.Check(ctx, s.inner)) }

// Endpoint is the address of the inner store's service, nil where it has none:
// a daemon asks for it to notice that it would ask itself.
func (s *Store) Endpoint() *url.URL {
	if e, ok := s.inner.(interface{ Endpoint() *url.URL }); ok {
		return e.Endpoint()
	}
	return nil
}

// Serve prepares the inner store.
func (s *Store) Serve(login time.Duration) (least time.Duration) { return store.Serve(s.inner, login) }

// Calls asks the inner store.
func (p *prober) Calls(ask store.Ask, names ...string) []store.Call {
	calls := p.inner.Calls(ask, names...)
	for i := range calls {
		calls[i].Name, calls[i].When = p.secrets.Mask(calls[i].Name), p.secrets.Mask(calls[i].When)
	}
	return calls
}

// Probe asks the inner store.
func (p *prober) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	symptoms, err := p.inner.Probe(ctx, names)
	for i := range symptoms {
		p.symptom(&symptoms[i])
	}
	return symptoms, p.clean(err)
}

// Explain asks the inner store.
func (p *prober) Explain(ctx context.Context, name string, err error) *store.Symptom {
	found := p.inner.Explain(ctx, name, err)
	if found != nil {
		p.symptom(found)
	}
	return found
}

// symptom cleans what a driver says, partly in the service's words. Its name
// is one that the caller gave.
func (p *prober) symptom(s *store.Symptom) {
	s.Text, s.Fix = p.secrets.Mask(s.Text), p.secrets.Mask(s.Fix)
}

// Peek asks the inner store.
func (p *prober) Peek(ctx context.Context, prefix string) ([]string, error) {
	names, err := p.inner.Peek(ctx, prefix)
	return names, p.clean(err)
}

var (
	_ store.Lister    = (*Store)(nil)
	_ store.Writer    = (*Store)(nil)
	_ store.Merger    = (*Store)(nil)
	_ store.Versioner = (*Store)(nil)
	_ store.Checker   = (*Store)(nil)
	_ store.Locator   = (*Store)(nil)
	_ store.Served    = (*Store)(nil)
	_ store.Prober    = (*prober)(nil)
)
