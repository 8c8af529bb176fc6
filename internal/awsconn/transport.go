package awsconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/airlock-secrets/airlock/internal/route"
)

// LargestAnswer bounds what is read of an answer. The largest one that the
// services give, a page of names, is far below.
const LargestAnswer = 4 << 20

// requestError says why a request has no answer.
type requestError struct {
	err   error
	limit time.Duration // not zero where the time for an attempt was over
	ended bool          // the caller does not wait any longer
}

// Error says what happened.
func (e *requestError) Error() string {
	if e.limit > 0 {
		return fmt.Sprintf("no answer within %s", e.limit)
	}
	return e.err.Error()
}

// Unwrap gives the cause.
func (e *requestError) Unwrap() error { return e.err }

// again says whether another attempt may help; to botocore any failure of a
// connection may, a certificate that does not verify included, and also a name
// that does not exist, for which airlock does not wait.
func (e *requestError) again() bool { return !e.ended && !route.NoSuchHost(e.err) }

// httpClient sends one attempt at a time: time, size and trust are its.
func (c *Conn) httpClient(s *session, verify Verify) (*http.Client, error) {
	if c.client != nil {
		return c.client, nil
	}
	inner := c.o.Transport
	if inner == nil {
		config, err := tlsConfig(s, verify)
		if err != nil {
			return nil, err
		}
		inner = &http.Transport{
			Proxy:               func(req *http.Request) (*url.URL, error) { return proxyFor(c.o.Env, req) },
			TLSClientConfig:     config,
			TLSHandshakeTimeout: c.o.timeout(), DialContext: (&net.Dialer{Timeout: c.o.timeout(), KeepAlive: 30 * time.Second}).DialContext,
			MaxIdleConns: 10, MaxIdleConnsPerHost: 10, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: false,
			DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	c.client = &http.Client{
		Transport:     &transport{inner: c.o.Env.Secrets.Transport(inner), timeout: c.o.timeout()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c.client, nil
}

// transport gives each attempt a deadline and reads its answer whole, so that
// a failure while reading counts as one of the attempt.
type transport struct {
	inner   http.RoundTripper
	timeout time.Duration
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	res, err := t.inner.RoundTrip(req.WithContext(ctx))
	if err == nil {
		var body []byte
		body, err = readAtMost(res.Body, LargestAnswer)
		_ = res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(body))
	}
	if err == nil {
		return res, nil
	}
	failure := &requestError{err: err, ended: req.Context().Err() != nil}
	var large *tooLargeError
	switch {
	case errors.As(err, &large):
		failure.ended = true
	case failure.ended:
		failure.err = context.Cause(req.Context())
	case ctx.Err() != nil:
		failure.limit = t.timeout
	}
	return nil, failure
}

// tlsConfig is the trust of a client: the kwarg verify, else AWS_CA_BUNDLE or
// the profile's ca_bundle, else REQUESTS_CA_BUNDLE, else the system.
func tlsConfig(s *session, verify Verify) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: verify.Insecure}
	if verify.Insecure {
		return config, nil
	}
	file, _ := s.authority(verify)
	if file == "" {
		return config, nil
	}
	pool, err := certificates(s.env, file)
	if err != nil {
		return nil, failed("SSLError", fmt.Sprintf("the CA bundle %s cannot be used: %v", clip(file), err),
			"give verify, or AWS_CA_BUNDLE, the path of a file of PEM certificates")
	}
	config.RootCAs = pool
	return config, nil
}

// authority is the file or folder of the certificates that are trusted in
// place of the system's, and what names it; "" for none.
func (s *session) authority(verify Verify) (path string, by []route.Setting) {
	if verify.CA != "" {
		return verify.CA, []route.Setting{{Kwarg: "verify"}}
	}
	if path, by = s.setting("ca_bundle", "AWS_CA_BUNDLE"); path != "" {
		return path, by
	}
	return s.env.get("REQUESTS_CA_BUNDLE"), []route.Setting{{Variable: "REQUESTS_CA_BUNDLE"}}
}

// certificates reads a file, or all files of a folder, of PEM certificates.
func certificates(env Env, path string) (*x509.CertPool, error) {
	path = env.path(path)
	paths := []string{path}
	env.Confined = env.Confined.Certificates()
	if info, err := env.Confined.Stat(path); err == nil && info.IsDir() {
		var err error
		if paths, err = filepath.Glob(filepath.Join(path, "*")); err != nil {
			return nil, errors.New("the folder cannot be read")
		}
	}
	pool, found := x509.NewCertPool(), false
	for _, p := range paths {
		b, err := env.readFile(p, 16<<20)
		switch {
		case len(paths) == 1 && errors.Is(err, fs.ErrNotExist):
			return nil, errors.New("there is no such file")
		}
		found = err == nil && pool.AppendCertsFromPEM(b) || found
	}
	if !found {
		return nil, errors.New("it holds no certificate")
	}
	return pool, nil
}
