package vaultstore

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

// DefaultURL is where hvac looks for a server that nobody named.
const DefaultURL = "http://localhost:8200"

// DefaultTimeout is hvac's.
const DefaultTimeout = 30 * time.Second

// Options configure a Store. The zero value is what VaultBackend is without
// kwargs, but for the mount ("secret" there) and the environment.
type Options struct {
	// URL of the server, with a path where it is not at the root. Empty:
	// VAULT_ADDR, else DefaultURL.
	URL string
	// Mount of the KV engine. Empty: the first segment of each name.
	Mount string
	// KVVersion is 1 or 2; 0 means 2.
	KVVersion int
	// Namespace is sent as X-Vault-Namespace. VAULT_NAMESPACE is not read.
	Namespace string
	// Auth is how to log in. Nil: VAULT_TOKEN.
	Auth Method
	// TLS says whom to trust and what to show.
	TLS TLS
	// Timeout of each request, its answer included. 0: DefaultTimeout;
	// negative: none. (To requests it is the time between two reads.)
	Timeout time.Duration
	// Proxies are requests' proxies: "http", "https", "all", each also with
	// "://host", to the proxy's URL. They win over the environment's.
	Proxies map[string]string
	// NoRedirects makes a redirect an answer that cannot be used.
	NoRedirects bool
	// NoRetries sends every request once, as with a session of one's own.
	NoRetries bool
	// NoRequestHeader leaves X-Vault-Request out.
	NoRequestHeader bool
	// StrictHTTP lists with GET ?list=true in place of the verb LIST.
	StrictHTTP bool
	// IgnoreExceptions is hvac's ignore_exceptions: a failure's answer is
	// taken for the result, and then found not to be one.
	IgnoreExceptions bool
	// Env is the environment to read; the zero value is empty.
	Env Env
	// Transport sends requests in place of one made of TLS, Timeout, Proxies
	// and the retries. Nil in all but tests.
	Transport http.RoundTripper
	// Log receives debug messages, names in them but no values. Nil: none.
	Log *slog.Logger
}

// TLS says whom to trust and what to show. In place of an empty CA stand
// REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, VAULT_CACERT, VAULT_CAPATH, in this
// order, else the system's certificates; in place of an empty Cert, and its
// Key, VAULT_CLIENT_CERT and VAULT_CLIENT_KEY.
type TLS = requests.TLS

// Env is the process environment as the store may see it.
type Env struct {
	// Getenv is os.LookupEnv or a stand-in; nil is an empty environment.
	Getenv func(name string) (string, bool)
	// Home is the user's folder where HOME is not set; it may hold
	// .vault-token. Empty: there is none.
	Home string
	// Dir is where relative paths of files start; empty: the process's.
	Dir string
	// Google opens the accounts of auth_type gcp. Nil: that auth_type is
	// Unsupported.
	Google OpenGoogle
	// Confined bounds what may be used besides the kwargs; nil allows all.
	Confined *route.Confinement
	// Words say whose word the settings are, for a program that gives
	// credentials. The zero value runs none.
	Words program.Words
	// Secrets learn what requests carry; nil learns nothing.
	Secrets *redact.Set
}

func (e Env) lookup(name string) (string, bool) {
	if e.Getenv == nil {
		return "", false
	}
	return e.Getenv(name)
}

func (e Env) get(name string) string {
	v, _ := e.lookup(name)
	return v
}

func (e Env) home() string {
	if home, ok := e.lookup("HOME"); ok {
		return home
	}
	return e.Home
}

// path makes a relative path start in Dir.
func (e Env) path(path string) string {
	if path == "" || e.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.Dir, path)
}

// address is the URL in use; hvac takes VAULT_ADDR even where it is empty.
func (o *Options) address() string {
	if o.URL != "" {
		return o.URL
	}
	if addr, ok := o.Env.lookup("VAULT_ADDR"); ok {
		return addr
	}
	return DefaultURL
}

func (o *Options) timeout() time.Duration {
	if o.Timeout == 0 {
		return DefaultTimeout
	}
	return max(o.Timeout, 0)
}

// label is what people call the store: the scheme, host and port of the address.
func label(address string) string {
	return "vault " + excerpt.Address(address)
}
