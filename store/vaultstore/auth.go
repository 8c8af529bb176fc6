package vaultstore

import (
	"context"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// Method is one way to log in: an auth_type of VaultBackend. Implementations
// are safe for concurrent use.
type Method interface {
	// Name is the auth_type.
	Name() string
	// Login returns a token. It sends what log-in request it needs through
	// post, and reads its files anew each time.
	Login(ctx context.Context, env Env, post Post) (token string, err error)
}

// Post sends one log-in request to a path such as "auth/approle/login", whose
// parts quote has encoded, and returns the token of the answer.
type Post func(ctx context.Context, path string, body any) (token string, err error)

// mountOr is the mount of an auth method, quoted for a path.
func mountOr(mount, method string) string {
	if mount == "" {
		mount = method
	}
	return quote(mount)
}

// readTrimmed reads a small file without the white space around its text.
func readTrimmed(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	return strings.TrimSpace(string(b)), err
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
	g.token, g.err = d.login(d.ctx)
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

// login gets a token by the store's method. hvac sends the token of the
// environment along with the log-in request (utils.get_token_from_env).
func (s *Store) login(ctx context.Context) (string, error) {
	ambient, err := s.ambientToken()
	if err != nil {
		return "", &store.Error{Code: store.Invalid, Err: err, Hint: "make ~/.vault-token readable, or remove it"}
	}
	return s.auth.Login(ctx, s.env, func(ctx context.Context, path string, body any) (string, error) {
		var res vault.Response
		err := s.send(ctx, request{method: "POST", path: path, token: ambient, body: body, login: true}, &res)
		if err != nil {
			return "", err
		}
		if res.Auth == nil {
			return "", errNoData
		}
		return res.Auth.ClientToken, nil
	})
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
	token, err := readTrimmed(strings.TrimRight(home, "/") + "/.vault-token")
	if os.IsNotExist(err) {
		return "", nil
	}
	return token, err
}
