package azurestore

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/airlock-secrets/airlock/store"
)

// federation logs in where the authority is an Active Directory Federation
// Service, which is what MSAL takes every authority for whose path begins with
// "adfs". azidentity cannot be used there: it asks for a tenant each time,
// which its MSAL refuses of such an authority, while MSAL for Python passes
// over it.
type federation struct {
	login *login
	// authority has the tenant as its last segment, which means nothing there.
	authority string
	client    string
	// proof gives the form's members that show who is asking.
	proof func(context.Context) (url.Values, error)

	endpoint string // the token endpoint, "" before it was asked for; the caller's lock guards it
}

// federated reports whether authority and tenant lead to such a service.
func (l *login) federated(tenant string) bool {
	u, err := url.Parse(l.authority + "/" + tenant)
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(strings.TrimLeft(u.Path, "/"), "/")
	return strings.EqualFold(first, "adfs")
}

// GetToken implements azcore.TokenCredential.
func (f *federation) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if f.endpoint == "" {
		if err := f.discover(ctx); err != nil {
			return azcore.AccessToken{}, err
		}
	}
	form, err := f.proof(ctx)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	form.Set("client_id", f.client)
	form.Set("grant_type", "client_credentials")
	form.Set("scope", strings.Join(o.Scopes, " "))
	if o.Claims != "" {
		form.Set("claims", o.Claims)
	}
	var in struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   any    `json:"expires_in"`
	}
	if err := f.exchange(ctx, http.MethodPost, f.endpoint, form, &in); err != nil {
		return azcore.AccessToken{}, err
	}
	life, ok := seconds(in.ExpiresIn)
	if in.AccessToken == "" || !ok {
		return azcore.AccessToken{}, errNoLogin
	}
	return azcore.AccessToken{Token: in.AccessToken, ExpiresOn: time.Now().Add(time.Duration(life) * time.Second)}, nil
}

// discover asks where tokens are given out.
func (f *federation) discover(ctx context.Context) error {
	var in struct {
		TokenEndpoint string `json:"token_endpoint"`
	}
	if err := f.exchange(ctx, http.MethodGet, f.authority+"/.well-known/openid-configuration", nil, &in); err != nil {
		return err
	}
	u, err := url.Parse(in.TokenEndpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return &store.Error{Code: store.Corrupt, Err: errNoLogin, Hint: "check AZURE_AUTHORITY_HOST"}
	}
	f.endpoint = in.TokenEndpoint
	return nil
}

// exchange sends one request, again while the service fails for now, and
// decodes its answer.
func (f *federation) exchange(ctx context.Context, method, address string, form url.Values, into any) error {
	send := func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, finalError{errors.New("the login service's address is not a URL")}
		}
		req.Header.Set("Accept", "application/json")
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return exchange(f.login.http, req, f.login.timeout)
	}
	res, err := f.login.retry(ctx, send)
	if err != nil {
		return err
	}
	body, err := readBounded(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return readLoginRefusal(res.StatusCode, body)
	}
	if json.Unmarshal(body, into) != nil {
		return errNoLogin
	}
	return nil
}

// retry repeats a request that failed for now.
func (l *login) retry(ctx context.Context, send func() (*http.Response, error)) (*http.Response, error) {
	delay := l.delay
	for try := 0; ; try++ {
		res, err := send()
		again := err != nil
		var final finalError
		if err == nil {
			again = res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusGone || res.StatusCode >= 500
		} else if errors.As(err, &final) {
			return nil, err
		}
		if !again || try >= l.retries {
			return res, err
		}
		select {
		case <-time.After(delay):
			delay *= 2
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
