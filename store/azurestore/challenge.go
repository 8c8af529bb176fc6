package azurestore

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	sharedlogin "github.com/airlock-secrets/airlock/internal/login"
	"github.com/airlock-secrets/airlock/store"
)

// authorizer sends requests with a token that the vault's own challenge asks
// for, as ChallengeAuthPolicy of azure-keyvault-secrets does: the first
// request goes without a token and without a body. The client's own policy is
// not used: it indexes into what a server writes in a challenge, and takes a
// challenge that names no tenant for none.
type authorizer struct {
	next        *http.Client
	timeout     time.Duration
	credential  azcore.TokenCredential
	address     string // the vault's, as configured
	anyResource bool

	logins *sharedlogin.Shared[azcore.AccessToken]
	lock   chanLock
	asked  *challenge         // what the vault asked for last; guarded by lock
	token  azcore.AccessToken // guarded by lock
}

// challenge is a WWW-Authenticate header of Key Vault.
type challenge struct{ scope, tenant, claims string }

// tokenMargin is how long before its end a token is no longer used.
const tokenMargin = 5 * time.Minute

// Do implements policy.Transporter.
func (a *authorizer) Do(req *http.Request) (*http.Response, error) {
	if err := a.checkAddress(req.URL); err != nil {
		return nil, finalError{err}
	}
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	token, err := a.current(req.Context())
	if err != nil {
		return nil, finalError{err}
	}
	first := body
	if token == "" {
		first = nil
	}
	res, err := a.send(req, first, token)
	// The vault's challenge may be followed by one that has claims.
	for tries := 0; err == nil && res.StatusCode == http.StatusUnauthorized && tries < 2; tries++ {
		asked, ok := parseChallenge(res.Header.Get("WWW-Authenticate"))
		if !ok || tries > 0 && asked.claims == "" {
			break
		}
		if token, err = a.answer(req, asked); err != nil {
			return nil, finalError{err}
		}
		res, err = a.send(req, body, token)
	}
	if err == nil {
		// So that the client's policy does not read it.
		res.Header.Del("WWW-Authenticate")
	}
	return res, err
}

// checkAddress keeps tokens from going out in the clear, or to another host
// that a list names as the place of its next page.
func (a *authorizer) checkAddress(u *url.URL) error {
	base, err := url.Parse(a.address)
	if err != nil || !strings.EqualFold(base.Scheme, "https") {
		return &store.Error{Code: store.Invalid, Hint: "begin vault_url with https://",
			Err: &airflow.Error{Type: "ServiceRequestError", Message: "Bearer token authentication is not permitted for non-TLS protected (non-https) URLs."}}
	}
	if !strings.EqualFold(u.Host, base.Host) || u.Scheme != "https" {
		return &store.Error{Code: store.Corrupt, Err: errors.New("the vault sends the client to another host")}
	}
	return nil
}

// current is the token for what was asked for before; "" before the first
// challenge.
func (a *authorizer) current(ctx context.Context) (string, error) {
	if err := a.lock.acquire(ctx); err != nil {
		return "", err
	}
	defer a.lock.release()
	if a.asked == nil {
		return "", nil
	}
	return a.refreshLocked(ctx)
}

// answer takes up a challenge and returns a token for it.
func (a *authorizer) answer(req *http.Request, asked challenge) (string, error) {
	if strings.ContainsFunc(asked.scope, unicode.IsSpace) { // more than one: only the first would be looked at
		return "", &store.Error{Code: store.Corrupt, Err: errors.New("the vault asks for a token of more than one scope")}
	}
	if !a.anyResource {
		if err := checkResource(asked.scope, req.URL); err != nil {
			return "", err
		}
	}
	if err := a.lock.acquire(req.Context()); err != nil {
		return "", err
	}
	defer a.lock.release()
	if asked.claims != "" && a.asked != nil {
		asked.scope, asked.tenant = a.asked.scope, a.asked.tenant
	}
	a.asked, a.token = &asked, azcore.AccessToken{}
	return a.refreshLocked(req.Context())
}

func (a *authorizer) refreshLocked(ctx context.Context) (string, error) {
	now := time.Now()
	if a.token.Token != "" && a.token.ExpiresOn.Sub(now) > tokenMargin && (a.token.RefreshOn.IsZero() || a.token.RefreshOn.After(now)) {
		return a.token.Token, nil
	}
	o := policy.TokenRequestOptions{Scopes: []string{a.asked.scope}, TenantID: a.asked.tenant, Claims: a.asked.claims, EnableCAE: true}
	key := strings.Join([]string{a.asked.scope, a.asked.tenant, a.asked.claims}, "\n")
	token, err := a.logins.Do(ctx, key, func(ctx context.Context) (azcore.AccessToken, error) { return a.credential.GetToken(ctx, o) })
	if err != nil {
		a.asked = nil
		return "", loginError(ctx, err)
	}
	a.token, a.asked.claims = token, ""
	return token.Token, nil
}

func (a *authorizer) send(req *http.Request, body []byte, token string) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Body, out.ContentLength, out.GetBody = http.NoBody, 0, nil
	if body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	out.Header.Del("Authorization")
	if token != "" {
		out.Header.Set("Authorization", "Bearer "+token)
	}
	return exchange(a.next, out, a.timeout)
}

// parseChallenge is HttpChallenge: name=value pairs between commas, of which
// authorization is needed. The tenant is the first segment of its path; "" for
// none and for that of a federation service, which needs none.
func parseChallenge(header string) (challenge, bool) {
	_, parameters, ok := strings.Cut(strings.TrimSpace(header), " ")
	if !ok {
		return challenge{}, false
	}
	var c challenge
	values := map[string]string{}
	for item := range strings.SplitSeq(parameters, ",") {
		if _, encoded, ok := strings.Cut(item, "claims="); ok {
			text := strings.TrimRight(strings.Trim(encoded, ` "'`), "=")
			if claims, err := base64.RawURLEncoding.DecodeString(text); err == nil {
				c.claims = string(claims)
			}
			continue
		}
		if name, value, ok := strings.Cut(item, "="); ok && !strings.Contains(value, "=") {
			values[strings.Trim(name, ` "`)] = strings.Trim(value, ` "`)
		}
	}
	server := values["authorization_uri"]
	if server == "" {
		server = values["authorization"]
	}
	u, err := url.Parse(server)
	_, given := values["authorization"]
	_, givenURI := values["authorization_uri"]
	if err != nil || !given && !givenURI {
		return challenge{}, false
	}
	c.tenant, _, _ = strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
	if strings.HasSuffix(strings.ToLower(c.tenant), "adfs") {
		c.tenant = ""
	}
	if c.scope = values["scope"]; c.scope == "" {
		c.scope = values["resource"] + "/.default"
	}
	return c, true
}

// checkResource is _validate_challenge_resource: the vault is part of the
// domain that it asks a token for.
func checkResource(scope string, asked *url.URL) error {
	u, err := url.Parse(scope)
	if err != nil || u.Host == "" {
		return &store.Error{Code: store.Corrupt, Err: &airflow.Error{Type: "ValueError", Message: fmt.Sprintf("The challenge contains invalid scope '%s'.", store.Clip(scope))}}
	}
	host := strings.ToLower(asked.Host)
	domain := strings.ToLower(u.Host)
	withPort := host
	if asked.Port() == "" {
		withPort += ":443"
	}
	if strings.HasSuffix(host, "."+domain) || u.Port() == "" && strings.HasSuffix(withPort, "."+domain+":443") || strings.HasSuffix(withPort, "."+domain) {
		return nil
	}
	return &store.Error{Code: store.Invalid,
		Hint: `correct vault_url; where the address is meant, set "verify_challenge_resource": false in backend_kwargs`,
		Err: &airflow.Error{Type: "ValueError", Message: fmt.Sprintf("The challenge resource '%s' does not match the requested domain. Pass "+
			"`verify_challenge_resource=False` to your client's constructor to disable this verification. "+
			"See https://aka.ms/azsdk/blog/vault-uri for more information.", excerpt.Name(u.Host))}}
}

// chanLock is a mutex that a context may give up waiting for.
type chanLock chan struct{}

func newLock() chanLock { return make(chanLock, 1) }

func (l chanLock) acquire(ctx context.Context) error {
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l chanLock) release() { <-l }
