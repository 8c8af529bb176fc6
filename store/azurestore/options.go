package azurestore

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

// DefaultAPIVersion is the one that azure-keyvault-secrets 4.12 speaks.
const DefaultAPIVersion = "2026-04-01"

// DefaultTimeout is how long one request may take, its answer included. The
// Python client waits for 300 seconds.
const DefaultTimeout = 30 * time.Second

// Options configure a Store. The zero value has no vault, and the default
// chain of credentials over an empty environment.
type Options struct {
	// VaultURL is the address of the vault; blanks and slashes at its ends do
	// not count. Without https:// at its start every request is refused.
	VaultURL string
	// TenantID, ClientID and ClientSecret log in where all three are given;
	// else the default chain does.
	TenantID, ClientID, ClientSecret string
	// ManagedIdentityClientID and WorkloadIdentityTenantID go to the default
	// chain where both are given.
	ManagedIdentityClientID, WorkloadIdentityTenantID string
	// APIVersion of the service. Empty: DefaultAPIVersion.
	APIVersion string
	// AnyChallengeResource lets the vault ask for a token of a domain that it
	// is not part of (verify_challenge_resource is false).
	AnyChallengeResource bool
	// TLS says whom the vault's connection trusts; log-ins go by the
	// environment alone.
	TLS TLS
	// Proxies of the vault's connection, as requests has them.
	Proxies map[string]string
	// NoEnvProxies leaves proxies and CA files of the environment out, for the
	// vault's connection (use_env_settings is false).
	NoEnvProxies bool
	// Timeout of one request. 0: DefaultTimeout.
	Timeout time.Duration
	// Retries of a request that failed for now. Nil: 3, as in Python.
	Retries *int
	// RetryDelay before the first of them, doubled for each further. 0: 0.8 s.
	RetryDelay time.Duration
	// Env is the environment to read; the zero value is empty.
	Env Env
	// Transport sends the vault's requests in place of a client that logs in.
	// Nil in all but tests.
	Transport http.RoundTripper
	// Log receives debug messages, names in them but no values. Nil: none.
	Log *slog.Logger
}

// TLS says whom to trust and what to show. In place of an empty CA stand
// REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, else the system's certificates.
type TLS = requests.TLS

// Env is the process environment as the store may see it.
type Env struct {
	// Getenv is os.LookupEnv or a stand-in; nil is an empty environment.
	Getenv func(name string) (string, bool)
	// Dir is where relative paths of files start; empty: the process's.
	Dir string
	// Confined bounds what may be used besides the kwargs; nil allows all.
	Confined *route.Confinement
	// Words say what programs get of the environment: az, azd and pwsh, which
	// airlock names itself. The zero value has no PATH to find them in.
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

// path makes a relative path start in Dir.
func (e Env) path(path string) string {
	if path == "" || e.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.Dir, path)
}

func (o *Options) timeout() time.Duration {
	if o.Timeout <= 0 {
		return DefaultTimeout
	}
	return o.Timeout
}

// address is the vault's without what SecretClient takes off its ends.
func (o *Options) address() string { return strings.Trim(o.VaultURL, " /") }

// label is what people call the store: the scheme, host and port of the address.
func label(address string) string {
	return "azure key vault " + excerpt.Address(address)
}
