// Package envstore reads secrets from environment variables: a secret's name
// is the variable's name, its payload the value. A variable that exists but
// is empty is a secret with an empty payload. It is read-only.
package envstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/airlock-secrets/airlock/store"
)

// AttributeProtocol and AttributeName are where a secret says which variable
// it was read from: Attributes[AttributeProtocol][AttributeName]. Airflow
// passes over an empty variable of a team but not over an empty plain one, so
// the dialect has to tell them apart.
const (
	AttributeProtocol = "environment"
	AttributeName     = "name"
)

// Store is an environment. It is safe for concurrent use.
type Store struct {
	name   string
	lookup func(name string) (string, bool)
	names  []string // nil where only lookup is known
	closed atomic.Bool
}

// New returns a store over environ, "NAME=value" each as os.Environ has them,
// which errors call name. Of a repeated name the first counts, as in Python's
// os.environ. Later changes of the environment are not seen.
func New(name string, environ []string) *Store {
	values := map[string]string{}
	names := []string{}
	for _, entry := range environ {
		key, value, ok := strings.Cut(entry, "=")
		if _, seen := values[key]; ok && !seen && key != "" {
			values[key] = value
			names = append(names, key)
		}
	}
	slices.Sort(names)
	lookup := func(key string) (string, bool) { v, ok := values[key]; return v, ok }
	return &Store{name: name, lookup: lookup, names: names}
}

// NewLookup returns a store that asks lookup at each Get, as os.LookupEnv
// does. It cannot list.
func NewLookup(name string, lookup func(string) (string, bool)) *Store {
	return &Store{name: name, lookup: lookup}
}

// Name is what the store is called in errors.
func (s *Store) Name() string { return s.name }

// Close makes every later call fail.
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

// Get implements store.Store. A name that is empty or holds "=" or NUL is
// Invalid: no environment can hold it.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	if err := s.ready(ctx, "get", name); err != nil {
		return nil, err
	}
	if name == "" || strings.ContainsAny(name, "=\x00") {
		return nil, s.fail("get", name, store.Invalid, errors.New(`an environment variable's name is not empty and has no "=" and no NUL`))
	}
	value, ok := s.lookup(name)
	if !ok {
		return nil, s.fail("get", name, store.NotFound, nil)
	}
	return &store.Secret{
		Payload: []byte(value), Form: store.Text,
		Attributes: map[string]map[string]string{AttributeProtocol: {AttributeName: name}},
	}, nil
}

// List implements store.Lister; a store made by NewLookup cannot list.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	if err := s.ready(ctx, "list", prefix); err != nil {
		return nil, err
	}
	if s.names == nil {
		return nil, s.fail("list", prefix, store.Unsupported, nil)
	}
	var names []string
	for _, name := range s.names {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (s *Store) ready(ctx context.Context, op, name string) error {
	if err := ctx.Err(); err != nil {
		return s.fail(op, name, store.Unavailable, err)
	}
	if s.closed.Load() {
		return s.fail(op, name, store.Unavailable, errors.New("the store is closed"))
	}
	return nil
}

func (s *Store) fail(op, name string, code store.Code, cause error) error {
	return &store.Error{Op: op, Store: s.name, Name: name, Code: code, Err: cause,
		Absent: code == store.NotFound}
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Lister = (*Store)(nil)
)
