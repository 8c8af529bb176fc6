// Package gate is the only door from a facade to a value. Every method takes
// a [Caller], asks the rules whether it may, does what was asked, and writes
// the audit line before the answer leaves: none can be forgotten, because no
// method exists without them.
//
// A facade turns a name of its protocol into the references it may stand for.
// The gate authorises every one of them, and any deny denies: otherwise a name
// with two readings would let a caller choose the reading that it may read.
//
// A store may have one secret under several spellings: Key Vault reads
// "prod-key" for "prod_key" and for "PROD_KEY". So the gate asks the rules
// about the reference as it was typed and, for each source that will be asked,
// as that store spells it, with the rules' patterns spelled in the same way.
// All of them must be allowed, and whatever else has the same name in the store
// must not be denied. The audit line has the store's spelling.
//
// Reads go through the resolver over the deployment's sources. A name that no
// dialect recognises is a plain secret of the store that can be written. All
// writes go to that store; one that a source above it would hide is refused
// with that source's name.
package gate

import (
	"fmt"
	"hash/maphash"
	"reflect"
	"sync"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

// Config says what the door leads to.
type Config struct {
	// Deployment is whose secrets these are. A caller of another deployment
	// is refused.
	Deployment string
	// Resolver holds the deployment's sources in order. Nil has none. The gate
	// asks them with its Proof set.
	Resolver *airlock.Resolver
	// Own is the store that is written and that keeps plain secrets: the
	// embedded one. Nil makes every write fail with Unsupported. It should
	// be the Store of one of the Resolver's sources, the very same value,
	// else what is written for a reference could not be read back and is
	// refused.
	Own store.Store
	// OwnDialect says under which names Own keeps references. It must be set
	// where Own is.
	OwnDialect dialect.Dialect
	// Audit receives one line for each request; nil writes none.
	Audit *audit.Log
}

// Gate is the door of one deployment. It is safe for concurrent use.
type Gate struct {
	cfg     Config
	sources []airlock.Source
	own     int // index of Own in sources, -1 if it is none of them
	seed    maphash.Seed
	locks   [64]sync.Mutex // :: by hash of a name, over a read that leads to a write
	rules   rulebook
	memo    memo
	ready   readiness
	exact   bool // every source takes each reference as it is typed
}

// New returns the gate of a deployment.
func New(cfg Config) (*Gate, error) {
	if cfg.Own != nil && cfg.OwnDialect == nil {
		return nil, fmt.Errorf("making the gate: a store to write needs a dialect that names its secrets")
	}
	resolver := airlock.Resolver{}
	if cfg.Resolver != nil {
		resolver = *cfg.Resolver
	}
	resolver.Proof = true // a client that is told "not found" uses another value
	cfg.Resolver = &resolver
	g := &Gate{cfg: cfg, sources: cfg.Resolver.Sources, own: -1, seed: maphash.MakeSeed()}
	for i, s := range g.sources {
		if same(s.Store, cfg.Own) {
			g.own = i
			break
		}
	}
	g.rules.folds, g.exact = foldsOf(g.sources), true
	for i := range g.sources {
		g.exact = g.exact && takesAnyName(&g.sources[i])
	}
	return g, nil
}

// same compares two stores without the panic that == has for a struct of
// slices.
func same(a, b store.Store) bool {
	return a != nil && b != nil && reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}

// Caller is who asks, by which protocol and from where.
type Caller struct {
	// Principal is nil for a caller who has not proved who it is; such a one
	// is refused everything.
	Principal *acl.Principal
	Protocol  string // "vault"
	Remote    string // the peer's address
	Request   string // the request's id
	// Standing is asked once more before a value leaves and before a change is
	// made: access may have ended since. Nil asks nobody.
	Standing Standing

	audited bool
}

// Standing says whether a caller may still ask.
type Standing interface {
	Valid() bool
}

// ended refuses a caller whose access ended while it waited.
func (c *Caller) ended() error {
	if c.Standing == nil || c.Standing.Valid() {
		return nil
	}
	return &store.Error{Op: "authenticate", Store: "airlock", Code: store.Unauthenticated}
}

// Audited reports whether a line was written for c. A facade asks so that
// what it refuses by itself leaves one too.
func (c *Caller) Audited() bool { return c.audited }

// Name is what a facade was asked for.
type Name struct {
	// Refs are the references that the name may stand for, the likeliest
	// first; none means that it is a plain secret.
	Refs []airflow.Ref
	// Plain is the name of a plain secret in the own store, as
	// dialect.PlainName makes it.
	Plain string
	// Typed is what the client called it, where its protocol takes other
	// spellings for the same name; else empty. It is for the audit line.
	Typed string
}

// ownName is where the own store keeps ref.
func (g *Gate) ownName(ref airflow.Ref) (string, error) {
	l := g.cfg.OwnDialect.Names(ref)
	if len(l.Names) == 0 {
		return "", &store.Error{Op: "name", Name: ref.ID, Code: store.Invalid, Err: fmt.Errorf("%s", l.Skip)}
	}
	return l.Names[0], nil
}

func (g *Gate) lock(name string) func() {
	m := &g.locks[maphash.String(g.seed, name)%uint64(len(g.locks))]
	m.Lock()
	return m.Unlock
}

// UpstreamError says that a source failed, and not the caller's request: a
// facade must not answer as if the caller's own token were bad.
type UpstreamError struct {
	Err error
	// Source is the class of the source that failed; empty where several may
	// have. Unlike Err it may be told to anybody.
	Source string
	// Own says that it is the own store that failed, and no other source.
	Own bool
}

// Error returns the message of the cause.
func (e *UpstreamError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UpstreamError) Unwrap() error { return e.Err }

// upstream is err as an *UpstreamError. A source that could not be asked is
// never "not found". own says that it is the own store.
func upstream(source string, own bool, err error) error {
	if store.CodeOf(err) == store.NotFound {
		err = &store.Error{Op: "read", Code: store.Unavailable, Hint: store.Hint(err), Err: err}
	}
	return &UpstreamError{Err: err, Source: source, Own: own}
}
