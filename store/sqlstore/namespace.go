package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// Namespace is the store of one deployment in a data folder. Names in
// different namespaces have nothing to do with each other.
type Namespace struct {
	db     *DB
	name   string
	owner  bool // Close closes db too
	ahead  bool // its changes go before those that wait
	closed atomic.Bool
}

var (
	_ store.Store     = (*Namespace)(nil)
	_ store.Lister    = (*Namespace)(nil)
	_ store.Writer    = (*Namespace)(nil)
	_ store.Versioner = (*Namespace)(nil)
	_ store.Checker   = (*Namespace)(nil)
)

// Namespace returns the store called name, which comes to be with the first
// write. Its Close leaves the folder open.
func (db *DB) Namespace(name string) *Namespace { return &Namespace{db: db, name: name} }

// Ahead returns the same store for changes that wait for nothing but the one
// transaction that runs, however many others wait: those that take access away.
// Its Close leaves the folder open.
func (n *Namespace) Ahead() *Namespace { return &Namespace{db: n.db, name: n.name, ahead: true} }

// Name says where the store is, for messages.
func (n *Namespace) Name() string { return n.db.label }

// Close ends the use of the namespace.
func (n *Namespace) Close() error {
	if n.closed.Swap(true) || !n.owner {
		return nil
	}
	return n.db.Close()
}

// usable refuses calls after Close and names that cannot be stored.
func (n *Namespace) usable(name string) error {
	switch {
	case n.closed.Load() || n.db.closed.Load():
		return errors.New("the store is closed")
	case name == "":
		return invalid("a name is missing")
	case len(name) > MaxName:
		return invalid("a name of more than %d bytes", MaxName)
	}
	return nil
}

// querier is what a handle and a transaction have in common.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// key returns the namespace's opened key, or sql.ErrNoRows for a namespace
// that nothing was ever written to.
func (n *Namespace) key(ctx context.Context, q querier) (*namespaceKey, error) {
	n.db.mu.Lock()
	k := n.db.keys[n.name]
	n.db.mu.Unlock()
	if k != nil {
		return k, nil
	}
	var wrapped []byte
	k = &namespaceKey{name: n.name}
	err := q.QueryRowContext(ctx, "SELECT id, wrapped_key FROM namespace WHERE name = ?", n.name).Scan(into(&k.id), into(&wrapped))
	if err != nil {
		return nil, err
	}
	if k.aead, err = openNamespaceKey(ctx, n.db.kek, n.name, wrapped); err != nil {
		return nil, err
	}
	n.remember(k)
	return k, nil
}

func (n *Namespace) remember(k *namespaceKey) {
	n.db.mu.Lock()
	defer n.db.mu.Unlock()
	n.db.keys[n.name] = k
}

// change runs f in a writing transaction and commits, unless f fails. With
// create, the namespace is made where it is missing; else its absence is
// sql.ErrNoRows.
func (n *Namespace) change(ctx context.Context, create bool, f func(*sql.Tx, *namespaceKey) error) error {
	if err := n.db.mayChange(); err != nil {
		return err
	}
	if err := n.db.writers.Enter(ctx, n.ahead); err != nil {
		return &cause{code: store.Unavailable, hint: "try again", err: fmt.Errorf("waiting for the changes before this one: %w", err)}
	}
	defer n.db.writers.Leave()
	tx, err := n.db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	k, err := n.key(ctx, tx)
	fresh := create && errors.Is(err, sql.ErrNoRows)
	if fresh {
		k, err = n.make(ctx, tx)
	}
	if err != nil {
		return err
	}
	if err := f(tx, k); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if fresh {
		n.remember(k)
	}
	return nil
}

// make makes the namespace and its data key.
func (n *Namespace) make(ctx context.Context, tx *sql.Tx) (*namespaceKey, error) {
	k := &namespaceKey{name: n.name}
	primitive, wrapped, err := newNamespaceKey(ctx, n.db.kek, n.name)
	if err != nil {
		return nil, err
	}
	k.aead = primitive
	err = tx.QueryRowContext(ctx, "INSERT INTO namespace (name, wrapped_key, created) VALUES (?, ?, ?) RETURNING id",
		n.name, wrapped, time.Now().UnixNano()).Scan(&k.id)
	if err != nil {
		return nil, fmt.Errorf("making namespace %q: %w", n.name, err)
	}
	return k, nil
}
