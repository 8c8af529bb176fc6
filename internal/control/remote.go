package control

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/store"
)

// Remote is a store that a daemon has open. It can do what that store can,
// and answers with that store's errors; where the daemon does not answer they
// are Unavailable.
type Remote struct {
	client    *Client
	namespace string
	closed    atomic.Bool
}

var (
	_ store.Store     = (*Remote)(nil)
	_ store.Lister    = (*Remote)(nil)
	_ store.Writer    = (*Remote)(nil)
	_ store.Versioner = (*Remote)(nil)
	_ store.Checker   = (*Remote)(nil)
	_ store.Locator   = (*Remote)(nil)
)

// Name says where the store is, for messages.
func (r *Remote) Name() string { return r.client.labels[r.namespace] }

// Close ends the use of the store.
func (r *Remote) Close() error {
	r.closed.Store(true)
	return nil
}

// ask makes one call.
func (r *Remote) ask(ctx context.Context, op string, q request) (*answer, error) {
	if r.closed.Load() {
		return nil, r.client.fail(op, string(q.Name), errors.New("the store is closed"))
	}
	q.Namespace = r.namespace
	a, err := r.client.do(ctx, op, &q)
	return a, r.client.fail(op, string(q.Name), err)
}

// askSecret makes one call whose answer is a secret.
func (r *Remote) askSecret(ctx context.Context, op string, q request) (*store.Secret, error) {
	a, err := r.ask(ctx, op, q)
	if err != nil {
		return nil, err
	}
	if a.Secret == nil {
		return nil, &store.Error{Op: op, Store: r.Name(), Name: string(q.Name), Code: store.Corrupt,
			Err: errors.New("the daemon's answer holds no secret")}
	}
	return a.Secret.secret(), nil
}

// Get implements store.Store.
func (r *Remote) Get(ctx context.Context, name string) (*store.Secret, error) {
	return r.askSecret(ctx, opGet, request{Name: []byte(name)})
}

// List implements store.Lister.
func (r *Remote) List(ctx context.Context, prefix string) ([]string, error) {
	a, err := r.ask(ctx, opList, request{Name: []byte(prefix)})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range a.Names {
		names = append(names, string(name))
	}
	return names, nil
}

// Put implements store.Writer.
func (r *Remote) Put(ctx context.Context, name string, s *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	q := request{Name: []byte(name), Secret: fromSecret(s)}
	if o != nil {
		q.IfVersion = o.IfVersion
	}
	return r.askSecret(ctx, opPut, q)
}

// Delete implements store.Writer.
func (r *Remote) Delete(ctx context.Context, name string) error {
	_, err := r.ask(ctx, opDelete, request{Name: []byte(name)})
	return err
}

// GetVersion implements store.Versioner.
func (r *Remote) GetVersion(ctx context.Context, name string, version int64) (*store.Secret, error) {
	return r.askSecret(ctx, opGetVersion, request{Name: []byte(name), Version: version})
}

// Record implements store.Versioner.
func (r *Remote) Record(ctx context.Context, name string) (*store.Record, error) {
	a, err := r.ask(ctx, opRecord, request{Name: []byte(name)})
	if err != nil {
		return nil, err
	}
	if a.Record == nil {
		return nil, &store.Error{Op: opRecord, Store: r.Name(), Name: name, Code: store.Corrupt,
			Err: errors.New("the daemon's answer holds no record")}
	}
	a.Record.Name = name // which need not be UTF-8, as JSON's strings must
	return a.Record, nil
}

// Hide implements store.Versioner.
func (r *Remote) Hide(ctx context.Context, name, by string, versions ...int64) error {
	_, err := r.ask(ctx, opHide, request{Name: []byte(name), Protocol: by, Versions: versions})
	return err
}

// Restore implements store.Versioner.
func (r *Remote) Restore(ctx context.Context, name, by string, versions ...int64) error {
	_, err := r.ask(ctx, opRestore, request{Name: []byte(name), Protocol: by, Versions: versions})
	return err
}

// Destroy implements store.Versioner.
func (r *Remote) Destroy(ctx context.Context, name string, versions ...int64) error {
	_, err := r.ask(ctx, opDestroy, request{Name: []byte(name), Versions: versions})
	return err
}

// SetAttributes implements store.Versioner. Attributes must be UTF-8.
func (r *Remote) SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error {
	for key, value := range attributes {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return &store.Error{Op: opSetAttributes, Store: r.Name(), Name: name, Code: store.Invalid,
				Err: errors.New("an attribute is not text in UTF-8")}
		}
	}
	_, err := r.ask(ctx, opSetAttributes, request{Name: []byte(name), Protocol: protocol, Attributes: attributes})
	return err
}

// Check implements store.Checker: it asks the daemon, which asks its store.
func (r *Remote) Check(ctx context.Context) error {
	_, err := r.ask(ctx, opCheck, request{})
	return err
}

// Suspend takes the access of a client away until the daemon ends, also where
// the daemon can store nothing.
func (r *Remote) Suspend(ctx context.Context, client string) error {
	_, err := r.ask(ctx, opSuspend, request{Name: []byte(client)})
	return err
}

// Locate implements store.Locator. It asks the daemon, but nothing beyond it.
func (r *Remote) Locate(name string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	a, err := r.ask(ctx, opLocate, request{Name: []byte(name)})
	if err != nil {
		return name
	}
	return string(a.Location)
}
