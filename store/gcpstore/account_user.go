package gcpstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// userAccount is a person's log-in, kept as a refresh token: gcloud's
// (google.oauth2.credentials.Credentials), and that of a workforce pool
// (external_account_authorized_user), which proves the client by basic
// authentication.
type userAccount struct {
	endpoint, id, secret, refresh string
	scopes                        []string
	workforce                     bool
}

// googleTokens is Google's token endpoint; that of the file is not read.
const googleTokens = "https://oauth2.googleapis.com/token"

// Format keeps the tokens out of what is printed.
func (*userAccount) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "user account, redacted") }

// token implements account. A person's scopes are those of the log-in.
func (a *userAccount) token(ctx context.Context, w *web, _ []string) (access, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.refresh}}
	var user *url.Userinfo
	if a.workforce {
		user = url.UserPassword(a.id, a.secret)
	} else {
		form.Set("client_id", a.id)
		form.Set("client_secret", a.secret)
		if len(a.scopes) > 0 {
			form.Set("scope", strings.Join(a.scopes, " "))
		}
	}
	return w.post(ctx, a.endpoint, "renewing the user's log-in", form, user)
}

// impersonated is google.auth.impersonated_credentials.Credentials.
type impersonated struct {
	source    account
	target    string
	delegates any // as JSON has them: null or a list
	scopes    any // a list, or the text of the kwarg as it is
	universe  string
	// endpoint is that of a credentials file; empty for IAM's own.
	endpoint string
}

// Format keeps the source out of what is printed.
func (*impersonated) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprint(f, "impersonated account, redacted")
}

// token asks IAM for a token of the target. The source needs the role Service
// Account Token Creator on it, or on the first of the delegates.
func (a *impersonated) token(ctx context.Context, w *web, scopes []string) (access, error) {
	const what = "asking IAM to impersonate a service account"
	source, err := a.sourceToken(ctx, w)
	if err != nil {
		return access{}, err
	}
	scope := a.scopes
	if scope == nil {
		scope = []string{cloudScope}
		if scopes != nil {
			scope = scopes
		}
	}
	endpoint := a.endpoint
	if endpoint == "" {
		endpoint = "https://iamcredentials." + a.universe + "/v1/projects/-/serviceAccounts/" + url.PathEscape(a.target) + ":generateAccessToken"
	}
	req, err := jsonRequest(ctx, endpoint, map[string]any{"delegates": a.delegates, "scope": scope, "lifetime": "3600s"})
	if err != nil {
		return access{}, &tokenError{what: what, cause: err}
	}
	req.Header.Set("Authorization", "Bearer "+source.token)
	answer, err := w.do(req, what)
	if err != nil {
		return access{}, err
	}
	var said struct{ AccessToken, ExpireTime string }
	if err := answer.decode(what, &said); err != nil {
		return access{}, err
	}
	expires, err := time.Parse(time.RFC3339, said.ExpireTime)
	if err != nil || said.AccessToken == "" {
		return access{}, &tokenError{what: what, status: answer.status, cause: errors.New("the answer has no token, or none that ends")}
	}
	return access{said.AccessToken, expires}, nil
}

// sourceToken is a token for IAM: a service account of Google's own universe
// gets it from its token endpoint, any other account in its usual way.
func (a *impersonated) sourceToken(ctx context.Context, w *web) (access, error) {
	if service, ok := a.source.(*serviceAccount); ok && service.universe == DefaultUniverse {
		return service.grant(ctx, w, iamScope)
	}
	return a.source.token(ctx, w, []string{iamScope})
}
