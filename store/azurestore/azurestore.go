package azurestore

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	sharedlogin "github.com/airlock-secrets/airlock/internal/login"
	"github.com/airlock-secrets/airlock/store"
)

// Store reads and writes the secrets of one vault. It is safe for concurrent
// use. The client is made, and the log-in happens, at the first request.
type Store struct {
	options Options
	name    string
	log     *slog.Logger
	// broken is the error of every operation; nil where the kwargs are fine.
	broken error
	// clientKwargs are the kwargs that AzureKeyVaultBackend hands on.
	clientKwargs []string

	logins sharedlogin.Shared[azcore.AccessToken]

	mu     sync.Mutex
	client *azsecrets.Client
	close  func()
	closed bool
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Writer  = (*Store)(nil)
	_ store.Checker = (*Store)(nil)
	_ store.Served  = (*Store)(nil)
)

// New returns a store. It asks nothing: settings that cannot work fail each
// operation, as they do in Airflow.
func New(o Options) *Store {
	s := &Store{options: o, name: label(o.address()), log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Name is how people know the store: what it is and its address.
func (s *Store) Name() string { return s.name }

// Close implements store.Store.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.close != nil {
		s.close()
		s.close = nil
	}
	return nil
}

// Serve implements store.Served: the time of a request is that of the kwargs
// connection_timeout and read_timeout.
func (s *Store) Serve(limit time.Duration) (least time.Duration) {
	s.logins.Limit = limit
	return max(s.options.Timeout, 0)
}

// ready returns the client, or why there is none
// (AzureKeyVaultBackend.client): the credential is made first, then the
// client.
func (s *Store) ready(ctx context.Context) (*azsecrets.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, &store.Error{Code: store.Unavailable, Err: errors.New("the store is closed")}
	case s.broken != nil:
		return nil, s.broken
	case s.client != nil:
		return s.client, nil
	}
	transport, err := s.transport()
	if err != nil {
		return nil, err
	}
	client, err := azsecrets.NewClient(s.options.base(), nil, s.clientOptions(transport))
	if err != nil {
		return nil, err
	}
	s.client = client
	return client, nil
}

// transport sends and authorizes the client's requests.
func (s *Store) transport() (policy.Transporter, error) {
	credential, err := s.options.credential()
	if err != nil {
		return nil, err
	}
	if s.options.address() == "" {
		return nil, &store.Error{Code: store.Invalid, Hint: `set vault_url in backend_kwargs: "https://NAME.vault.azure.net/"`,
			Err: &airflow.Error{Type: "ValueError", Message: "vault_url must be the URL of an Azure Key Vault"}}
	}
	if u, err := url.Parse(s.options.base()); err != nil || u.Host == "" {
		return nil, &store.Error{Code: store.Invalid, Err: errors.New("vault_url is not a URL"), Hint: `write vault_url as "https://NAME.vault.azure.net/"`}
	}
	if s.options.Transport != nil {
		return roundTripper{s.options.Transport}, nil
	}
	client, err := newHTTPClient(&s.options, s.options.TLS, !s.options.NoEnvProxies, s.options.Proxies)
	if err != nil {
		return nil, err
	}
	s.close = client.CloseIdleConnections
	return &authorizer{lock: newLock(), logins: &s.logins, next: client, timeout: s.options.timeout(), credential: credential,
		address: s.options.address(), anyResource: s.options.AnyChallengeResource}, nil
}

// base is the address in a form that the client takes; the authorizer refuses
// what is not https.
func (o *Options) base() string {
	address := o.address()
	if !strings.Contains(address, "://") {
		return "https://" + address
	}
	return address
}

func (s *Store) clientOptions(transport policy.Transporter) *azsecrets.ClientOptions {
	o := &azsecrets.ClientOptions{}
	o.Transport = transport
	o.APIVersion = s.options.APIVersion
	if o.APIVersion == "" {
		o.APIVersion = DefaultAPIVersion
	}
	o.Telemetry.Disabled = true
	o.Retry = policy.RetryOptions{MaxRetries: 3, RetryDelay: 800 * time.Millisecond, MaxRetryDelay: 30 * time.Second}
	if s.options.RetryDelay > 0 {
		o.Retry.RetryDelay = s.options.RetryDelay
	}
	if s.options.Retries != nil {
		o.Retry.MaxRetries = int32(*s.options.Retries)
		if *s.options.Retries == 0 {
			o.Retry.MaxRetries = -1 // to the client 0 means its own default
		}
	}
	return o
}

// roundTripper makes of a round tripper what the client sends through.
type roundTripper struct{ next http.RoundTripper }

// Do implements policy.Transporter.
func (r roundTripper) Do(req *http.Request) (*http.Response, error) { return r.next.RoundTrip(req) }

// Get implements store.Store. A secret without a value is the JSON text null.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	const op = "get"
	client, err := s.start(ctx, op, name)
	if err != nil {
		return nil, err
	}
	res, err := client.GetSecret(ctx, name, "", nil)
	if err != nil {
		err = s.fail(op, name, err)
		if store.CodeOf(err) == store.NotFound {
			s.log.DebugContext(ctx, "no such secret", "store", s.name, "name", name)
		}
		return nil, err
	}
	return secretOf(&res.Secret), nil
}

// start checks a name and returns the client.
func (s *Store) start(ctx context.Context, op, name string) (*azsecrets.Client, error) {
	if !dialect.AzureHolds(name) {
		return nil, s.fail(op, name, &store.Error{Code: store.Invalid, Err: errors.New("no secret of Key Vault can have this name"),
			Hint: "names are 1 to 127 letters, digits and dashes"})
	}
	client, err := s.ready(ctx)
	if err != nil {
		return nil, s.fail(op, name, err)
	}
	return client, nil
}

func secretOf(b *azsecrets.Secret) *store.Secret {
	secret := &store.Secret{Payload: []byte("null"), Form: store.Object}
	if b.Value != nil {
		secret.Payload, secret.Form = []byte(*b.Value), store.Text
	}
	if b.ID != nil && strings.Count(string(*b.ID), "/") >= 4 {
		secret.VersionID = b.ID.Version()
	}
	if a := b.Attributes; a != nil && a.Updated != nil {
		secret.Time = *a.Updated
	}
	return secret
}

// readBounded reads an answer, but not without end.
func readBounded(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		return nil, errTooLong
	}
	return body, err
}
