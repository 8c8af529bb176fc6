package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// Store is the KV engine, or all KV engines, of one server. It is safe for
// concurrent use.
type Store struct {
	name, address, mount, namespace string

	version          int
	strictHTTP       bool
	noRequestHeader  bool
	ignoreExceptions bool
	auth             Method
	env              Env
	doorman          doorman
	options          Options // what httpClient needs
	log              *slog.Logger
	// broken, when not nil, is the error of every look-up: kwargs that Airflow
	// accepts until it first needs a client.
	broken error

	done   context.Context // ends at Close
	finish context.CancelFunc

	mu     sync.Mutex
	client *http.Client // nil until the first request
}

// New returns a store. It asks nothing of the network and reads no file; what
// cannot work is said at the first look-up, as by VaultBackend, except for a
// KVVersion that does not exist.
func New(o Options) (*Store, error) {
	if o.KVVersion == 0 {
		o.KVVersion = 2
	}
	if o.KVVersion != 1 && o.KVVersion != 2 {
		return nil, &store.Error{Op: "configure", Store: "vault", Code: store.Invalid,
			Err: fmt.Errorf("there is no KV version %d", o.KVVersion), Hint: "set kv_engine_version to 1 or 2"}
	}
	if o.Auth == nil {
		o.Auth = Token{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		name: label(o.address()), address: o.address(), mount: o.Mount, namespace: o.Namespace,
		version: o.KVVersion, strictHTTP: o.StrictHTTP, noRequestHeader: o.NoRequestHeader,
		ignoreExceptions: o.IgnoreExceptions, auth: o.Auth, env: o.Env, options: o, log: o.Log,
	}
	s.done, s.finish = context.WithCancel(context.Background())
	s.doorman = doorman{login: s.login, ctx: s.done}
	return s, nil
}

// Name is "vault" and the server's address.
func (s *Store) Name() string { return s.name }

// Close ends what goes on and forgets the token.
func (s *Store) Close() error {
	s.finish()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	return nil
}

// Serve implements store.Served: the time of a request is the kwarg timeout.
func (s *Store) Serve(login time.Duration) (least time.Duration) {
	s.doorman.limit = login
	return max(s.options.Timeout, 0)
}

// Locate implements store.Locator: the path for `vault read`.
func (s *Store) Locate(name string) string {
	mount, path, ok := s.split(name)
	if !ok {
		return name
	}
	return cleanPath(s.at(mount, "data", path))
}

// split takes the mount off a name. ok is false where it has none:
// _VaultClient._parse_secret_path then answers "not found" by itself.
func (s *Store) split(name string) (mount, path string, ok bool) {
	if s.mount != "" {
		return s.mount, name, true
	}
	return strings.Cut(name, "/")
}

// at is the path of an area ("data", "metadata", "delete") of a secret; KV
// version 1 has but one.
func (s *Store) at(mount, area, path string) string {
	if s.version == 1 {
		return mount + "/" + path
	}
	return mount + "/" + area + "/" + path
}

// run is one operation: it checks that the store is usable, logs in where
// need be, and does f with a token; once more with a new token where the
// server answers 403 (_VaultClient._run_with_reauth). A log-in that is refused
// counts as such an answer.
func (s *Store) run(ctx context.Context, op, name string, f func(ctx context.Context, token string) error) error {
	switch {
	case s.done.Err() != nil:
		return s.fail(op, name, &store.Error{Code: store.Unavailable, Err: errors.New("the store is closed")})
	case ctx.Err() != nil:
		return s.fail(op, name, ctx.Err())
	case s.broken != nil:
		return s.fail(op, name, s.broken)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.done, cancel)()
	attempt := func(refused *grant) (*grant, error) {
		g, err := s.doorman.enter(ctx, refused)
		if err != nil {
			return nil, err
		}
		return g, f(ctx, g.token)
	}
	g, err := attempt(nil)
	if forbidden(err) {
		s.log.DebugContext(ctx, "vault refused the token: logging in again and retrying once", "store", s.name, "op", op, "name", excerpt.Name(name))
		_, err = attempt(g)
	}
	return s.fail(op, name, err)
}

func forbidden(err error) bool {
	var e *ResponseError
	return errors.As(err, &e) && e.Status == http.StatusForbidden
}

// place checks a name and says where it is.
func (s *Store) place(op, name string) (mount, path string, err error) {
	if !utf8.ValidString(name) {
		return "", "", s.fail(op, name, &store.Error{Code: store.Invalid, Err: errors.New("the name is not UTF-8")})
	}
	mount, path, ok := s.split(name)
	if !ok {
		return "", "", s.fail(op, name, &store.Error{Code: store.NotFound, Err: errors.New("the name does not begin with a mount and '/'"),
			Hint: "with mount_point null, ids begin with the mount of the KV engine"})
	}
	return quote(mount), quote(path), nil
}

func lower(method string) string { return strings.ToLower(method) }

func invalidAddress(err error) error {
	return &store.Error{Code: store.Invalid, Err: err, Hint: "give url the form https://HOST:PORT"}
}

// Check that the store is all that it says it is.
var (
	_ store.Store     = (*Store)(nil)
	_ store.Lister    = (*Store)(nil)
	_ store.Writer    = (*Store)(nil)
	_ store.Versioner = (*Store)(nil)
	_ store.Checker   = (*Store)(nil)
	_ store.Locator   = (*Store)(nil)
	_ store.Served    = (*Store)(nil)
)
