package gcpstore

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/login"
	"github.com/airlock-secrets/airlock/store"
)

// Store is the secrets of one project. It is safe for concurrent use.
type Store struct {
	options     Options
	credentials *Credentials
	universe    string
	web         *web
	log         *slog.Logger
	// broken, when not nil, is the error of every look-up: credentials that
	// Airflow could not load, which it only logs.
	broken error

	// The clock, for tests.
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	jitter func(time.Duration) time.Duration

	done   context.Context // ends at Close
	finish context.CancelFunc

	project string

	mu    sync.Mutex
	conn  *connection
	token access

	turn   chan struct{} // one caller at a time gets a token
	logins login.Shared[access]
}

// New returns a store. It asks nothing of the network, but where nobody else
// says which project is meant a metadata server has to.
func New(o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	s := &Store{options: o, credentials: o.Credentials, project: o.Project, log: o.Log, now: time.Now, sleep: sleep, turn: make(chan struct{}, 1),
		jitter: func(most time.Duration) time.Duration { return time.Duration(rand.Float64() * float64(most)) }}
	if s.credentials == nil {
		c, err := findDefault(o.Env, nil)
		if err != nil {
			return nil, configError(err)
		}
		s.credentials = c
	}
	if s.project == "" {
		s.project = s.credentials.project
	}
	s.web = &web{env: o.Env, now: func() time.Time { return s.now() }}
	if s.project == "" {
		project, err := s.credentials.askProject(context.Background(), s.web)
		if err != nil {
			return nil, configError(err)
		}
		s.project = project
	}
	universe, err := universeOf(o)
	if err != nil {
		return nil, configError(err)
	}
	s.universe = universe
	s.done, s.finish = context.WithCancel(context.Background())
	return s, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// universeOf is _universe_domain of the generated client: a variable that is
// set must not be blank.
func universeOf(o Options) (string, error) {
	if o.Universe != "" {
		return o.Universe, nil
	}
	v, ok := o.Env.lookup("GOOGLE_CLOUD_UNIVERSE_DOMAIN")
	switch v = strings.TrimSpace(v); {
	case !ok:
		return DefaultUniverse, nil
	case v == "":
		return "", python("ValueError", "Universe Domain cannot be an empty string.")
	case strings.ContainsAny(v, `/@?# %\`):
		return "", python("ValueError", "the universe domain is not of the form HOST or HOST:PORT")
	}
	return v, nil
}

// target is the address of the service in a universe, with a port.
func target(universe string) string {
	host := "secretmanager." + universe
	if strings.Contains(host, ":") {
		return host
	}
	return net.JoinHostPort(host, "443")
}

// Name is "gcp", the project, and the service's host where it is not Google's.
func (s *Store) Name() string {
	name := "gcp projects/" + excerpt.Name(s.project)
	if s.universe != DefaultUniverse {
		name += " at secretmanager." + excerpt.Name(s.universe)
	}
	return name
}

// Endpoint is the address of the service. A daemon asks for it to notice that
// it would ask itself.
func (s *Store) Endpoint() *url.URL { return &url.URL{Scheme: "https", Host: target(s.universe)} }

// Locate implements store.Locator: the resource name of the latest version.
func (s *Store) Locate(name string) string {
	return "projects/" + s.project + "/secrets/" + name + "/versions/latest"
}

// Serve implements store.Served; no kwarg gives a request its time.
func (s *Store) Serve(limit time.Duration) (least time.Duration) {
	s.logins.Limit, s.logins.Life = limit, s.done
	return 0
}

// Close ends what goes on and forgets the token.
func (s *Store) Close() error {
	s.finish()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = access{}
	if s.conn != nil {
		conn := s.conn
		s.conn = nil
		return conn.close()
	}
	return nil
}

// run is one operation on the project: it checks that the store is usable and
// gives every error its code.
func (s *Store) run(ctx context.Context, op, name string, f func(ctx context.Context, parent string) error) error {
	switch {
	case s.done.Err() != nil:
		return s.fail(op, name, &store.Error{Code: store.Unavailable, Err: errors.New("the store is closed")})
	case ctx.Err() != nil:
		return s.fail(op, name, ctx.Err())
	case s.broken != nil:
		return s.fail(op, name, s.broken)
	case !utf8.ValidString(name):
		return s.fail(op, name, &store.Error{Code: store.Invalid, Err: errors.New("the name is not UTF-8")})
	}
	bound, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.done, cancel)()
	err := f(bound, "projects/"+s.project)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return s.fail(op, name, err)
}

// Check that the store is all that it says it is.
var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Writer  = (*Store)(nil)
	_ store.Checker = (*Store)(nil)
	_ store.Locator = (*Store)(nil)
	_ store.Served  = (*Store)(nil)
)
