package vaultstore

import (
	"context"
	"encoding/json"

	"github.com/airlock-secrets/airlock/store"
)

// Merge implements store.Merger: a secret of one member replaces that member
// and keeps the others, on condition in KV version 2 that nobody writes in
// between. What may not be read, or is proven not to be there, is written
// plainly; any other failure writes nothing, as the secret may have other
// members.
func (s *Store) Merge(ctx context.Context, name string, secret *store.Secret) (*store.Secret, error) {
	var member, object map[string]json.RawMessage
	if secret == nil || json.Unmarshal(secret.Payload, &member) != nil || len(member) != 1 {
		return s.Put(ctx, name, secret, nil)
	}
	old, err := s.Get(ctx, name)
	switch code := store.CodeOf(err); {
	case store.Absent(err) || code == store.Denied:
		return s.Put(ctx, name, secret, nil)
	case err != nil:
		return nil, err
	case json.Unmarshal(old.Payload, &object) != nil || object == nil:
		return s.Put(ctx, name, secret, nil)
	}
	for key, value := range member {
		object[key] = value
	}
	payload, err := json.Marshal(object)
	if err != nil {
		return nil, s.fail("put", name, errNotJSON)
	}
	var o *store.PutOptions
	if s.version == 2 {
		o = &store.PutOptions{IfVersion: &old.Version}
	}
	return s.Put(ctx, name, &store.Secret{Payload: payload, Form: store.Object}, o)
}
