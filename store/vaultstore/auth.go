package vaultstore

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/store"
)

// Method is one way to log in: an auth_type of VaultBackend. Implementations
// are safe for concurrent use.
type Method interface {
	// Name is the auth_type.
	Name() string
	// Login returns a token. It sends what requests it needs through session,
	// and reads its files anew each time. An empty token without an error is
	// a log-in that gave none.
	Login(ctx context.Context, env Env, session *Session) (token string, err error)
}

// mountOr is the mount of an auth method, quoted for a path.
func mountOr(mount, method string) string {
	if mount == "" {
		mount = method
	}
	return quote(mount)
}

// maxCredential bounds a file that holds a credential.
const maxCredential = 1 << 20

// readTrimmed reads a small text file without the white space around its text.
func (e Env) readTrimmed(path string) (string, error) {
	b, err := e.Confined.ReadFile(path, maxCredential)
	switch {
	case err != nil:
		return "", err
	case !utf8.Valid(b):
		return "", fmt.Errorf("%s: it is not UTF-8 text", path)
	}
	return strip(string(b)), nil
}

// grant is a token, or the attempt to get one.
type grant struct {
	done  chan struct{} // closed when token and err are set
	token string
	err   error
}

// doorman logs in once for all who ask at the same time.
type doorman struct {
	login func(context.Context) (string, error)
	// ctx is the life of the store: a log-in is for everybody, so that no
	// single caller's patience ends it.
	ctx context.Context
	// limit is how long a log-in may take, 0: as long as its requests may.
	limit time.Duration

	mu      sync.Mutex
	current *grant
}

// enter returns a grant, made now where there is none, or where the current
// one is refused, that is, has been answered 403.
func (d *doorman) enter(ctx context.Context, refused *grant) (*grant, error) {
	d.mu.Lock()
	g := d.current
	if g == nil || g == refused {
		g = &grant{done: make(chan struct{})}
		d.current = g
		go d.open(g)
	}
	d.mu.Unlock()
	select {
	case <-g.done:
		return g, g.err
	case <-ctx.Done():
		return g, ctx.Err()
	}
}

// open logs in. A failed attempt is not kept: the next look-up tries again.
func (d *doorman) open(g *grant) {
	ctx, cancel := d.ctx, context.CancelFunc(func() {})
	if d.limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, d.limit)
	}
	defer cancel()
	g.token, g.err = d.login(ctx)
	if g.err == nil && g.token == "" {
		g.err = errNoToken
	}
	if g.err != nil {
		d.mu.Lock()
		if d.current == g {
			d.current = nil
		}
		d.mu.Unlock()
	}
	close(g.done)
}

// login gets a token by the store's method.
func (s *Store) login(ctx context.Context) (string, error) {
	ambient, err := s.ambientToken()
	if err != nil {
		return "", &store.Error{Code: store.Invalid, Err: err, Hint: "make ~/.vault-token readable, or remove it"}
	}
	return s.auth.Login(ctx, s.env, &Session{s, ambient})
}

// ambientToken is VAULT_TOKEN, else what ~/.vault-token holds, else "".
func (s *Store) ambientToken() (string, error) {
	if token := s.env.get("VAULT_TOKEN"); token != "" {
		return token, nil
	}
	home := s.env.home()
	if home == "" {
		return "", nil
	}
	token, err := s.env.readTrimmed(strings.TrimRight(home, "/") + "/.vault-token")
	if os.IsNotExist(err) {
		return "", nil
	}
	return token, err
}
