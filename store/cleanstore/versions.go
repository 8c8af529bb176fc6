package cleanstore

import (
	"context"

	"github.com/airlock-secrets/airlock/store"
)

// GetVersion asks the inner store.
func (s *Store) GetVersion(ctx context.Context, name string, version int64) (*store.Secret, error) {
	v, err := store.Versions(s.inner)
	if err != nil {
		return nil, s.clean(err)
	}
	return s.read(v.GetVersion(ctx, name, version))
}

// Record asks the inner store.
func (s *Store) Record(ctx context.Context, name string) (*store.Record, error) {
	v, err := store.Versions(s.inner)
	if err != nil {
		return nil, s.clean(err)
	}
	record, err := v.Record(ctx, name)
	return record, s.clean(err)
}

// Hide asks the inner store.
func (s *Store) Hide(ctx context.Context, name, by string, versions ...int64) error {
	return s.versions(func(v store.Versioner) error { return v.Hide(ctx, name, by, versions...) })
}

// Restore asks the inner store.
func (s *Store) Restore(ctx context.Context, name, by string, versions ...int64) error {
	return s.versions(func(v store.Versioner) error { return v.Restore(ctx, name, by, versions...) })
}

// Destroy asks the inner store.
func (s *Store) Destroy(ctx context.Context, name string, versions ...int64) error {
	return s.versions(func(v store.Versioner) error { return v.Destroy(ctx, name, versions...) })
}

// SetAttributes asks the inner store.
func (s *Store) SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error {
	return s.versions(func(v store.Versioner) error { return v.SetAttributes(ctx, name, protocol, attributes) })
}

func (s *Store) versions(change func(store.Versioner) error) error {
	v, err := store.Versions(s.inner)
	if err == nil {
		err = change(v)
	}
	return s.clean(err)
}
