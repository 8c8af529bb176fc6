package store

import (
	"context"
	"time"
)

// Store reads secrets by name. Implementations are safe for concurrent use.
type Store interface {
	// Get returns the latest readable secret called name. It returns an
	// error of code NotFound where there is none, or where its latest
	// version is deleted; Absent is set where the service proved it. A name that
	// the service cannot hold is Invalid.
	// The secret belongs to the caller.
	Get(ctx context.Context, name string) (*Secret, error)

	// Close releases what the store holds. Calls after Close fail with
	// Unavailable; a second Close is a no-op.
	Close() error
}

// Lister is a Store that can enumerate names.
type Lister interface {
	// List returns, sorted, every name that starts with prefix and is
	// readable now. An empty prefix lists everything. No name is not an error.
	List(ctx context.Context, prefix string) ([]string, error)
}

// PutOptions refine a Put. Nil means none of them.
type PutOptions struct {
	// IfVersion, when not nil, lets the write happen only while the latest
	// version is *IfVersion (0: while the name does not exist, or every one
	// of its versions is gone). Otherwise the error has code Conflict.
	IfVersion *int64
}

// Writer is a Store that can be written.
type Writer interface {
	// Put makes s the latest version of name, replacing nothing of the
	// attributes, and returns the secret as stored, its payload left out.
	// Version and Time of s are ignored: the store assigns them.
	// When Put returns nil the write survives a crash.
	Put(ctx context.Context, name string, s *Secret, o *PutOptions) (*Secret, error)

	// Delete removes name with all its versions and attributes, for good.
	// Deleting what does not exist is NotFound.
	Delete(ctx context.Context, name string) error
}

// Versioner is a Store that keeps more than the latest version. A call that
// changes versions takes each once, and at most MaxVersions: more are Invalid.
// One that fails may have changed some of them.
type Versioner interface {
	// GetVersion returns one version; 0 means the latest. A hidden or
	// destroyed version is NotFound.
	GetVersion(ctx context.Context, name string, version int64) (*Secret, error)

	// Record describes name and its versions, without any payload. It
	// succeeds for a name whose versions are all hidden.
	Record(ctx context.Context, name string) (*Record, error)

	// Hide makes versions unreadable until Restore; none given means the
	// latest. by names the protocol that hides ("vault", "cli"): only the
	// same one restores. Unknown versions are ignored, as Vault does.
	Hide(ctx context.Context, name, by string, versions ...int64) error

	// Restore makes versions hidden by the same protocol readable again.
	Restore(ctx context.Context, name, by string, versions ...int64) error

	// Destroy erases the payload of versions for good; their numbers stay.
	Destroy(ctx context.Context, name string, versions ...int64) error

	// SetAttributes replaces the attributes of one protocol on name,
	// creating the record without any version where there is none.
	SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error
}

// Checker is a Store that can say whether its service is well.
type Checker interface {
	// Check returns nil when the service answers and would serve reads.
	Check(ctx context.Context) error
}

// Locator is a Store that can say where a name is kept, in the service's own
// words: what a person would type into the service's own client.
type Locator interface {
	// Locate returns for instance "secret/data/variables/x". It does not
	// ask the service.
	Locate(name string) string
}

// Record describes one name of a store that keeps versions.
type Record struct {
	Name string
	// Latest is the highest version number given out, readable or not.
	Latest int64
	// Created and Updated are the times of the first and last change.
	Created, Updated time.Time
	// Versions holds what is still known, oldest first.
	Versions []VersionInfo
	// Attributes :: protocol -> attribute -> value.
	Attributes map[string]map[string]string
}

// VersionInfo describes one version without its payload.
type VersionInfo struct {
	Version   int64
	Created   time.Time
	Hidden    time.Time // zero: readable
	HiddenBy  string    // the protocol that hid it
	Destroyed bool
	Damaged   bool // what the store keeps of it cannot be read; only Version is set
}

// List calls s.List, or answers ErrUnsupported.
func List(ctx context.Context, s Store, prefix string) ([]string, error) {
	if l, ok := s.(Lister); ok {
		return l.List(ctx, prefix)
	}
	return nil, unsupported("list", s, prefix)
}

// Put calls s.Put, or answers ErrUnsupported.
func Put(ctx context.Context, s Store, name string, secret *Secret, o *PutOptions) (*Secret, error) {
	if w, ok := s.(Writer); ok {
		return w.Put(ctx, name, secret, o)
	}
	return nil, unsupported("put", s, name)
}

// Delete calls s.Delete, or answers ErrUnsupported.
func Delete(ctx context.Context, s Store, name string) error {
	if w, ok := s.(Writer); ok {
		return w.Delete(ctx, name)
	}
	return unsupported("delete", s, name)
}

// Versions returns s as a Versioner, or ErrUnsupported.
func Versions(s Store) (Versioner, error) {
	if v, ok := s.(Versioner); ok {
		return v, nil
	}
	return nil, unsupported("versions", s, "")
}

// Check calls s.Check; a store that cannot check itself is taken to be well.
func Check(ctx context.Context, s Store) error {
	if c, ok := s.(Checker); ok {
		return c.Check(ctx)
	}
	return nil
}

// Locate returns where s keeps name, or name itself.
func Locate(s Store, name string) string {
	if l, ok := s.(Locator); ok {
		return l.Locate(name)
	}
	return name
}

// Label returns how a person knows s ("vault http://127.0.0.1:8200"): what its
// Name method says, or "" where it has none.
func Label(s Store) string {
	if n, ok := s.(interface{ Name() string }); ok {
		return n.Name()
	}
	return ""
}

func unsupported(op string, s Store, name string) error {
	return &Error{Op: op, Store: Label(s), Name: name, Code: Unsupported,
		Hint: "this source cannot do that: use the service's own tools, or another source"}
}
