package azurestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/azurestore"
)

// onPath answers in the server's place where a path begins with one of
// prefix.
func onPath(prefix string, f http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
		f(w, r)
		return true
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// hang never answers, also not once the client has given up: the client may
// still read what comes while it closes the connection.
func hang(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

func huge(w http.ResponseWriter, _ *http.Request) {
	chunk := []byte(strings.Repeat("x", 1<<20))
	for range 100 {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// badSetting is something wrong with the settings or with a server, and what a
// person is told.
type badSetting struct {
	name  string
	set   func(*azurestore.Options, *azurefake.Server)
	code  store.Code
	error string
	hint  string
}

func badSettings() []badSetting {
	fault := func(prefix string, f http.HandlerFunc) func(*azurestore.Options, *azurefake.Server) {
		return func(_ *azurestore.Options, s *azurefake.Server) { s.Fault(onPath(prefix, f)) }
	}
	return []badSetting{
		{"a wrong secret", func(o *azurestore.Options, _ *azurefake.Server) { o.ClientSecret = "wrong-hunter3" }, store.Unauthenticated, "invalid_client", "client_secret is wrong"},
		{"an unknown client", func(o *azurestore.Options, _ *azurefake.Server) { o.ClientID = "nobody" }, store.Unauthenticated, "unauthorized_client", "no application of this client_id"},
		{"another tenant", func(o *azurestore.Options, _ *azurefake.Server) { o.TenantID = "other" }, store.Unauthenticated, "not configured to acquire tokens for tenant", "not the tenant of the vault"},
		{"no credential at all", func(o *azurestore.Options, s *azurefake.Server) {
			o.ClientSecret = ""
			o.Env = env("REQUESTS_CA_BUNDLE="+s.CA, "AZURE_TOKEN_CREDENTIALS=environmentcredential")
		}, store.Unauthenticated, "DefaultAzureCredential failed", "give tenant_id, client_id and client_secret"},
		{"a tenant that is none", func(o *azurestore.Options, _ *azurefake.Server) { o.TenantID = "a/b" }, store.Invalid, "Invalid tenant ID", "tenant_id"},
		{"an authority without TLS", func(o *azurestore.Options, _ *azurefake.Server) { o.Env = env("AZURE_AUTHORITY_HOST=http://h") }, store.Invalid, "invalid authority", "https://HOST"},
		{"a token file that is not there", func(o *azurestore.Options, s *azurefake.Server) {
			o.ClientSecret = ""
			o.Env = env("REQUESTS_CA_BUNDLE="+s.CA, "AZURE_AUTHORITY_HOST="+s.URL+"/adfs", "AZURE_TENANT_ID=tenant", "AZURE_CLIENT_ID=client", "AZURE_FEDERATED_TOKEN_FILE=/nowhere")
		}, store.Invalid, "AZURE_FEDERATED_TOKEN_FILE", "does the pod have it"},
		{"no vault_url", func(o *azurestore.Options, _ *azurefake.Server) { o.VaultURL = "" }, store.Invalid, "vault_url must be the URL", "set vault_url"},
		{"a vault_url without https", func(o *azurestore.Options, _ *azurefake.Server) { o.VaultURL = "v.vault.azure.net" }, store.Invalid, "non-TLS", "https://"},
		{"a vault_url that is none", func(o *azurestore.Options, _ *azurefake.Server) { o.VaultURL = "https://:x:y" }, store.Invalid, "not a URL", "https://"},
		{"a domain that is not the vault's", func(o *azurestore.Options, _ *azurefake.Server) { o.AnyChallengeResource = false }, store.Invalid, "does not match the requested domain", "verify_challenge_resource"},
		{"a CA file that is not there", func(o *azurestore.Options, _ *azurefake.Server) { o.TLS.CA = "/nowhere" }, store.Invalid, "connection_verify", "PEM"},
		{"a certificate that nobody vouches for", func(o *azurestore.Options, s *azurefake.Server) {
			o.Env = env("AZURE_AUTHORITY_HOST=" + s.URL + "/adfs")
		}, store.Unavailable, "certificate", "connection_verify"},
		{"a login service that nobody vouches for", func(o *azurestore.Options, s *azurefake.Server) {
			o.Env, o.TLS.CA = env("AZURE_AUTHORITY_HOST="+s.URL+"/adfs"), s.CA
		}, store.Unavailable, "certificate", "REQUESTS_CA_BUNDLE"},
		{"nobody listens", func(_ *azurestore.Options, s *azurefake.Server) { s.Stop() }, store.Unavailable, "refused", "vault_url"},
		{"denied", func(_ *azurestore.Options, s *azurefake.Server) { s.Deny("name") }, store.Denied, "not authorized", "Key Vault Secrets User"},
		{"disabled", func(_ *azurestore.Options, s *azurefake.Server) { s.Disable("name") }, store.Denied, "SecretDisabled", "enable it"},
		{"throttled", fault("/secrets", status(429, `{"error": {"code": "Throttled", "message": "slow down"}}`)), store.Throttled, "slow down", "less often"},
		{"down", fault("/secrets", status(503, "")), store.Unavailable, "status 503", ""},
		{"a connection that breaks", fault("/secrets", hangUp), store.Unavailable, "EOF", "vault_url"},
		{"a server that hangs", fault("/secrets", hang), store.Unavailable, "no answer within 300ms", "vault_url"},
		{"a login service that hangs", fault("/adfs", hang), store.Unavailable, "no answer within 300ms", "AZURE_AUTHORITY_HOST"},
		{"a login service that is down", fault("/adfs", status(500, "")), store.Unavailable, "status 500", ""},
		{"a login service that talks nonsense", fault("/adfs", status(200, "nonsense")), store.Unauthenticated, "does not answer as one", ""},
		{"a login service that gives no token", fault("/adfs/tenant/oauth2", status(200, "{}")), store.Unauthenticated, "no token", ""},
		{"garbage", fault("/secrets", status(200, "\x00\x01 hunter2")), store.Corrupt, "not that of a Key Vault", "vault_url"},
		{"a value that is no string", fault("/secrets", status(200, `{"value": {"hunter2": 1}}`)), store.Corrupt, "not that of a Key Vault", "vault_url"},
		{"100 MB", fault("/secrets", huge), store.Corrupt, "longer than 4 MiB", ""},
		{"a redirect", fault("/secrets", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere/", http.StatusFound)
		}), store.Invalid, "status 302", "redirects"},
		{"a token that is never taken", fault("/secrets", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer authorization="https://login/tenant", resource="https://vault.azure.net"`)
			w.WriteHeader(401)
		}), store.Unauthenticated, "status 401", "does not take the token"},
		{"a challenge that is none", fault("/secrets", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Bearer x")
			w.WriteHeader(401)
		}), store.Unauthenticated, "status 401", "does not take the token"},
	}
}

// TestBadSettings: each is told apart, says what to do, and gives nothing
// away.
func TestBadSettings(t *testing.T) {
	for _, tt := range badSettings() {
		t.Run(tt.name, func(t *testing.T) {
			s := azurefake.Start(t)
			s.Set("name", "the value of hunter2")
			o := options(s)
			o.Timeout = 300 * time.Millisecond
			if !strings.Contains(tt.error, "no answer") {
				o.Timeout = 10 * time.Second
			}
			tt.set(&o, s)
			_, err := open(t, o).Get(t.Context(), "name")
			var e *store.Error
			if !errors.As(err, &e) || e.Code != tt.code || !strings.Contains(err.Error(), tt.error) || !strings.Contains(store.Hint(err), tt.hint) {
				t.Errorf("Get = %v (code %q, hint %q); want code %q, %q and the hint %q", err, store.CodeOf(err), store.Hint(err), tt.code, tt.error, tt.hint)
			}
			if text := fmt.Sprintf("%v %+v %s", err, err, store.Hint(err)); strings.Contains(text, "hunter") || strings.Contains(text, "token-") {
				t.Errorf("the error gives a secret away: %s", text)
			}
		})
	}
}

// TestPassing: what a server does wrong for a moment does not show.
func TestPassing(t *testing.T) {
	for name, f := range map[string]http.HandlerFunc{"429": status(429, ""), "503": status(503, ""), "a broken connection": hangUp} {
		s := azurefake.Start(t)
		s.Set("name", "value")
		times := 2
		s.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			if times == 0 {
				return false
			}
			times--
			f(w, r)
			return true
		})
		if got, err := open(t, options(s)).Get(t.Context(), "name"); err != nil || string(got.Payload) != "value" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTokens: one log-in serves all, and a token that is no longer taken is
// renewed.
func TestTokens(t *testing.T) {
	s := azurefake.Start(t)
	s.Set("name", "value")
	st := open(t, options(s))
	get := func() {
		t.Helper()
		if _, err := st.Get(context.Background(), "name"); err != nil {
			t.Fatal(err)
		}
	}
	get()
	if got := len(s.Requests()); got != 4 { // challenge, discovery, token, secret
		t.Errorf("the first Get costs %d requests, want 4", got)
	}
	get()
	if got := s.Requests(); len(got) != 1 || got[0].Path != "/secrets/name/" || !got[0].Authorized || got[0].Query != "api-version="+azurestore.DefaultAPIVersion {
		t.Errorf("the second Get asks %+v", got)
	}
	s.RevokeTokens()
	get()
}

// TestPutKeepsAttributes: a new version has the tags of the one before.
func TestPutKeepsAttributes(t *testing.T) {
	s := azurefake.Start(t)
	s.Set("name", "one")
	s.SetTags("name", map[string]string{"owner": "me"}, "text/plain")
	if _, err := store.Put(t.Context(), open(t, options(s)), "name", &store.Secret{Payload: []byte("two")}, nil); err != nil {
		t.Fatal(err)
	}
	if tags, contentType := s.Tags("name"); tags["owner"] != "me" || contentType != "text/plain" {
		t.Errorf("after Put the tags are %v, the content type %q", tags, contentType)
	}
}

// TestListElsewhere: no token goes to where a list says its next page is.
func TestListElsewhere(t *testing.T) {
	s := azurefake.Start(t)
	s.Set("name", "value")
	st := open(t, options(s))
	if _, err := st.Get(t.Context(), "name"); err != nil {
		t.Fatal(err)
	}
	s.Fault(onPath("/secrets", status(200, `{"value": [], "nextLink": "https://elsewhere.example/secrets?x=1"}`)))
	if _, err := st.List(t.Context(), ""); store.CodeOf(err) != store.Corrupt || !strings.Contains(err.Error(), "another host") {
		t.Errorf("List = %v", err)
	}
}

// TestProxyAndFiles: the kwargs for the connection reach it.
func TestProxyAndFiles(t *testing.T) {
	s := azurefake.Start(t)
	s.Set("name", "value")
	o := options(s)
	o.VaultURL, o.Proxies, o.AnyChallengeResource = "https://v.vault.azure.net", map[string]string{"https": s.Proxy}, false
	o.TLS.CA, o.Env = filepath.Base(s.CA), env("AZURE_AUTHORITY_HOST="+s.URL+"/adfs", "REQUESTS_CA_BUNDLE="+s.CA)
	o.Env.Dir = filepath.Dir(s.CA)
	if got, err := open(t, o).Get(t.Context(), "name"); err != nil || string(got.Payload) != "value" {
		t.Errorf("Get through a proxy: %v", err)
	}
	o.TLS.Cert = filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(o.TLS.Cert, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, o).Get(t.Context(), "name"); store.CodeOf(err) != store.Invalid || !strings.Contains(store.Hint(err), "connection_cert") {
		t.Errorf("Get with a certificate that is none: %v", err)
	}
}
