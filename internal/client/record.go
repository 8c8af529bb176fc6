package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/render"
	"github.com/airlock-secrets/airlock/store"
)

// prefix is where clients live in the store.
const prefix = "client/"

// NameOf is the client that a store of clients keeps under a name.
func NameOf(stored string) string { return strings.TrimPrefix(stored, prefix) }

// recordVersion is the version of the stored form.
const recordVersion = 1

// record is a client as it is stored. It holds hashes, never a credential. One
// that is in a registry is replaced, never changed, because requests hold on
// to it.
type record struct {
	Version       int        `json:"version"`
	Name          string     `json:"name"`
	Deployment    string     `json:"deployment,omitempty"`
	TokenHash     digest     `json:"token_hash"`
	Accessor      string     `json:"token_accessor"`
	RoleID        string     `json:"role_id,omitempty"`
	SecretHash    digest     `json:"secret_hash,omitzero"`
	SecretExpires time.Time  `json:"secret_expires,omitzero"`
	SecretUses    int        `json:"secret_uses,omitempty"` // left; 0: no limit
	SecretSpent   bool       `json:"secret_spent,omitempty"`
	Rules         []acl.Rule `json:"rules,omitempty"`
	Created       time.Time  `json:"created"`
	Expires       time.Time  `json:"expires,omitzero"`
	// Ended says that the client was seen expired: it stays so whatever the
	// clock says later.
	Ended bool `json:"ended,omitempty"`

	session         *Session // what the client's own token stands for
	stored          int64    // the version in the store
	pending         bool     // it says Ended or SecretSpent, and the store does not yet
	ends, secretEnd end
}

// Info describes a client without anything that could be used to log in.
type Info struct {
	Name string
	// Damage is why the record cannot be used, and what to do: the client is
	// refused, and of its members only Name is set. It is nil for a client that
	// is well. Its code is Unsupported where a newer airlock wrote the record.
	Damage     error
	Deployment string
	Rules      []acl.Rule
	Created    time.Time
	Expires    time.Time // zero: never
	// Expired says that the client is refused until it is extended.
	Expired bool
	// RoleID is empty for a client without AppRole. It is not a secret.
	RoleID        string
	SecretExpires time.Time // zero: never
	// SecretUses is how many logins are left; 0 means no limit, -1 none.
	SecretUses int
}

func (r *record) info(now moment) Info {
	i := Info{Name: r.Name, Deployment: r.Deployment, Rules: r.Rules, Created: r.Created, Expires: r.Expires,
		Expired: r.expired(now), RoleID: r.RoleID, SecretExpires: r.SecretExpires, SecretUses: r.SecretUses}
	if r.SecretSpent {
		i.SecretUses = -1
	}
	return i
}

func (r *record) expired(now moment) bool { return r.Ended || r.ends.over(now) }

// own builds the session of the client's own token, and its ends by both
// clocks.
func (r *record) own(now moment) {
	r.session = &Session{
		Principal: acl.Principal{Name: r.Name, Deployment: r.Deployment, Rules: r.Rules},
		Accessor:  r.Accessor, Created: r.Created, Expires: r.Expires, Path: "auth/token/create",
	}
	r.ends, r.secretEnd = now.end(r.Expires), now.end(r.SecretExpires)
}

// outlives keeps for r, which was read from the store, what is known of old,
// the same client as it was until now: what has ended stays so, and the rest
// ends no later by the clock that nobody sets.
func (r *record) outlives(old *record) {
	if r.Expires.Equal(old.Expires) {
		r.ends = old.ends
		r.pending = r.pending || old.Ended && !r.Ended
		r.Ended = r.Ended || old.Ended
	}
	if r.SecretHash == old.SecretHash && r.SecretExpires.Equal(old.SecretExpires) {
		r.secretEnd = old.secretEnd
		r.pending = r.pending || old.SecretSpent && !r.SecretSpent
		r.SecretSpent = r.SecretSpent || old.SecretSpent
	}
}

func (r *record) encode() (*store.Secret, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding client %q: %w", r.Name, err)
	}
	return &store.Secret{Payload: b, Form: store.Object}, nil
}

// decode reads the client that s holds under a name of the store. What it does
// not know is refused: a rule that is read without one of its parts may allow
// more than it says.
func decode(name string, s *store.Secret) (*record, error) {
	var form struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(s.Payload, &form); err != nil {
		return nil, damaged(name, errors.New("its record is not what was stored"))
	}
	if form.Version > recordVersion {
		return nil, newer(name, fmt.Errorf("its record has version %d, and this airlock knows version %d", form.Version, recordVersion))
	}
	var r record
	d := json.NewDecoder(bytes.NewReader(s.Payload))
	if err := d.Decode(&r); err != nil {
		return nil, damaged(name, errors.New("its record is not what was stored"))
	}
	d = json.NewDecoder(bytes.NewReader(s.Payload))
	if d.DisallowUnknownFields(); d.Decode(new(record)) != nil {
		return nil, newer(name, errors.New("its record says more than this airlock knows"))
	}
	if err := r.check(name); err != nil {
		return nil, damaged(name, err)
	}
	r.stored = s.Version
	return &r, nil
}

// check says which field of a record makes no sense.
func (r *record) check(name string) error {
	switch {
	case r.Version != recordVersion:
		return fmt.Errorf("its record has version %d, and this airlock knows version %d", r.Version, recordVersion)
	case prefix+r.Name != name:
		return errors.New("its record belongs to another name")
	case checkName("", r.Name) != nil:
		return errors.New("its name is not a client's name")
	case r.TokenHash.zero():
		return errors.New("its record has no token")
	case (r.RoleID == "") != r.SecretHash.zero():
		return errors.New("its role id and its secret id do not belong together")
	case r.SecretUses < 0 || r.SecretSpent && r.SecretUses > 0:
		return errors.New("its secret id has a number of uses that makes no sense")
	case len(r.RoleID) > maxToken:
		return errors.New("its role id is too long")
	case !sensible(r.Created) || !r.Expires.IsZero() && !sensible(r.Expires) ||
		!r.SecretExpires.IsZero() && !sensible(r.SecretExpires):
		return errors.New("a time in its record makes no sense")
	}
	return acl.Validate(r.Rules)
}

// sensible reports whether t can be the time of a client: not before there
// were clocks that count from 1970.
func sensible(t time.Time) bool { return t.Unix() > 0 && t.Year() <= 9999 }

func damaged(name string, err error) error {
	name = strings.TrimPrefix(name, prefix)
	return &store.Error{Op: "read client", Name: name, Code: store.Corrupt, Err: err,
		Hint: "revoke the client and add it again: airlock client revoke " + render.ShellWord(Shown(name))}
}

func newer(name string, err error) error {
	return &store.Error{Op: "read client", Name: strings.TrimPrefix(name, prefix), Code: store.Unsupported, Err: err,
		Hint: "use the newer airlock that wrote it; this one does not change the record"}
}
