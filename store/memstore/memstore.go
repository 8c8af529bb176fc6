// Package memstore keeps secrets in memory: the shortest store that does
// everything package store asks for, and the one to read first.
package memstore

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// Store is a store in memory. Its zero value is not usable: call [New].
type Store struct {
	name string

	mu      sync.Mutex
	closed  bool
	records map[string]*record
}

// record is what is kept under one name. The version of versions[i] is i+1.
type record struct {
	created, updated time.Time
	versions         []version
	attributes       map[string]map[string]string
}

type version struct {
	payload   []byte // nil once destroyed
	form      store.Form
	created   time.Time
	hidden    time.Time
	hiddenBy  string
	destroyed bool
}

func (v *version) readable() bool { return v.hidden.IsZero() && !v.destroyed }

// New returns an empty store that errors call name.
func New(name string) *Store { return &Store{name: name, records: map[string]*record{}} }

// Name is what the store is called in errors.
func (s *Store) Name() string { return s.name }

// Close forgets everything.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.records = true, nil
	return nil
}

func (s *Store) fail(op, name string, code store.Code, cause error) error {
	return &store.Error{Op: op, Store: s.name, Name: name, Code: code, Err: cause, Absent: code == store.NotFound}
}

// begin takes the lock, which the caller gives back by end, unless the store
// is closed or the caller no longer wants an answer.
func (s *Store) begin(ctx context.Context, op, name string) (end func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, s.fail(op, name, store.Unavailable, err)
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, s.fail(op, name, store.Unavailable, errors.New("the store is closed"))
	}
	return s.mu.Unlock, nil
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	return s.GetVersion(ctx, name, 0)
}

// GetVersion implements store.Versioner.
func (s *Store) GetVersion(ctx context.Context, name string, number int64) (*store.Secret, error) {
	end, err := s.begin(ctx, "get", name)
	if err != nil {
		return nil, err
	}
	defer end()
	r := s.records[name]
	if r == nil {
		return nil, s.fail("get", name, store.NotFound, nil)
	}
	if number == 0 {
		number = int64(len(r.versions))
	}
	v := r.at(number)
	if v == nil || !v.readable() {
		return nil, s.fail("get", name, store.NotFound, nil)
	}
	secret := r.describe(number)
	secret.Payload = slices.Clone(v.payload)
	return secret, nil
}

// List implements store.Lister.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	end, err := s.begin(ctx, "list", prefix)
	if err != nil {
		return nil, err
	}
	defer end()
	var names []string
	for name, r := range s.records {
		latest := r.at(int64(len(r.versions)))
		if strings.HasPrefix(name, prefix) && latest != nil && latest.readable() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Put implements store.Writer.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	if err := check(name, secret); err != nil {
		return nil, s.fail("put", name, store.Invalid, err)
	}
	end, err := s.begin(ctx, "put", name)
	if err != nil {
		return nil, err
	}
	defer end()
	if o != nil && o.IfVersion != nil && !s.records[name].holds(*o.IfVersion) {
		return nil, s.fail("put", name, store.Conflict, nil)
	}
	r := s.touch(name)
	r.versions = append(r.versions, version{
		payload: append([]byte{}, secret.Payload...), form: secret.Form, created: r.updated,
	})
	return r.describe(int64(len(r.versions))), nil
}

func check(name string, secret *store.Secret) error {
	switch {
	case name == "":
		return errors.New("a name must not be empty")
	case secret == nil:
		return errors.New("there is no secret to put")
	}
	var object map[string]json.RawMessage
	if secret.Form == store.Object && (json.Unmarshal(secret.Payload, &object) != nil || object == nil) {
		return errors.New("the payload is not a JSON object") // the parser's own error could quote it
	}
	return nil
}

// Delete implements store.Writer.
func (s *Store) Delete(ctx context.Context, name string) error {
	end, err := s.begin(ctx, "delete", name)
	if err != nil {
		return err
	}
	defer end()
	if s.records[name] == nil {
		return s.fail("delete", name, store.NotFound, nil)
	}
	delete(s.records, name)
	return nil
}

// Record implements store.Versioner.
func (s *Store) Record(ctx context.Context, name string) (*store.Record, error) {
	end, err := s.begin(ctx, "record", name)
	if err != nil {
		return nil, err
	}
	defer end()
	r := s.records[name]
	if r == nil {
		return nil, s.fail("record", name, store.NotFound, nil)
	}
	out := &store.Record{
		Name: name, Latest: int64(len(r.versions)), Created: r.created, Updated: r.updated, Attributes: clone(r.attributes),
	}
	for i, v := range r.versions {
		out.Versions = append(out.Versions, store.VersionInfo{
			Version: int64(i + 1), Created: v.created, Hidden: v.hidden, HiddenBy: v.hiddenBy, Destroyed: v.destroyed,
		})
	}
	return out, nil
}
