package cachestore

import (
	"context"

	"github.com/airlock-secrets/airlock/store"
)

// Name is the label of the inner store.
func (s *Store) Name() string { return store.Label(s.inner) }

// Put writes through.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	var stored *store.Secret
	err := s.change(name, func() (err error) {
		stored, err = store.Put(ctx, s.inner, name, secret, o)
		return err
	})
	return stored, err
}

// Merge writes through, as the inner store merges.
func (s *Store) Merge(ctx context.Context, name string, secret *store.Secret) (*store.Secret, error) {
	var stored *store.Secret
	err := s.change(name, func() (err error) {
		stored, err = store.Merge(ctx, s.inner, name, secret)
		return err
	})
	return stored, err
}

// Delete deletes through.
func (s *Store) Delete(ctx context.Context, name string) error {
	return s.change(name, func() error { return store.Delete(ctx, s.inner, name) })
}

// GetVersion asks the inner store: only the latest version is cached.
func (s *Store) GetVersion(ctx context.Context, name string, version int64) (*store.Secret, error) {
	v, err := store.Versions(s.inner)
	if err != nil {
		return nil, err
	}
	return v.GetVersion(ctx, name, version)
}

// Record asks the inner store.
func (s *Store) Record(ctx context.Context, name string) (*store.Record, error) {
	v, err := store.Versions(s.inner)
	if err != nil {
		return nil, err
	}
	return v.Record(ctx, name)
}

// Hide writes through.
func (s *Store) Hide(ctx context.Context, name, by string, versions ...int64) error {
	return s.versions(name, func(v store.Versioner) error { return v.Hide(ctx, name, by, versions...) })
}

// Restore writes through.
func (s *Store) Restore(ctx context.Context, name, by string, versions ...int64) error {
	return s.versions(name, func(v store.Versioner) error { return v.Restore(ctx, name, by, versions...) })
}

// Destroy writes through.
func (s *Store) Destroy(ctx context.Context, name string, versions ...int64) error {
	return s.versions(name, func(v store.Versioner) error { return v.Destroy(ctx, name, versions...) })
}

// SetAttributes writes through.
func (s *Store) SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error {
	return s.versions(name, func(v store.Versioner) error { return v.SetAttributes(ctx, name, protocol, attributes) })
}

func (s *Store) versions(name string, write func(store.Versioner) error) error {
	v, err := store.Versions(s.inner)
	if err != nil {
		return err
	}
	return s.change(name, func() error { return write(v) })
}

// Check asks the inner store.
func (s *Store) Check(ctx context.Context) error { return store.Check(ctx, s.inner) }

// Locate asks the inner store.
func (s *Store) Locate(name string) string { return store.Locate(s.inner, name) }
