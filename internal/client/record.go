package client

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/store"
)

// prefix is where clients live in the store.
const prefix = "client/"

// recordVersion is the version of the stored form.
const recordVersion = 1

// record is a client as it is stored. It holds hashes, never a credential.
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

	session *Session // what the client's own token stands for
}

// Info describes a client without anything that could be used to log in.
type Info struct {
	Name       string
	Deployment string
	Rules      []acl.Rule
	Created    time.Time
	Expires    time.Time // zero: never
	// RoleID is empty for a client without AppRole. It is not a secret.
	RoleID        string
	SecretExpires time.Time // zero: never
	// SecretUses is how many logins are left; 0 means no limit, -1 none.
	SecretUses int
}

func (r *record) info() Info {
	i := Info{Name: r.Name, Deployment: r.Deployment, Rules: r.Rules, Created: r.Created, Expires: r.Expires,
		RoleID: r.RoleID, SecretExpires: r.SecretExpires, SecretUses: r.SecretUses}
	if r.SecretSpent {
		i.SecretUses = -1
	}
	return i
}

func (r *record) expired(now time.Time) bool { return !r.Expires.IsZero() && !now.Before(r.Expires) }

// own builds the session of the client's own token.
func (r *record) own() {
	r.session = &Session{
		Principal: acl.Principal{Name: r.Name, Deployment: r.Deployment, Rules: r.Rules},
		Accessor:  r.Accessor, Created: r.Created, Expires: r.Expires, Path: "auth/token/create",
	}
}

func (r *record) encode() (*store.Secret, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding client %q: %w", r.Name, err)
	}
	return &store.Secret{Payload: b, Form: store.Object}, nil
}

func decode(name string, s *store.Secret) (*record, error) {
	corrupt := func(err error) error {
		return &store.Error{Op: "read client", Name: name, Code: store.Corrupt, Err: err,
			Hint: "revoke the client and create it again"}
	}
	var r record
	if err := json.Unmarshal(s.Payload, &r); err != nil {
		return nil, corrupt(fmt.Errorf("its record is not what was stored"))
	}
	if r.Version != recordVersion {
		return nil, corrupt(fmt.Errorf("its record has version %d, this program knows %d", r.Version, recordVersion))
	}
	if prefix+r.Name != name || r.TokenHash.zero() {
		return nil, corrupt(fmt.Errorf("its record belongs to another name or has no token"))
	}
	r.own()
	return &r, nil
}
