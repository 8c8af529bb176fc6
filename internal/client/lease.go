package client

import (
	"container/list"
	"context"
	"crypto/subtle"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// lease is a token that a login gave. Its session is replaced, never changed,
// because requests hold on to it.
type lease struct {
	hash    digest
	session *Session
	place   *list.Element // among those of its client
}

// leases are those of every client.
type leases struct {
	all map[digest]*lease     // :: hash of the lease's token -> lease
	own map[string]*list.List // :: client -> its leases, the oldest first
}

func newLeases() leases { return leases{map[digest]*lease{}, map[string]*list.List{}} }

func (a *leases) of(d digest) *lease { return a.all[d] }

// add adds l, in the place of the oldest of its client where that has most.
func (a *leases) add(l *lease, most int) {
	own := a.own[l.session.client]
	if own == nil {
		own = list.New()
		a.own[l.session.client] = own
	}
	for own.Len() >= most {
		a.end(own.Front().Value.(*lease))
	}
	a.all[l.hash], l.place = l, own.PushBack(l)
}

func (a *leases) end(l *lease) {
	delete(a.all, l.hash)
	a.own[l.session.client].Remove(l.place)
}

// endAll ends every lease of a client.
func (a *leases) endAll(client string) {
	if own := a.own[client]; own != nil {
		for e := own.Front(); e != nil; e = e.Next() {
			delete(a.all, e.Value.(*lease).hash)
		}
		delete(a.own, client)
	}
}

// Login checks a role id and its secret id and gives a lease: its session and
// its token, which is not kept. The error is Unauthenticated whatever was
// wrong, so that role ids cannot be found out by trying.
func (r *Registry) Login(ctx context.Context, roleID, secretID string) (*Session, string, error) {
	c, err := r.checkSecretID(ctx, roleID, secretID)
	if err != nil {
		return nil, "", err
	}
	now := r.now()
	token := random(leasePrefix)
	l := &lease{hash: digestOf(token), session: &Session{
		Principal: c.session.Principal, Accessor: accessor(), Created: now.wall,
		TTL: r.opts.LeaseTTL, Path: "auth/approle/login", client: c.Name, born: now, ends: now.after(r.opts.LeaseTTL)}}
	l.session.Expires = l.session.ends.wall
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.clients[c.Name]; now == nil || now.TokenHash != c.TokenHash {
		// Rotated or revoked since the check.
		return nil, "", unauthenticated("log in")
	}
	r.leases.add(l, r.opts.Leases)
	return l.session, token, nil
}

// checkSecretID finds the client that the credentials belong to and counts the
// use of a secret id that is good for only so many.
func (r *Registry) checkSecretID(ctx context.Context, roleID, secretID string) (*record, error) {
	if len(roleID) > maxToken || len(secretID) > maxToken {
		return nil, unauthenticated("log in")
	}
	d := digestOf(secretID)
	c, now := r.role(roleID), r.now()
	if !c.owns(d) {
		return nil, unauthenticated("log in")
	}
	if !c.accepts(d, now) {
		r.finish(c.Name)
		return nil, unauthenticated("log in")
	}
	if c.SecretUses == 0 {
		return c, nil
	}
	r.changes.Lock()
	defer r.changes.Unlock()
	c = r.role(roleID) // may have changed while we waited
	if !c.accepts(d, r.now()) {
		return nil, unauthenticated("log in")
	}
	if c.SecretUses == 0 {
		return c, nil
	}
	return r.use(ctx, c)
}

func (r *Registry) role(id string) *record {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.roles[id]
}

// owns compares in constant time; a nil client owns nothing.
func (c *record) owns(secret digest) bool {
	return c != nil && !c.SecretHash.zero() && subtle.ConstantTimeCompare(c.SecretHash[:], secret[:]) == 1
}

func (c *record) accepts(secret digest, now moment) bool {
	return c.owns(secret) && !c.SecretSpent && !c.secretEnd.over(now) && !c.expired(now)
}

// use stores that one use is gone before it lets anybody in. The leases that
// c has given stay. The caller holds changes.
func (r *Registry) use(ctx context.Context, c *record) (*record, error) {
	next := *c
	next.SecretUses--
	next.SecretSpent = next.SecretUses == 0
	if err := r.replace(ctx, c, &next); err != nil {
		return nil, err
	}
	return &next, nil // Login looks whether it was suspended meanwhile
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
	now := r.now()
	next := *s
	next.TTL = increment
	next.ends = earliest(now.after(increment), s.born.after(r.opts.LeaseMax))
	next.Expires = next.ends.wall
	if left := min(next.Expires.Sub(now.wall), next.ends.up-now.up); left < increment {
		next.TTL = max(left, time.Second)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.leases.of(digestOf(token))
	if l == nil {
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
	if l := r.leases.of(d); l != nil {
		r.leases.end(l)
		return nil
	}
	if _, ok := r.tokens[d]; ok {
		return &store.Error{Op: "revoke", Store: "airlock", Code: store.Denied,
			Hint: "a client's own token ends with `airlock client revoke NAME`"}
	}
	return unauthenticated("revoke")
}
