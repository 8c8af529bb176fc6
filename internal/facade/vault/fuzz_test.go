package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/gate"
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
