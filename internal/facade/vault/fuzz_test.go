package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// cleaning is a store that takes a path for another, as a server behind a
// client that resolves dots does.
type cleaning struct{ *memstore.Store }

func (c cleaning) Get(ctx context.Context, name string) (*store.Secret, error) {
	return c.Store.Get(ctx, strings.Trim(path.Clean("/"+name), "/"))
}

func FuzzPath(f *testing.F) {
	for _, e := range paths() {
		f.Add(e.method, e.path)
	}
	f.Add("GET", "auth/approle/login")
	f.Add("LIST", "kv/%2F%2F")
	for _, spelling := range []string{"%2e/forbidden", "x/%2e%2e/forbidden", "%2Fforbidden", "forbidden/", "%252e/forbidden"} {
		f.Add("GET", "secret/data/variables/"+spelling)
		f.Add("GET", "kv/variables/"+spelling)
	}
	own, above := memstore.New("embedded"), cleaning{memstore.New("upstream")}
	log := &bytes.Buffer{}
	g, err := gate.New(gate.Config{Own: own, OwnDialect: dialect.Native{}, Audit: audit.New(log),
		Resolver: &airlock.Resolver{Sources: []airlock.Source{
			{Class: "a.VaultBackend", Store: above, Dialect: dialect.DefaultVault()}, {Class: "airlock", Store: own, Dialect: dialect.Native{}}}}})
	if err != nil {
		f.Fatal(err)
	}
	clients, err := client.Open(f.Context(), memstore.New("system"), nil)
	if err != nil {
		f.Fatal(err)
	}
	creds, err := clients.Create(f.Context(), client.Spec{Name: "admin", Rules: []acl.Rule{{}, {Deny: true, IDs: []string{"forbidden*", "vault/forbidden*"}}}})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := above.Put(f.Context(), "variables/forbidden", &store.Secret{Payload: []byte(`{"value":"f0rb1dden"}`), Form: store.Object}, nil); err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{"variable//forbidden", "plain/vault/forbidden"} {
		if _, err := own.Put(f.Context(), name, &store.Secret{Payload: []byte("f0rb1dden")}, nil); err != nil {
			f.Fatal(err)
		}
	}
	handler := newHandler(f, g, clients, nil)
	f.Fuzz(func(t *testing.T, method, target string) {
		u, err := url.ParseRequestURI("/v1/" + target)
		if err != nil || strings.ContainsAny(method, " \r\n") || method == "CONNECT" {
			return
		}
		r := httptest.NewRequestWithContext(context.Background(), "GET", "/", strings.NewReader(`{"data":{"v":"new"}}`))
		r.Method, r.URL = method, u
		r.Header.Set("X-Vault-Token", creds.Token)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		body := w.Body.String()
		if strings.Contains(body, "f0rb1dden") {
			t.Errorf("%s %q gave away what is forbidden: %s", method, target, body)
		}
		if w.Code >= 200 && w.Code < 300 && body != "" && !json.Valid([]byte(body)) {
			t.Errorf("%s %q: %d %q is not JSON", method, target, w.Code, body)
		}
		if w.Code >= 500 {
			t.Errorf("%s %q: %d %s", method, target, w.Code, body)
		}
		if log.Len() > 1<<20 {
			log.Reset()
		}
	})
}

// FuzzBody sends any body to every endpoint that reads one, with every method:
// each answer is JSON, none is a failure of the server's, and the token in the
// request is in none.
func FuzzBody(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.StoreValues) {
		if strings.HasPrefix(text, "{") {
			f.Add("secret/data/variables/x", []byte(text))
		}
	}
	for _, body := range []string{`{"data":{"value":"v"},"options":{"cas":1}}`, `{"data":null}`, `{"data":{"value":1e999}}`, `{"versions":[1,1,-1,99999999999999999999]}`, `{"versions":["1"]}`,
		`{"max_versions":-1,"cas_required":1,"delete_version_after":"x","custom_metadata":{"a":1}}`, `{"custom_metadata":{"a":"\ud800"}}`, `{"paths":["a",1,null]}`, `{"path":"sys/x"}`,
		`{"role_id":"","secret_id":{}}`, `{"token":"x","increment":"1h"}`, `{"increment":9223372036854775807}`, "", "null", "[]", "{}{}", "\xef\xbb\xbf{}", "{\"data\":{\"a\":\"\xff\"}}",
		strings.Repeat(`{"data":`, 300) + "1" + strings.Repeat("}", 300), `{"data":{"value":NaN}}`, `{"data":{"a":1,"a":2},"DATA":{}}`} {
		for _, target := range endpoints() {
			f.Add(target, []byte(body))
		}
	}
	own := memstore.New("embedded")
	log := &bytes.Buffer{}
	g, err := gate.New(gate.Config{Own: own, OwnDialect: dialect.Native{}, Audit: audit.New(log),
		Resolver: &airlock.Resolver{Sources: []airlock.Source{{Class: "airlock", Store: own, Dialect: dialect.Native{}}}}})
	if err != nil {
		f.Fatal(err)
	}
	clients, err := client.Open(f.Context(), memstore.New("system"), nil)
	if err != nil {
		f.Fatal(err)
	}
	creds, err := clients.Create(f.Context(), client.Spec{Name: "admin", AppRole: true, Rules: []acl.Rule{{}}})
	if err != nil {
		f.Fatal(err)
	}
	handler := newHandler(f, g, clients, nil)
	methods := []string{"GET", "PUT", "POST", "PATCH", "DELETE", "LIST", "HEAD", "OPTIONS"}
	f.Fuzz(func(t *testing.T, target string, body []byte) {
		u, err := url.ParseRequestURI("/v1/" + target)
		if err != nil || strings.HasPrefix(target, "auth/token/revoke-self") {
			return // the token is used again
		}
		// OpenBao has no word for a path that is not printable.
		bare := strings.ContainsFunc(u.Path, func(c rune) bool { return !unicode.IsPrint(c) })
		for _, method := range methods {
			r := httptest.NewRequestWithContext(context.Background(), "GET", "/", bytes.NewReader(body))
			r.Method, r.URL = method, u
			r.Header.Set("X-Vault-Token", creds.Token)
			if method == "PATCH" {
				r.Header.Set("Content-Type", "application/merge-patch+json")
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			said := w.Body.Bytes()
			if w.Code >= 500 && w.Code != http.StatusNotImplemented {
				t.Errorf("%s %q with %q: %d %s", method, target, body, w.Code, said)
			}
			if len(said) > 0 && !json.Valid(said) {
				t.Errorf("%s %q with %q: %d %q is not JSON", method, target, body, w.Code, said)
			}
			if bytes.Contains(said, []byte(creds.Token)) && !strings.HasPrefix(target, "auth/token/") {
				t.Errorf("%s %q with %q shows the token", method, target, body)
			}
			refused := w.Code == http.StatusBadRequest || w.Code == http.StatusForbidden
			if refused && !bytes.Contains(said, []byte(`"errors"`)) && method != "HEAD" && !(bare && w.Code == http.StatusBadRequest) {
				t.Errorf("%s %q with %q: %d %q has no errors", method, target, body, w.Code, said)
			}
		}
		if log.Len() > 1<<20 {
			log.Reset()
		}
	})
}

// endpoints are those that read a body.
func endpoints() []string {
	return []string{"secret/data/variables/x", "secret/delete/variables/x", "secret/undelete/variables/x", "secret/destroy/variables/x", "secret/metadata/variables/x",
		"secret/config", "secret/data/connections/c", "kv/variables/x", "auth/approle/login", "auth/token/renew-self", "auth/token/lookup", "auth/token/lookup-self",
		"auth/token/renew", "auth/token/create", "auth/token/revoke", "sys/capabilities-self", "sys/capabilities", "sys/mounts", "sys/health", "sys/internal/ui/mounts/secret"}
}
