package gcpstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

// maxToken bounds the answer of a token endpoint.
const maxToken = 1 << 20

// errUnreachable is the cause of a tokenError where nobody answered.
var errUnreachable = errors.New("no answer")

// web asks token endpoints and metadata servers, with the proxies and the
// authorities that Python's requests takes from the environment.
type web struct {
	env Env
	now func() time.Time
	// transport stands in the place of one made of env, in tests.
	transport http.RoundTripper

	once   sync.Once
	client *http.Client
	err    error
}

// http returns the client.
func (w *web) http() (*http.Client, error) {
	w.once.Do(func() {
		w.client = &http.Client{Transport: w.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		if w.transport == nil {
			w.client.Transport, w.err = newTransport(w.env)
		}
		w.client.Transport = w.env.Secrets.Transport(w.client.Transport)
	})
	return w.client, w.err
}

func newTransport(env Env) (*http.Transport, error) {
	find := webProxies(env).ProxyFunc()
	t := &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) { return find(r.URL) },
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialDirect(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
	}
	file, variable := requests.CABundle(env.Getenv)
	if file == "" {
		return t, nil
	}
	pool, err := requests.Authorities(env.Confined.Certificates(), env.path(file))
	if err != nil {
		return nil, fmt.Errorf("reading the CA certificates of %s: %w", variable, err)
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// answer is what an endpoint said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request; what says for whom, in an error.
func (w *web) do(req *http.Request, what string) (*answer, error) {
	client, err := w.http()
	if err != nil {
		return nil, noToken(what, err)
	}
	res, err := client.Do(req)
	if err != nil {
		var sent *url.Error
		if errors.As(err, &sent) { // its own text would repeat the URL
			err = sent.Err
		}
		return nil, &tokenError{what: what, cause: errors.Join(errUnreachable, err)}
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxToken+1))
	if err != nil {
		return nil, &tokenError{what: what, cause: errors.Join(errUnreachable, err)}
	}
	if len(body) > maxToken {
		return nil, &tokenError{what: what, status: http.StatusOK, cause: errors.New("the answer is too long")}
	}
	return &answer{res.StatusCode, res.Header, body}, nil
}

// oauthCode is what an error code of OAuth looks like; nothing else of an
// answer is repeated, since it may quote the request.
var oauthCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// decode reads a JSON answer of status 200 into v.
func (a *answer) decode(what string, v any) error {
	if a.status != http.StatusOK {
		var said struct{ Error any }
		_ = json.Unmarshal(a.body, &said)
		e := &tokenError{what: what, status: a.status}
		if code, ok := said.Error.(string); ok && oauthCode.MatchString(code) {
			e.oauth = code
		}
		return e
	}
	if json.Unmarshal(a.body, v) != nil {
		return &tokenError{what: what, status: http.StatusOK, cause: errors.New("the answer is not the JSON of a token endpoint")}
	}
	return nil
}

// post sends a form to a token endpoint and returns its token.
func (w *web) post(ctx context.Context, endpoint, what string, form url.Values, user *url.Userinfo) (access, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return access{}, &tokenError{what: what, cause: errors.New("the token endpoint is not a URL")}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	a, err := w.do(req, what)
	if err != nil {
		return access{}, err
	}
	return w.tokenOf(a, what)
}

// tokenOf reads the usual answer of a token endpoint.
func (w *web) tokenOf(a *answer, what string) (access, error) {
	var said struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"`
	}
	if err := a.decode(what, &said); err != nil {
		return access{}, err
	}
	if said.AccessToken == "" {
		return access{}, &tokenError{what: what, status: a.status, cause: errors.New("the answer has no token")}
	}
	return access{said.AccessToken, w.now().Add(time.Duration(min(max(said.ExpiresIn, 0), 86400)) * time.Second)}, nil
}

// jsonRequest is a POST of v.
func jsonRequest(ctx context.Context, address string, v any) (*http.Request, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the endpoint is not a URL")
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}
