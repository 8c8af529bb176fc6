package client

import (
	"context"
	"crypto/subtle"
	"slices"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// lease is a token that a login gave. Its session is replaced, never changed,
// because requests hold on to it.
type lease struct {
	hash    digest
	session *Session
}

// Login checks a role id and its secret id and gives a lease: its session and
// its token, which is not kept. The error is Unauthenticated whatever was
// wrong, so that role ids cannot be found out by trying.
func (r *Registry) Login(ctx context.Context, roleID, secretID string) (*Session, string, error) {
	c, err := r.checkSecretID(ctx, roleID, secretID)
	if err != nil {
		return nil, "", err
	}
	now := r.opts.Now().UTC()
	token := random(leasePrefix)
	l := &lease{hash: digestOf(token), session: &Session{
		Principal: c.session.Principal, Accessor: accessor(), Created: now,
		Expires: now.Add(r.opts.LeaseTTL), TTL: r.opts.LeaseTTL, Path: "auth/approle/login", client: c,
	}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.clients[c.Name]; now == nil || now.TokenHash != c.TokenHash {
		// Rotated or revoked since the check.
		return nil, "", unauthenticated("log in")
	}
	r.makeRoom(now)
	r.leases[l.hash] = l
	return l.session, token, nil
}

// checkSecretID finds the client that the credentials belong to and counts the
// use of a secret id that is good for only so many.
func (r *Registry) checkSecretID(ctx context.Context, roleID, secretID string) (*record, error) {
	if len(roleID) > maxToken || len(secretID) > maxToken {
		return nil, unauthenticated("log in")
	}
	d := digestOf(secretID)
	r.mu.RLock()
	c := r.roles[roleID]
	r.mu.RUnlock()
	if !c.accepts(d, r.opts.Now()) {
		return nil, unauthenticated("log in")
	}
	if c.SecretUses == 0 {
		return c, nil
	}
	r.changes.Lock()
	defer r.changes.Unlock()
	r.mu.RLock()
	c = r.roles[roleID] // may have changed while we waited
	r.mu.RUnlock()
	if !c.accepts(d, r.opts.Now()) {
		return nil, unauthenticated("log in")
	}
	if c.SecretUses == 0 {
		return c, nil
	}
	return r.use(ctx, c)
}

// accepts compares in constant time; a nil client accepts nothing.
func (c *record) accepts(secret digest, now time.Time) bool {
	if c == nil || c.SecretHash.zero() {
		return false
	}
	same := subtle.ConstantTimeCompare(c.SecretHash[:], secret[:]) == 1
	alive := c.SecretExpires.IsZero() || now.Before(c.SecretExpires)
	return same && alive && !c.SecretSpent && !c.expired(now)
}

// use stores that one use is gone before it lets anybody in. The leases that
// c has given stay. The caller holds changes.
func (r *Registry) use(ctx context.Context, c *record) (*record, error) {
	next := *c
	next.SecretUses--
	next.SecretSpent = next.SecretUses == 0
	next.own()
	secret, err := next.encode()
	if err != nil {
		return nil, err
	}
	if _, err := store.Put(ctx, r.store, prefix+c.Name, secret, nil); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clients[c.Name] != c {
		return nil, unauthenticated("log in") // suspended meanwhile
	}
	r.index(&next)
	return &next, nil
}

// makeRoom drops the leases that are over, and where that is not enough the
// quarter that would end soonest. The caller holds mu.
func (r *Registry) makeRoom(now time.Time) {
	if len(r.leases) < r.opts.Leases {
		return
	}
	for d, l := range r.leases {
		if !now.Before(l.session.Expires) {
			delete(r.leases, d)
		}
	}
	if len(r.leases) < r.opts.Leases {
		return
	}
	all := make([]*lease, 0, len(r.leases))
	for _, l := range r.leases {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *lease) int { return a.session.Expires.Compare(b.session.Expires) })
	for _, l := range all[:len(all)/4+1] {
		delete(r.leases, l.hash)
	}
}

// Renew extends a lease by increment (0: by its TTL) from now, never beyond
// Options.LeaseMax after the login. The error is Unauthenticated for a token
// that is not valid, Invalid for a client's own token, which has no end.
func (r *Registry) Renew(token string, increment time.Duration) (*Session, error) {
	s, err := r.Authenticate(token)
	if err != nil {
		return nil, err
	}
	if !s.Renewable() {
		return nil, &store.Error{Op: "renew", Store: "airlock", Code: store.Invalid,
			Hint: "a client's own token needs no renewal"}
	}
	if increment <= 0 {
		increment = s.TTL
	}
	increment = min(increment, r.opts.LeaseMax)
	now := r.opts.Now().UTC()
	next := *s
	next.TTL = increment
	next.Expires = now.Add(increment)
	if last := s.Created.Add(r.opts.LeaseMax); next.Expires.After(last) {
		next.Expires = last
		next.TTL = max(last.Sub(now), time.Second)
	}
	d := digestOf(token)
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.leases[d]
	if !ok {
		return nil, unauthenticated("renew")
	}
	l.session = &next
	return &next, nil
}

// Drop ends a lease before its time. A client's own token is not touched: the
// error is Denied, because only Revoke removes a client.
func (r *Registry) Drop(token string) error {
	d := digestOf(token)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.leases[d]; ok {
		delete(r.leases, d)
		return nil
	}
	if _, ok := r.tokens[d]; ok {
		return &store.Error{Op: "revoke", Store: "airlock", Code: store.Denied,
			Hint: "a client's own token ends with `airlock client revoke NAME`"}
	}
	return unauthenticated("revoke")
}
