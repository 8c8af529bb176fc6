// Package journal keeps the changes of airlock's own store in the audit log: a
// store whose changes are made between the two lines that package audit
// describes, in the words of the gate, so that all that was done to a secret
// is found under one kind and name.
//
// The gate writes the lines of what clients ask for itself, because it knows
// them. A journal stands in front of the own store for everybody else: the
// commands that reach it through the daemon's socket, the commands that open
// it while no daemon runs, and the daemon's own records.
package journal

import (
	"context"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

// Changes is the log of changes; *audit.Log and *audit.Command are.
type Changes interface {
	// Change calls do between the intent and the outcome of e, and does not
	// call it where the intent cannot be kept.
	Change(e *audit.Entry, do func() error) error
}

// Reads is the log of what is read; *audit.Log is.
type Reads interface {
	Write(e *audit.Entry) error
}

// Options say who is at work.
type Options struct {
	// Changes is required.
	Changes Changes
	// Reads gets a line for each read before its answer leaves; nil writes
	// none.
	Reads Reads
	// Principal and Protocol are those of the lines.
	Principal, Protocol string
	// Clients says that the store holds the daemon's clients and no secrets.
	Clients bool
	// Ahead says that the lines do not wait behind those of others.
	Ahead bool
}

// Owner is the principal of a command: whoever may enter the data folder.
const Owner = "owner of the folder"

// Store is a store with its journal.
type Store struct {
	inner store.Store
	o     Options
}

var (
	_ store.Store     = (*Store)(nil)
	_ store.Lister    = (*Store)(nil)
	_ store.Writer    = (*Store)(nil)
	_ store.Versioner = (*Store)(nil)
	_ store.Checker   = (*Store)(nil)
	_ store.Locator   = (*Store)(nil)
)

// New puts a journal in front of inner, which it closes when it is closed. It
// can do what inner can.
func New(inner store.Store, o Options) *Store { return &Store{inner, o} }

// Name is that of the store itself.
func (s *Store) Name() string { return store.Label(s.inner) }

// Close implements store.Store.
func (s *Store) Close() error { return s.inner.Close() }

// Check implements store.Checker. It leaves no line.
func (s *Store) Check(ctx context.Context) error { return store.Check(ctx, s.inner) }

// Locate implements store.Locator. It leaves no line.
func (s *Store) Locate(name string) string { return store.Locate(s.inner, name) }

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, name string) (secret *store.Secret, err error) {
	err = s.read("read", "found", name, 0, func() error {
		secret, err = s.inner.Get(ctx, name)
		return err
	})
	return answered(secret, err)
}

// GetVersion implements store.Versioner.
func (s *Store) GetVersion(ctx context.Context, name string, version int64) (secret *store.Secret, err error) {
	err = s.read("read", "found", name, version, func() error {
		v, err := store.Versions(s.inner)
		if err == nil {
			secret, err = v.GetVersion(ctx, name, version)
		}
		return err
	})
	return answered(secret, err)
}

// Record implements store.Versioner.
func (s *Store) Record(ctx context.Context, name string) (r *store.Record, err error) {
	err = s.read("describe", "found", name, 0, func() error {
		v, err := store.Versions(s.inner)
		if err == nil {
			r, err = v.Record(ctx, name)
		}
		return err
	})
	return answered(r, err)
}

// List implements store.Lister.
func (s *Store) List(ctx context.Context, prefix string) (names []string, err error) {
	err = s.read("list", "listed", prefix, 0, func() error {
		names, err = store.List(ctx, s.inner, prefix)
		return err
	})
	if err != nil {
		return nil, err
	}
	return names, nil
}

// answered gives away nothing whose line could not be written.
func answered[T any](answer *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// Put implements store.Writer.
func (s *Store) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (stored *store.Secret, err error) {
	err = s.change("write", "written", name, func() error {
		stored, err = store.Put(ctx, s.inner, name, secret, o)
		return err
	})
	return answered(stored, err)
}

// Delete implements store.Writer.
func (s *Store) Delete(ctx context.Context, name string) error {
	return s.change("delete", "deleted", name, func() error { return store.Delete(ctx, s.inner, name) })
}

// Hide implements store.Versioner.
func (s *Store) Hide(ctx context.Context, name, by string, versions ...int64) error {
	return s.versions("hide", "hidden", name, func(v store.Versioner) error { return v.Hide(ctx, name, by, versions...) })
}

// Restore implements store.Versioner.
func (s *Store) Restore(ctx context.Context, name, by string, versions ...int64) error {
	return s.versions("restore", "restored", name, func(v store.Versioner) error { return v.Restore(ctx, name, by, versions...) })
}

// Destroy implements store.Versioner.
func (s *Store) Destroy(ctx context.Context, name string, versions ...int64) error {
	return s.versions("destroy", "destroyed", name, func(v store.Versioner) error { return v.Destroy(ctx, name, versions...) })
}

// SetAttributes implements store.Versioner.
func (s *Store) SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error {
	return s.versions("annotate", "annotated", name, func(v store.Versioner) error {
		return v.SetAttributes(ctx, name, protocol, attributes)
	})
}

func (s *Store) versions(action, done, name string, do func(store.Versioner) error) error {
	v, err := store.Versions(s.inner)
	if err != nil {
		return err
	}
	return s.change(action, done, name, func() error { return do(v) })
}

func (s *Store) change(action, done, name string, do func() error) error {
	e := s.entry(action, done, name)
	return s.o.Changes.Change(&e, do)
}

func (s *Store) read(action, done, name string, version int64, do func() error) error {
	if s.o.Reads == nil {
		return do()
	}
	e := s.entry(action, done, name)
	e.Version = version
	err := do()
	e.Duration = time.Since(e.Time)
	if err != nil {
		e.Outcome = audit.Outcome(err)
	}
	if failed := s.o.Reads.Write(&e); failed != nil {
		return failed
	}
	return err
}

func (s *Store) entry(action, done, name string) audit.Entry {
	e := audit.Entry{Time: time.Now(), Request: audit.NewRequest(), Principal: s.o.Principal, Protocol: s.o.Protocol,
		Action: action, Outcome: done, Ahead: s.o.Ahead}
	e.Kind, e.Team, e.Name = s.about(action, name)
	return e
}

// about says what a name of the own store stands for. The prefix of a list
// stays as it is, under the kind that it begins with.
func (s *Store) about(action, name string) (kind, team, id string) {
	if s.o.Clients {
		return "client", "", strings.TrimPrefix(name, "client/")
	}
	if action == "list" {
		first, _, _ := strings.Cut(name, "/")
		if k, err := airflow.ParseKind(first); err == nil {
			return string(k), "", name
		}
		if first == string(acl.Plain) {
			return first, "", name
		}
		return "", "", name
	}
	if refs := (dialect.Native{}).Refs(name); len(refs) == 1 {
		return string(refs[0].Kind), refs[0].Team, refs[0].ID
	}
	return string(acl.Plain), "", strings.TrimPrefix(name, string(acl.Plain)+"/")
}
