package client

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

// Spec is what a client is created from.
type Spec struct {
	// Name is 1 to 64 letters, digits, dots, dashes and underscores.
	Name       string
	Deployment string
	// Rules decide what it may do; none means read on everything.
	Rules   []acl.Rule
	Expires time.Time // zero: never
	// AppRole also gives it a role id and a secret id.
	AppRole    bool
	SecretTTL  time.Duration // how long the secret id is good for; 0: for ever
	SecretUses int           // how many logins it is good for; 0: any number
	// Token is the client's token where the caller has chosen one (at least
	// 16 bytes); empty means a random one, which is what to use.
	Token string
}

// Credentials are what a client logs in with. They are shown once: only
// hashes are kept.
type Credentials struct {
	Token            string
	RoleID, SecretID string // empty without AppRole
}

// String keeps credentials out of logs.
func (*Credentials) String() string { return "client.Credentials{redacted}" }

// GoString keeps credentials out of logs.
func (c *Credentials) GoString() string { return c.String() }

func invalid(op, name string, err error) error {
	return &store.Error{Op: op, Name: name, Code: store.Invalid, Err: err}
}

func checkName(op, name string) error {
	if !regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`).MatchString(name) {
		return invalid(op, name, fmt.Errorf("a client's name is 1 to 64 letters, digits, dots, dashes and underscores"))
	}
	return nil
}

// Create adds a client. The error is Conflict where the name is taken. It comes
// with the credentials where audit.Made knows it: they are stored then.
func (r *Registry) Create(ctx context.Context, spec Spec) (*Credentials, error) {
	const op = "create client"
	if err := checkName(op, spec.Name); err != nil {
		return nil, err
	}
	if err := acl.Validate(spec.Rules); err != nil {
		return nil, invalid(op, spec.Name, err)
	}
	if spec.Token != "" && (len(spec.Token) < minToken || len(spec.Token) > maxToken) {
		return nil, invalid(op, spec.Name, fmt.Errorf("a token has %d to %d bytes", minToken, maxToken))
	}
	if spec.SecretUses < 0 || spec.SecretTTL < 0 {
		return nil, invalid(op, spec.Name, fmt.Errorf("the uses and the life of a secret id are not negative"))
	}
	r.changes.Lock()
	defer r.changes.Unlock()
	c := &record{Version: recordVersion, Name: spec.Name, Deployment: spec.Deployment, Rules: spec.Rules,
		Created: r.opts.Now().UTC(), Expires: spec.Expires}
	if spec.AppRole {
		c.RoleID = uuid()
	}
	creds := c.arm(spec.Token, spec.SecretTTL, spec.SecretUses, r.opts.Now())
	return made(creds, r.put(ctx, op, nil, c))
}

// made gives the credentials that were stored, also where no more than the
// audit line of that failed.
func made(c *Credentials, err error) (*Credentials, error) {
	if err != nil && !audit.Made(err) {
		return nil, err
	}
	return c, err
}

// Rotate gives a client a new token, and a new secret id where it has a role:
// the old ones, and every lease, stop at once. Of spec only SecretTTL and
// SecretUses are looked at; nil means a secret id without either limit.
func (r *Registry) Rotate(ctx context.Context, name string, spec *Spec) (*Credentials, error) {
	const op = "rotate client"
	r.changes.Lock()
	defer r.changes.Unlock()
	old, err := r.find(op, name)
	if err != nil {
		return nil, err
	}
	c := *old
	var ttl time.Duration
	uses := 0
	if spec != nil {
		ttl, uses = spec.SecretTTL, spec.SecretUses
	}
	creds := c.arm("", ttl, uses, r.opts.Now())
	return made(creds, r.put(ctx, op, old, &c))
}

// arm gives c fresh credentials and keeps their hashes.
func (c *record) arm(token string, ttl time.Duration, uses int, now time.Time) *Credentials {
	if token == "" {
		token = random(TokenPrefix)
	}
	c.TokenHash, c.Accessor = digestOf(token), accessor()
	creds := &Credentials{Token: token, RoleID: c.RoleID}
	if c.RoleID != "" {
		creds.SecretID = random(secretPrefix)
		c.SecretHash, c.SecretUses, c.SecretSpent = digestOf(creds.SecretID), uses, false
		c.SecretExpires = time.Time{}
		if ttl > 0 {
			c.SecretExpires = now.Add(ttl).UTC()
		}
	}
	c.own()
	return creds
}

// Revoke removes a client: its token and its leases stop at once. Where the
// store cannot be changed they stop all the same, until the process ends.
func (r *Registry) Revoke(ctx context.Context, name string) error {
	r.changes.Lock()
	defer r.changes.Unlock()
	if _, err := r.find("revoke client", name); err != nil {
		return err
	}
	err := Revoke(ctx, r.store, name)
	_ = r.Suspend(name) // it is there
	if store.CodeOf(err) == store.NotFound {
		return nil
	}
	return err
}

// Revoke removes a client from the store of a registry without reading what
// the store holds. It is NotFound where there is no client of that name.
func Revoke(ctx context.Context, s store.Store, name string) error {
	const op = "revoke client"
	if err := checkName(op, name); err != nil {
		return err
	}
	err := store.Delete(ctx, s, prefix+name)
	if store.CodeOf(err) == store.NotFound {
		return missing(op, name)
	}
	return err
}

// Suspend takes a client's access away in this process: its token and its
// leases stop at once, and stay so while the store has them. New credentials
// end it. It is NotFound where there is no client of that name.
func (r *Registry) Suspend(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.clients[name]
	if ok {
		r.unindex(c)
		r.suspended[name] = c.TokenHash
	}
	if _, already := r.suspended[name]; !already {
		return missing("suspend client", name)
	}
	return nil
}

// find returns a client by name. The caller holds changes.
func (r *Registry) find(op, name string) (*record, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if c, ok := r.clients[name]; ok {
		return c, nil
	}
	return nil, missing(op, name)
}

func missing(op, name string) error {
	return &store.Error{Op: op, Name: name, Code: store.NotFound, Hint: "`airlock client list` shows the names"}
}

// put stores c in place of old (nil: of nothing) and then lets it in. The
// caller holds changes.
func (r *Registry) put(ctx context.Context, op string, old, c *record) error {
	secret, err := c.encode()
	if err != nil {
		return err
	}
	var o *store.PutOptions
	if old == nil {
		if r.taken(c) {
			return &store.Error{Op: op, Name: c.Name, Code: store.Conflict,
				Err:  fmt.Errorf("there is a client of that name or with that token"),
				Hint: "choose another name, or give it new credentials with `airlock client rotate`"}
		}
		o = &store.PutOptions{IfVersion: new(int64)}
	}
	_, err = store.Put(ctx, r.store, prefix+c.Name, secret, o)
	if err != nil && !audit.Made(err) {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old != nil {
		r.unindex(old)
	}
	r.index(c)
	return err
}

func (r *Registry) taken(c *record) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, name := r.clients[c.Name]
	_, token := r.tokens[c.TokenHash]
	return name || token
}
