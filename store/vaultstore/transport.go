package vaultstore

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
	"github.com/airlock-secrets/airlock/store"
)

// httpClient returns the client, made at the first request: files that TLS
// needs are not read before, as by requests.
func (s *Store) httpClient() (*http.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	transport := s.options.Transport
	if transport == nil {
		built, err := newTransport(&s.options)
		if err != nil {
			return nil, err
		}
		transport = built
	}
	s.client = &http.Client{Transport: s.options.Env.Secrets.Transport(transport), CheckRedirect: redirectPolicy(s.options.NoRedirects)}
	return s.client, nil
}

// newTransport is requests' HTTPAdapter with the Retry that VaultBackend gives
// it. requests speaks HTTP/1.1 only, and so does this.
func newTransport(o *Options) (http.RoundTripper, error) {
	config, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	base := &http.Transport{
		Proxy:               o.proxyFor,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: o.timeout(),
		MaxIdleConnsPerHost: 10, // requests' pool_maxsize
		IdleConnTimeout:     90 * time.Second,
	}
	retries := 3
	if o.NoRetries {
		retries = 0
	}
	return &retrying{next: base, timeout: o.timeout(), retries: retries, sleep: sleep}, nil
}

func (o *Options) tlsConfig() (*tls.Config, error) {
	t, from := o.TLS, ""
	t.CA, from = o.authority()
	if t.Cert == "" {
		t.Cert, t.Key = o.Env.get("VAULT_CLIENT_CERT"), o.Env.get("VAULT_CLIENT_KEY")
	}
	config, err := t.Config(o.Env.Confined.Certificates(), o.Env.Confined, from, "cert", o.Env.path)
	if errors.Is(err, route.ErrWithheld) {
		return nil, err
	}
	var unusable *requests.FileError
	if errors.As(err, &unusable) {
		return nil, &store.Error{Code: store.Invalid, Err: unusable, Hint: unusable.Hint}
	}
	return config, nil
}

// authority is the file or folder of CA certificates and what names it.
// requests lets REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE win over everything but
// the kwarg. VaultBackend reaches VAULT_CACERT only where verify is null; here
// it counts where nothing else is given.
func (o *Options) authority() (path, from string) {
	if o.TLS.CA != "" {
		return o.TLS.CA, "verify"
	}
	if path, from := requests.CABundle(o.Env.Getenv); path != "" {
		return path, from
	}
	for _, name := range []string{"VAULT_CACERT", "VAULT_CAPATH"} {
		if path := o.Env.get(name); path != "" {
			return path, name
		}
	}
	return "", ""
}

// maxRedirects is requests' DEFAULT_REDIRECT_LIMIT.
const maxRedirects = 30

// redirectPolicy follows redirects as requests does, with one exception: a
// token, and the body of a log-in or a write, never go to another host.
func redirectPolicy(never bool) func(*http.Request, []*http.Request) error {
	return func(next *http.Request, via []*http.Request) error {
		if never {
			return http.ErrUseLastResponse
		}
		if len(via) >= maxRedirects {
			return errors.New("the server redirects without end")
		}
		if sameHost(via[0].URL, next.URL) {
			return nil
		}
		if next.Body != nil && next.Body != http.NoBody {
			return errors.New("the server redirects a request that carries secrets to another host: put that host in url")
		}
		next.Header.Del("X-Vault-Token")
		next.Header.Del("Authorization")
		return nil
	}
}

// sameHost is the negation of requests' should_strip_auth: the same host and
// port, or the step from http to https on the standard ports.
func sameHost(from, to *url.URL) bool {
	if !strings.EqualFold(from.Hostname(), to.Hostname()) {
		return false
	}
	if from.Scheme == "http" && to.Scheme == "https" && port(from) == "80" && port(to) == "443" {
		return true
	}
	return from.Scheme == to.Scheme && port(from) == port(to)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}
