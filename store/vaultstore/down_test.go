package vaultstore_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// says is a server that answers everything alike.
func says(t *testing.T, status int, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestDown tells what fails as a whole from what fails for one name.
func TestDown(t *testing.T) {
	bao := baotest.Start(t)
	bao.MustDo(t, "PUT", "/v1/sys/policies/acl/little", map[string]any{"policy": `path "secret/data/other" { capabilities = ["read"] }`})
	auth, _ := bao.MustDo(t, "POST", "/v1/auth/token/create", map[string]any{"policies": []string{"little"}, "no_default_policy": true})["auth"].(map[string]any)
	little, _ := auth["client_token"].(string)
	gone := httptest.NewServer(nil)
	gone.Close()
	check := func(what, at string, m vaultstore.Method, code store.Code, down bool) {
		t.Helper()
		s, err := vaultstore.New(vaultstore.Options{URL: at, Mount: "secret", Auth: m, NoRetries: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err = s.Get(t.Context(), "a"); store.CodeOf(err) != code || store.IsDown(err) != down {
			t.Errorf("%s: %v (down: %v), want code %q and down %v", what, err, store.IsDown(err), code, down)
		}
	}
	token := func(text string) vaultstore.Method { return vaultstore.Token{Token: text} }
	check("a name that is not there", bao.Addr, token(bao.Token), store.NotFound, false)
	check("what no policy allows", bao.Addr, token(little), store.Denied, false)
	check("a token that is none, or has expired", bao.Addr, token("expired"), store.Denied, true)
	check("a log-in that is refused", bao.Addr, vaultstore.AppRole{RoleID: "none", SecretID: "none"}, store.Unauthenticated, true)
	check("a log-in that is not there", says(t, 404, `{"errors": []}`), vaultstore.AppRole{RoleID: "none", SecretID: "none"}, store.NotFound, true)
	check("nobody listens", gone.URL, token("t"), store.Unavailable, true)
	check("a server that fails", says(t, 500, `{"errors": ["internal error"]}`), token("t"), store.Unavailable, false)
	check("a proxy without a server", says(t, 503, `no healthy upstream`), token("t"), store.Unavailable, false)
	check("a limit", says(t, 429, `{"errors": ["rate limit quota exceeded"]}`), token("t"), store.Throttled, true)
	check("what Vault says of a bad token", says(t, 403, `{"errors": ["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}`), token("t"), store.Denied, true)
	check("no JSON", says(t, 200, `<html>`), token("t"), store.Corrupt, false)
	bao.MustDo(t, "PUT", "/v1/sys/seal", nil)
	check("it is sealed", bao.Addr, token(bao.Token), store.Unavailable, true)
}
