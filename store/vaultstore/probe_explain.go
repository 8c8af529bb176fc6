package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// Explain implements store.Prober, from what the server has said already.
func (s *Store) Explain(_ context.Context, name string, err error) *store.Symptom {
	var e *ResponseError
	if !errors.As(err, &e) || e.login {
		return nil
	}
	mount, path, _ := s.split(name)
	switch {
	case e.deleted != nil:
		fix := fmt.Sprintf("vault kv undelete -mount=%s -versions=%d %s", mount, e.deleted.Version, path)
		what := "deleted"
		if e.deleted.Destroyed {
			what, fix = "destroyed", "write it again: vault kv put"
		}
		return &store.Symptom{Topic: store.TopicNoVersion, Name: name, Fix: fix,
			Text: fmt.Sprintf("%s is there, but its latest version, %d, is %s", s.Locate(name), e.deleted.Version, what)}
	case e.Status == http.StatusForbidden:
		denied := s.notGranted(name, nil)
		return &denied
	case e.says(vault.InvalidVersionedPath):
		return &store.Symptom{Topic: store.TopicKVVersion, Blames: true, Fix: `"kv_engine_version": 2`,
			Text: fmt.Sprintf("the engine at %q is KV version 2, and version %d is asked for: every secret there counts as missing", mount, s.version)}
	case e.Status == http.StatusNotFound && (e.says("no handler for route") || e.says("namespace not found")):
		return &store.Symptom{Topic: store.TopicMount, Blames: true, Fix: s.missingHint(e),
			Text: fmt.Sprintf("nothing is mounted at %q: every secret counts as missing", mount)}
	}
	return nil
}

// Peek implements store.Prober: one folder.
func (s *Store) Peek(ctx context.Context, prefix string) ([]string, error) {
	const op = "list"
	mount, folder, ok := s.folder(prefix)
	if !ok {
		return nil, s.fail(op, prefix, &store.Error{Code: store.Unsupported, Err: errors.New("the mounts themselves cannot be listed")})
	}
	if s.broken != nil {
		return nil, s.fail(op, prefix, s.broken)
	}
	g, err := s.doorman.enter(ctx, nil)
	if err != nil {
		return nil, s.fail(op, prefix, err)
	}
	keys, err := s.keys(ctx, g.token, mount, folder)
	if err != nil {
		return nil, s.fail(op, prefix, err)
	}
	if s.mount == "" {
		folder = mount + "/" + folder
	}
	for i := range keys {
		keys[i] = folder + keys[i]
	}
	return keys, nil
}
