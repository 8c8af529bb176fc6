package azurestore

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
	"github.com/airlock-secrets/airlock/store"
)

// maxAnswer bounds an answer of the vault or of a log-in: a page of a list is
// the longest that is right.
const maxAnswer = 4 << 20

var errTooLong = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)

// finalError is one that another try would meet again; the client asks for the
// method NonRetriable.
type finalError struct{ error }

// NonRetriable tells the client's retry policy.
func (finalError) NonRetriable() {}

// Unwrap gives the cause.
func (e finalError) Unwrap() error { return e.error }

// timeoutError is a request that took too long.
type timeoutError struct {
	after time.Duration
	cause error
}

func (e *timeoutError) Error() string { return fmt.Sprintf("no answer within %v", e.after) }

// Unwrap gives the cause.
func (e *timeoutError) Unwrap() error { return e.cause }

// newHTTPClient trusts and goes through what tls, the environment (with env)
// and proxies say.
func newHTTPClient(o *Options, t TLS, env bool, proxies map[string]string) (*http.Client, error) {
	getenv := o.routeEnv(env)
	from := "connection_verify"
	if t.CA == "" {
		t.CA, from = requests.CABundle(getenv)
	}
	config, err := t.Config(o.Env.Confined.Certificates(), o.Env.Confined, from, "connection_cert", o.Env.path)
	if withheld(err) {
		return nil, err
	}
	var unusable *requests.FileError
	if errors.As(err, &unusable) {
		return nil, &store.Error{Code: store.Invalid, Err: unusable, Hint: unusable.Hint}
	}
	transport := &http.Transport{
		Proxy: requests.Proxy(getenv, proxies), TLSClientConfig: config, TLSHandshakeTimeout: o.timeout(),
		DialContext:         (&net.Dialer{Timeout: o.timeout(), KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 10, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: o.Env.Secrets.Transport(transport), CheckRedirect: noRedirects}, nil
}

// routeEnv is the environment that proxies and CA files are read from; none
// where env is false.
func (o *Options) routeEnv(env bool) requests.Getenv {
	if !env {
		return nil
	}
	return o.Env.Getenv
}

// noRedirects takes a redirect for the answer: neither service redirects, and
// what they are asked carries tokens and secrets.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// exchange sends one request and reads its whole answer within timeout. Errors
// that another try would meet again are marked so.
func exchange(client *http.Client, req *http.Request, timeout time.Duration) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), timeout)
	defer cancel()
	res, err := client.Do(req.WithContext(ctx))
	var body []byte
	if err == nil {
		body, err = readBounded(res.Body)
		_ = res.Body.Close()
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case err == nil:
		res.Body = io.NopCloser(bytes.NewReader(body))
		return res, nil
	case req.Context().Err() != nil:
		return nil, finalError{req.Context().Err()}
	case ctx.Err() != nil:
		return nil, finalError{&timeoutError{timeout, context.DeadlineExceeded}}
	case errors.As(err, &certificate), errors.Is(err, errTooLong), errors.Is(err, requests.ErrProxy), route.NoSuchHost(err):
		return nil, finalError{bare(err)}
	}
	return nil, bare(err)
}

// bare takes the request's address off an error: the query of a log-in may
// name more than should be shown.
func bare(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if _, isURL := err.(interface{ Temporary() bool }); !ok || !isURL || inner.Unwrap() == nil {
			return err
		}
		if _, isOp := err.(*net.OpError); isOp {
			return err
		}
		err = inner.Unwrap()
	}
}
