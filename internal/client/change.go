package client

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
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

// Shown is a client's name as commands show it and take it: a name that is no
// client's name, which only a damaged record can have, is quoted.
func Shown(name string) string {
	if checkName("", name) == nil {
		return name
	}
	return strconv.QuoteToASCII(name)
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
	now := r.now()
	c := &record{Version: recordVersion, Name: spec.Name, Deployment: spec.Deployment, Rules: spec.Rules,
		Created: now.wall, Expires: spec.Expires.UTC()}
	if spec.AppRole {
		c.RoleID = uuid()
	}
	creds := c.arm(spec.Token, spec.SecretTTL, spec.SecretUses, now)
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
	creds := c.arm("", ttl, uses, r.now())
	return made(creds, r.put(ctx, op, old, &c))
}

// Extend sets when a client ends, zero for never, and lets one in again that
// has expired. Its credentials and its leases stay.
func (r *Registry) Extend(ctx context.Context, name string, expires time.Time) error {
	const op = "extend client"
	r.changes.Lock()
	defer r.changes.Unlock()
	old, err := r.find(op, name)
	if err != nil {
		return err
	}
	now := r.now()
	if !expires.IsZero() && !expires.After(now.wall) {
		return invalid(op, name, errors.New("the time at which the client ends has passed"))
	}
	c := *old
	c.Expires, c.Ended = expires.UTC(), false
	c.own(now)
	return r.replace(ctx, old, &c)
}

// arm gives c fresh credentials and keeps their hashes.
func (c *record) arm(token string, ttl time.Duration, uses int, now moment) *Credentials {
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
			c.SecretExpires = now.wall.Add(ttl)
		}
	}
	c.own(now)
	return creds
}

// Revoke removes a client, also one with a damaged record, but not the record
// of a newer airlock: its token and its leases stop at once. Where the store
// cannot be changed they stop all the same, until the process ends.
func (r *Registry) Revoke(ctx context.Context, name string) error {
	r.changes.Lock()
	defer r.changes.Unlock()
	r.mu.RLock()
	damage := r.damaged[name]
	r.mu.RUnlock()
	if _, err := r.find("revoke client", name); err != nil && store.CodeOf(damage) != store.Corrupt {
		return err
	}
	err := Revoke(ctx, r.store, name)
	_ = r.Suspend(name)
	if store.CodeOf(err) == store.NotFound {
		err = nil
	}
	if err == nil {
		r.mu.Lock()
		delete(r.damaged, name)
		r.mu.Unlock()
	}
	return err
}

// Revoke removes a client from the store of a registry without reading what
// the store holds. It is NotFound where there is no client of that name, and
// Invalid where there can be none. The name of a damaged record may be given
// as Shown quotes it.
func Revoke(ctx context.Context, s store.Store, name string) error {
	const op = "revoke client"
	odd := checkName(op, name)
	if odd != nil {
		if plain, err := strconv.Unquote(name); err == nil && Shown(plain) == name {
			name = plain
		}
	}
	err := store.Delete(ctx, s, prefix+name)
	switch {
	case store.CodeOf(err) != store.NotFound:
		return err
	case odd != nil:
		return odd
	}
	return missing(op, name)
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
	if r.damaged[name] != nil { // which is refused already
		return nil
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
	if err, ok := r.damaged[name]; ok {
		return nil, err
	}
	return nil, missing(op, name)
}

func missing(op, name string) error {
	return &store.Error{Op: op, Name: name, Code: store.NotFound, Hint: "`airlock client list` shows the names"}
}

// put stores c in place of old (nil: of nothing) and then lets it in. The
// caller holds changes.
func (r *Registry) put(ctx context.Context, op string, old, c *record) error {
	if old == nil && r.taken(c) {
		return taken(op, c.Name)
	}
	err := r.save(ctx, c)
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

func taken(op, name string) error {
	return &store.Error{Op: op, Name: name, Code: store.Conflict,
		Err:  fmt.Errorf("there is a client of that name or with that token"),
		Hint: "choose another name, or give it new credentials with `airlock client rotate`"}
}

// taken reports whether a client has the name of c or one of its credentials.
func (r *Registry) taken(c *record) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, name := r.clients[c.Name]
	_, damaged := r.damaged[c.Name]
	_, token := r.tokens[c.TokenHash]
	_, role := r.roles[c.RoleID]
	return name || damaged || token || role
}
