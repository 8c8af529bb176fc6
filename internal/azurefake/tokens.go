package azurefake

import (
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tokenLife is how long tokens say they are good.
const tokenLife = time.Hour

// issue makes a token that the vault takes.
func (v *Vault) issue() string {
	token := "token-" + random()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tokens[token] = true
	return token
}

// login is the login service: discovery and tokens, below /TENANT or below
// /adfs/TENANT, where clients expect an Active Directory Federation Service.
func (v *Vault) login(w http.ResponseWriter, r *http.Request, parts []string) {
	path := "/" + strings.Join(parts, "/")
	switch {
	case strings.HasSuffix(path, "/.well-known/openid-configuration"):
		tenant := strings.TrimSuffix(strings.TrimSuffix(path, "/.well-known/openid-configuration"), "/v2.0")
		root := base(r) + tenant
		answer(w, http.StatusOK, map[string]any{
			"issuer": root + "/v2.0", "authorization_endpoint": root + "/oauth2/v2.0/authorize", "token_endpoint": root + "/oauth2/v2.0/token",
			"device_authorization_endpoint": root + "/oauth2/v2.0/devicecode", "jwks_uri": root + "/discovery/v2.0/keys",
		})
	case path == "/common/discovery/instance":
		answer(w, http.StatusOK, map[string]any{
			"tenant_discovery_endpoint": base(r) + "/" + v.Tenant + "/v2.0/.well-known/openid-configuration", "api-version": "1.1",
			"metadata": []any{map[string]any{"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host}}},
		})
	case strings.HasSuffix(path, "/token") && r.Method == http.MethodPost:
		v.token(w, r)
	default:
		fail(w, http.StatusNotFound, "NotFound", "nothing is here")
	}
}

// token is the client credentials grant.
func (v *Vault) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		oauthError(w, http.StatusBadRequest, "invalid_request", "AADSTS900144: the form cannot be read")
		return
	}
	form := r.PostForm
	if form.Get("grant_type") != "client_credentials" {
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type")
		return
	}
	if form.Get("client_id") != v.ClientID {
		oauthError(w, http.StatusBadRequest, "unauthorized_client", "AADSTS700016: Application with identifier was not found in the directory")
		return
	}
	secret, assertion := form.Get("client_secret"), form.Get("client_assertion")
	if !(secret != "" && same(secret, v.ClientSecret)) && !(assertion != "" && same(assertion, v.Assertion)) {
		oauthError(w, http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
		return
	}
	// Clients may ask for OpenID's scopes beside it.
	if scope, _, _ := strings.Cut(form.Get("scope"), " "); scope != v.Resource+"/.default" {
		oauthError(w, http.StatusBadRequest, "invalid_scope", "AADSTS70011: The provided value for scope is not valid")
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": int(tokenLife.Seconds()), "ext_expires_in": int(tokenLife.Seconds()), "access_token": v.issue(),
	})
}

// appService is the IDENTITY_ENDPOINT of App Service, at /msi/token.
func (v *Vault) appService(w http.ResponseWriter, r *http.Request) {
	if !same(r.Header.Get("X-IDENTITY-HEADER"), v.IdentityHeader) {
		answer(w, http.StatusUnauthorized, map[string]any{"statusCode": 401, "message": "Unauthorized"})
		return
	}
	v.identity(w, r)
}

// instanceMetadata is the service at 169.254.169.254 of a virtual machine.
func (v *Vault) instanceMetadata(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Metadata") != "true" {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_request", "error_description": "Required metadata header not specified"})
		return
	}
	v.identity(w, r)
}

func (v *Vault) identity(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("resource") != v.Resource || q.Get("api-version") == "" {
		answer(w, http.StatusBadRequest, map[string]any{"statusCode": 400, "message": "resource or api-version is wrong", "error": "invalid_resource"})
		return
	}
	if id := q.Get("client_id"); id != "" && id != v.ClientID {
		answer(w, http.StatusBadRequest, map[string]any{"statusCode": 400, "message": "Identity not found", "error": "invalid_request"})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": v.issue(), "expires_on": strconv.FormatInt(time.Now().Add(tokenLife).Unix(), 10),
		"expires_in": strconv.Itoa(int(tokenLife.Seconds())), "resource": q.Get("resource"), "token_type": "Bearer",
	})
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	answer(w, status, map[string]any{"error": code, "error_description": description, "error_codes": []int{7000215}})
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
