package client

import (
	"context"
	"crypto/subtle"
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
	// Leases is how many are kept at most; 0 means 65536. Beyond it those
	// that would end soonest are dropped: their holders log in again.
	Leases int
	// Now tells the time; nil means time.Now.
	Now func() time.Time
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
		d.Leases = 1 << 16
	}
	if d.Now == nil {
		d.Now = time.Now
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
	leases  map[digest]*lease  // :: hash of the lease's token -> lease
	// suspended are clients that the store still has and that are refused:
	// their names, and the hash of the token that is stored.
	suspended map[string]digest
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

	client *record
}

// Renewable reports whether Renew can extend the session.
func (s *Session) Renewable() bool { return s.TTL > 0 }

// Open reads the clients that s holds. s is not closed by the registry. A
// record that cannot be read fails it: leaving a client out in silence would
// look like a revocation.
func Open(ctx context.Context, s store.Store, o *Options) (*Registry, error) {
	r := &Registry{store: s, opts: o.withDefaults(), clients: map[string]*record{}, tokens: map[digest]*record{},
		roles: map[string]*record{}, leases: map[digest]*lease{}, suspended: map[string]digest{}}
	names, err := store.List(ctx, s, prefix)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		secret, err := s.Get(ctx, name)
		if err != nil {
			return nil, err
		}
		c, err := decode(name, secret)
		if err != nil {
			return nil, err
		}
		r.index(c)
	}
	return r, nil
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
	for d, l := range r.leases {
		if l.session.client.Name == c.Name {
			delete(r.leases, d)
		}
	}
}

// unauthenticated is the one answer to a bad credential, whatever is wrong
// with it.
func unauthenticated(op string) error {
	return &store.Error{Op: op, Store: "airlock", Code: store.Unauthenticated,
		Hint: "ask for a new one with `airlock client rotate NAME`"}
}

// Authenticate returns the session of a client's token or of a lease. The
// error is Unauthenticated for any token that is not valid now.
func (r *Registry) Authenticate(token string) (*Session, error) {
	if token == "" || len(token) > maxToken {
		return nil, unauthenticated("authenticate")
	}
	d := digestOf(token)
	now := r.opts.Now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	// The map is keyed by a hash that the peer cannot steer, so what its
	// timing tells is of no use; the comparison that counts is constant.
	if c, ok := r.tokens[d]; ok && subtle.ConstantTimeCompare(c.TokenHash[:], d[:]) == 1 {
		if c.expired(now) {
			return nil, unauthenticated("authenticate")
		}
		return c.session, nil
	}
	if l, ok := r.leases[d]; ok && subtle.ConstantTimeCompare(l.hash[:], d[:]) == 1 {
		if !now.Before(l.session.Expires) || l.session.client.expired(now) {
			return nil, unauthenticated("authenticate")
		}
		return l.session, nil
	}
	return nil, unauthenticated("authenticate")
}

// List describes every client, sorted by name.
func (r *Registry) List() []Info {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]Info, 0, len(r.clients))
	for _, c := range r.clients {
		list = append(list, c.info())
	}
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list
}
