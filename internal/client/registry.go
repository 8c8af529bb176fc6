package client

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/store"
)

// Options refine a registry. Nil means none of them.
type Options struct {
	// LeaseTTL is how long a login lasts, and by how much a renewal extends
	// it; 0 means one hour.
	LeaseTTL time.Duration
	// LeaseMax is the longest a lease lives, however often it is renewed; 0
	// means 32 days, Vault's own default.
	LeaseMax time.Duration
	// Leases is how many a client has at most; 0 means 1024. Beyond it its own
	// oldest is dropped: whoever holds that logs in again.
	Leases int
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Uptime is a time that nobody can set and that only goes on; nil means the
	// time since the registry was opened.
	Uptime func() time.Duration
}

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	if d.LeaseTTL <= 0 {
		d.LeaseTTL = time.Hour
	}
	if d.LeaseMax <= 0 {
		d.LeaseMax = 32 * 24 * time.Hour
	}
	if d.Leases <= 0 {
		d.Leases = 1024
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Uptime == nil {
		start := time.Now()
		d.Uptime = func() time.Duration { return time.Since(start) }
	}
	return d
}

// Registry knows the clients. It is safe for concurrent use.
type Registry struct {
	store store.Store
	opts  Options

	// changes is held over a change of the store, so that two of the same
	// client cannot cross.
	changes sync.Mutex

	mu      sync.RWMutex
	clients map[string]*record // :: name -> client
	tokens  map[digest]*record // :: hash of its token -> client
	roles   map[string]*record // :: role id -> client
	leases  leases
	damaged map[string]error // :: name -> why the record of that name cannot be used
	// suspended are clients that the store still has and that are refused:
	// their names, and the hash of the token that is stored.
	suspended map[string]digest
	// retry is when an end that could not be stored is tried again.
	retry time.Duration
}

// Session is what a valid token stands for.
type Session struct {
	Principal acl.Principal
	// Accessor names the token without being one.
	Accessor string
	Created  time.Time
	Expires  time.Time // zero: never
	// TTL is what a lease was given and a renewal gives; 0 for a client's
	// own token.
	TTL time.Duration
	// Path is where the token was made, in Vault's words.
	Path string

	// Of a lease: whose it is, when it began, and when it ends.
	client string
	born   moment
	ends   end
}

// Renewable reports whether Renew can extend the session.
func (s *Session) Renewable() bool { return s.TTL > 0 }

// Open reads the clients that s holds. s is not closed by the registry. A
// record that cannot be used is a client that is refused, and List says so: it
// keeps nobody else out.
func Open(ctx context.Context, s store.Store, o *Options) (*Registry, error) {
	r := newRegistry(s, o.withDefaults())
	return r, r.read(ctx)
}

func newRegistry(s store.Store, o Options) *Registry {
	return &Registry{store: s, opts: o, clients: map[string]*record{}, tokens: map[digest]*record{}, roles: map[string]*record{},
		leases: newLeases(), damaged: map[string]error{}, suspended: map[string]digest{}}
}

// read fills an empty registry.
func (r *Registry) read(ctx context.Context) error {
	names, err := store.List(ctx, r.store, prefix)
	if err != nil {
		return err
	}
	var all []*record
	for _, name := range names {
		secret, err := r.store.Get(ctx, name)
		var c *record
		if err == nil {
			c, err = decode(name, secret)
		}
		switch store.CodeOf(err) {
		case "":
			all = append(all, c)
		case store.NotFound: // revoked since
		case store.Corrupt, store.Invalid:
			r.damaged[strings.TrimPrefix(name, prefix)] = damaged(name, err)
		case store.Unsupported:
			r.damaged[strings.TrimPrefix(name, prefix)] = err
		default:
			return err
		}
	}
	// No two are given the same credentials: of two that have them, the one
	// that had them first is right.
	slices.SortStableFunc(all, func(a, b *record) int { return a.Created.Compare(b.Created) })
	now := r.now()
	for _, c := range all {
		c.own(now)
		if r.taken(c) {
			r.damaged[c.Name] = damaged(c.Name, errors.New("its record has the credentials of another client"))
			continue
		}
		r.index(c)
	}
	return nil
}

func (r *Registry) index(c *record) {
	r.clients[c.Name], r.tokens[c.TokenHash] = c, c
	delete(r.suspended, c.Name)
	if c.RoleID != "" {
		r.roles[c.RoleID] = c
	}
}

// unindex forgets c and every lease it holds.
func (r *Registry) unindex(c *record) {
	delete(r.clients, c.Name)
	delete(r.tokens, c.TokenHash)
	delete(r.roles, c.RoleID)
	r.leases.endAll(c.Name)
}

// unauthenticated is the one answer to a bad credential, whatever is wrong
// with it.
func unauthenticated(op string) error {
	return &store.Error{Op: op, Store: "airlock", Code: store.Unauthenticated,
		Hint: "ask for a new one with `airlock client rotate NAME`"}
}

// Authenticate returns the session of a client's token or of a lease. The
// error is Unauthenticated for any token that is not valid now. What is seen
// to be over stays so: a lease is gone, and a client refused until Extend.
func (r *Registry) Authenticate(token string) (*Session, error) {
	if token == "" || len(token) > maxToken {
		return nil, unauthenticated("authenticate")
	}
	d, now := digestOf(token), r.now()
	s, name := r.look(d, now)
	switch {
	case s == nil && name != "":
		r.finish(name)
	case s != nil && s.ends.over(now):
		r.mu.Lock()
		if l := r.leases.of(d); l != nil && l.session.ends.over(now) {
			r.leases.end(l)
		}
		r.mu.Unlock()
	case s != nil:
		return s, nil
	}
	return nil, unauthenticated("authenticate")
}

// look finds what a token stands for, also a lease that is over. Without a
// session, name is the client that has expired, or nobody.
func (r *Registry) look(d digest, now moment) (s *Session, name string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	// The map is keyed by a hash that the peer cannot steer, so what its
	// timing tells is of no use; the comparison that counts is constant.
	c, ok := r.tokens[d]
	if ok && subtle.ConstantTimeCompare(c.TokenHash[:], d[:]) == 1 {
		s = c.session
	} else if l := r.leases.of(d); l != nil && subtle.ConstantTimeCompare(l.hash[:], d[:]) == 1 {
		s, c = l.session, r.clients[l.session.client]
	}
	if s == nil || c == nil {
		return nil, ""
	}
	if c.expired(now) {
		return nil, c.Name
	}
	return s, c.Name
}

// List describes every client, sorted by name, those with damage among them.
func (r *Registry) List() []Info {
	now := r.now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]Info, 0, len(r.clients)+len(r.damaged))
	for _, c := range r.clients {
		list = append(list, c.info(now))
	}
	for name, err := range r.damaged {
		list = append(list, Info{Name: name, Damage: err})
	}
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list
}
