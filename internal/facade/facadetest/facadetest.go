// Package facadetest holds the facts that are the same for every facade,
// whatever its protocol: what is found, missing, denied and listed, what
// happens when a source fails, and that every request leaves its audit line.
// A facade's test fills a [Facade] and calls [Run].
package facadetest

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// Facade is the facade under test and how to speak to it.
type Facade struct {
	// Handler makes the facade in front of a gate.
	Handler func(t *testing.T, g *gate.Gate, clients *client.Registry) http.Handler
	// Connect makes a client of the facade that listens at url.
	Connect func(t *testing.T, url string, creds *client.Credentials) Client
	// Limits say what the protocol cannot do.
	Limits Limits
}

// Limits declare what a protocol cannot do. The zero value does everything.
type Limits struct {
	// Holds says whether the protocol can name an id; nil means any.
	Holds func(id string) bool
	// NoConfig: the protocol has no options. NoList: it cannot list.
	NoConfig, NoList bool
}

// Client asks as the stock Airflow provider would, one request a call. Its
// errors carry the store code that the protocol's answer stands for: what the
// protocol says to a bad token is Unauthenticated, to a good one without the
// right Denied; where it says the same to both, either will do.
type Client interface {
	// Get returns what Airflow's backend class makes of the answer.
	Get(ctx context.Context, ref airflow.Ref) (string, error)
	// Put writes a value as the protocol's users do.
	Put(ctx context.Context, ref airflow.Ref, value string) error
	// Delete removes what Put wrote, so that Get no longer finds it.
	Delete(ctx context.Context, ref airflow.Ref) error
	// List returns the ids of a kind, in the order of the answer.
	List(ctx context.Context, kind airflow.Kind) ([]string, error)
}

// bench is one facade with everything behind it.
type bench struct {
	f       Facade
	own     *memstore.Store
	clients *client.Registry
	audit   *lines
	url     string
}

// lines is an audit log in memory that can be made to fail.
type lines struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	fail error
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return 0, l.fail
	}
	return l.buf.Write(b)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *lines) count() int { return strings.Count(l.text(), "\n") }

func (l *lines) breakDown(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}

const deployment = "default"

// open builds a facade over stores in memory. The sources of above are asked
// before the own store.
func open(t *testing.T, f Facade, above ...airlock.Source) *bench {
	t.Helper()
	b := &bench{f: f, own: memstore.New("embedded"), audit: &lines{}}
	sources := append(above, airlock.Source{Layer: airlock.LayerBackend, Class: "airlock", Store: b.own, Dialect: dialect.Native{}})
	g, err := gate.New(gate.Config{Deployment: deployment, Resolver: &airlock.Resolver{Sources: sources},
		Own: b.own, OwnDialect: dialect.Native{}, Audit: audit.New(b.audit)})
	if err != nil {
		t.Fatal(err)
	}
	if b.clients, err = client.Open(t.Context(), memstore.New("system"), nil); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f.Handler(t, g, b.clients))
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// connect adds a client with rules and logs it in.
func (b *bench) connect(t *testing.T, name string, rules ...acl.Rule) Client {
	t.Helper()
	creds, err := b.clients.Create(t.Context(), client.Spec{Name: name, Deployment: deployment, Rules: rules, AppRole: true})
	if err != nil {
		t.Fatal(err)
	}
	return b.f.Connect(t, b.url, creds)
}

// all allows everything.
func all() acl.Rule { return acl.Rule{Actions: acl.Actions()} }

// seed puts a value into a store under a dialect's name.
func seed(t *testing.T, s store.Store, d dialect.Dialect, ref airflow.Ref, value string) {
	t.Helper()
	secret, err := d.Encode(ref, dialect.Value{Data: value})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), s, d.Names(ref).Names[0], secret, nil); err != nil {
		t.Fatal(err)
	}
}

func variable(id string) airflow.Ref   { return airflow.Ref{Kind: airflow.KindVariable, ID: id} }
func connection(id string) airflow.Ref { return airflow.Ref{Kind: airflow.KindConnection, ID: id} }

// upstream is a source above the own store, as a Vault would be.
func upstream(s store.Store) airlock.Source {
	return airlock.Source{Layer: airlock.LayerBackend, Class: "upstream.VaultBackend", Store: s, Dialect: dialect.DefaultVault()}
}

// faulty fails every call with one code, as a store whose service does.
type faulty struct{ code store.Code }

func (f faulty) err() error {
	return &store.Error{Op: "get", Store: "upstream http://127.0.0.1:1", Code: f.code}
}

// Get implements store.Store.
func (f faulty) Get(context.Context, string) (*store.Secret, error) { return nil, f.err() }

// List implements store.Lister.
func (f faulty) List(context.Context, string) ([]string, error) { return nil, f.err() }

// Close implements store.Store.
func (f faulty) Close() error { return nil }
