package vaultstore_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

const found = `{"data": {"data": {"value": "hello"}, "metadata": {"version": 1}}}`

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

func token(url string) vaultstore.Options {
	return vaultstore.Options{URL: url, Mount: "secret", Auth: vaultstore.Token{Token: "t"}}
}

// TestAttempts counts how often each failure is asked about.
func TestAttempts(t *testing.T) {
	object := &store.Secret{Form: store.Object, Payload: []byte(`{}`)}
	tests := []struct {
		what         string
		status       int
		write, login bool
		once         bool
		want         int64
		code         store.Code
	}{
		{what: "read, 500", status: 500, want: 4, code: store.Unavailable},
		{what: "read, 412", status: 412, want: 4, code: store.Unavailable},
		{what: "read, 502", status: 502, want: 4, code: store.Unavailable},
		{what: "read, 503", status: 503, want: 4, code: store.Unavailable},
		{what: "read, 504", status: 504, want: 1, code: store.Unavailable},
		{what: "read, 501", status: 501, want: 1, code: store.Unavailable},
		{what: "read, 429", status: 429, want: 1, code: store.Throttled},
		{what: "read, 400", status: 400, want: 1, code: store.Invalid},
		{what: "read, 401", status: 401, want: 1, code: store.Unauthenticated},
		{what: "read, 403", status: 403, want: 2, code: store.Denied},
		{what: "read, 404", status: 404, want: 1, code: store.NotFound},
		{what: "read, 405", status: 405, want: 1, code: store.Unsupported},
		{what: "read, 418", status: 418, want: 1, code: store.Invalid},
		{what: "read, 500, session null", status: 500, once: true, want: 1, code: store.Unavailable},
		{what: "write, 500", status: 500, write: true, want: 1, code: store.Unavailable},
		{what: "log-in, 500", status: 500, login: true, want: 1, code: store.Unavailable},
		{what: "log-in, 400", status: 400, login: true, want: 1, code: store.Unauthenticated},
		{what: "log-in, 403", status: 403, login: true, want: 2, code: store.Unauthenticated},
		{what: "log-in, 429", status: 429, login: true, want: 1, code: store.Throttled},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				answer(w, tt.status, `{"errors": ["no"]}`)
			})
			o := token(server.URL)
			o.NoRetries = tt.once
			if tt.login {
				o.Auth = vaultstore.AppRole{RoleID: "r"}
			}
			s := open(t, o)
			var err error
			if tt.write {
				_, err = s.Put(t.Context(), "x", object, nil)
			} else {
				_, err = s.Get(t.Context(), "x")
			}
			if code := store.CodeOf(err); code != tt.code {
				t.Errorf("%v has code %q, want %q", err, code, tt.code)
			}
			if n := asked.Load(); n != tt.want {
				t.Errorf("asked %d times, want %d", n, tt.want)
			}
		})
	}
}

// TestDroppedConnections breaks connections before they answer.
func TestDroppedConnections(t *testing.T) {
	var asked atomic.Int64
	drop := func(times int64) *httptest.Server {
		return serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if asked.Add(1) <= times {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					conn.Close()
				}
				return
			}
			answer(w, 200, found)
		})
	}
	s := open(t, token(drop(3).URL))
	if got, err := s.Get(t.Context(), "x"); err != nil || string(got.Payload) != `{"value": "hello"}` {
		t.Errorf("Get after three dropped connections = %v, %v", got, err)
	}
	asked.Store(0)
	if _, err := open(t, token(drop(4).URL)).Get(t.Context(), "x"); store.CodeOf(err) != store.Unavailable {
		t.Errorf("Get after four dropped connections = %v", err)
	}
	asked.Store(0)
	_, err := open(t, token(drop(1).URL)).Put(t.Context(), "x", &store.Secret{Form: store.Object, Payload: []byte(`{}`)}, nil)
	if store.CodeOf(err) != store.Unavailable || asked.Load() != 1 {
		t.Errorf("a write that may have arrived was sent %d times: %v", asked.Load(), err)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	long := `{"data": {"data": {"value": "` + strings.Repeat("x", 100<<20) + `"}}}`
	tests := []struct {
		what, body string
		status     int
		version    int
		code       store.Code
	}{
		{what: "100 MB", body: long, code: store.Corrupt},
		{what: "100 MB of an error", status: 500, body: long, code: store.Unavailable},
		{what: "nothing", body: "", code: store.Corrupt},
		{what: "a page", body: "<html>", code: store.Corrupt},
		{what: "half", body: found[:20], code: store.Corrupt},
		{what: "a list", body: "[]", code: store.Corrupt},
		{what: "null", body: "null", code: store.Corrupt},
		{what: "a number", body: "5", code: store.Corrupt},
		{what: "no data", body: `{"foo": 1}`, code: store.Corrupt},
		{what: "null data", body: `{"data": null}`, code: store.Corrupt},
		{what: "no inner data", body: `{"data": {}}`, code: store.Corrupt},
		{what: "data of another type", body: `{"data": "x"}`, code: store.Corrupt},
		{what: "status 204", status: 204, code: store.Corrupt},
		{what: "NaN", body: `{"data": {"data": {"value": NaN}}}`},
		{what: "a foreign member", body: `{"warnings": 5, "data": {"data": {"value": 1}, "metadata": {"version": "x"}}}`},
		{what: "version 1 without data", version: 1, body: `{}`, code: store.Corrupt},
		{what: "version 1", version: 1, body: `{"data": {"value": 1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.status == 204 {
					w.WriteHeader(204)
					return
				}
				answer(w, max(tt.status, 200), tt.body)
			})
			o := token(server.URL)
			o.NoRetries, o.KVVersion = true, tt.version
			s := open(t, o)
			got, err := s.Get(t.Context(), "x")
			if code := store.CodeOf(err); code != tt.code {
				t.Errorf("Get = %v, %v; want code %q", got, err, tt.code)
			}
			if err != nil && len(err.Error()) > 20<<10 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	var tokens []string
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("X-Vault-Token"))
		answer(w, 200, found)
	})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/away"), r.Method == "POST":
			http.Redirect(w, r, other.URL+"/v1/x", http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "/near"):
			http.Redirect(w, r, "/v1/there", http.StatusTemporaryRedirect)
		case strings.HasSuffix(r.URL.Path, "/loop"):
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		default:
			tokens = append(tokens, r.Header.Get("X-Vault-Token"))
			answer(w, 200, found)
		}
	})
	s := open(t, token(server.URL))
	for name, want := range map[string]string{"near": "t", "away": ""} {
		tokens = nil
		if _, err := s.Get(t.Context(), name); err != nil || len(tokens) != 1 || tokens[0] != want {
			t.Errorf("Get(%s) = %v, token %q, want %q", name, err, tokens, want)
		}
	}
	if _, err := s.Get(t.Context(), "loop"); store.CodeOf(err) != store.Unavailable || !strings.Contains(err.Error(), "without end") {
		t.Errorf("Get(loop) = %v", err)
	}
	tokens = nil
	o := token(server.URL)
	o.Auth = vaultstore.AppRole{RoleID: "r", SecretID: "s"}
	if _, err := open(t, o).Get(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "another host") || len(tokens) > 0 {
		t.Errorf("a redirected log-in: %v, %d requests at the other host", err, len(tokens))
	}
	o = token(server.URL)
	o.NoRedirects = true
	if _, err := open(t, o).Get(t.Context(), "near"); store.CodeOf(err) != store.Corrupt {
		t.Errorf("with allow_redirects false: %v", err)
	}
}

// authority makes a CA, a server's and a client's certificate, and writes
// them as PEM files.
type authority struct {
	dir    string
	server tls.Certificate
	pool   *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	ca := servertest.NewAuthority(t)
	a := &authority{dir: t.TempDir(), pool: x509.NewCertPool()}
	a.pool.AddCert(ca.Certificate)
	a.server = ca.Issue(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	certPEM, keyPEM := servertest.PEM(t, ca.Issue(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}))
	if err := os.Mkdir(filepath.Join(a.dir, "cas"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"ca.pem": ca.PEM(), "cas/ca.pem": ca.PEM(), "cert.pem": certPEM, "key.pem": keyPEM, "both.pem": append(certPEM, keyPEM...), "empty.pem": nil,
	} {
		if err := os.WriteFile(filepath.Join(a.dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	listen := func(clientAuth tls.ClientAuthType) string {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, found) }))
		server.TLS = &tls.Config{Certificates: []tls.Certificate{a.server}, ClientAuth: clientAuth, ClientCAs: a.pool}
		server.StartTLS()
		t.Cleanup(server.Close)
		return server.URL
	}
	plain, mutual := listen(tls.NoClientCert), listen(tls.RequireAndVerifyClientCert)
	file := func(name string) string { return filepath.Join(a.dir, name) }
	tests := []struct {
		what, url string
		tls       vaultstore.TLS
		env       map[string]string
		code      store.Code
		hint      string
	}{
		{what: "an unknown CA", url: plain, code: store.Unavailable, hint: "verify"},
		{what: "verify false", url: plain, tls: vaultstore.TLS{Insecure: true}},
		{what: "verify a file", url: plain, tls: vaultstore.TLS{CA: file("ca.pem")}},
		{what: "verify a relative file", url: plain, tls: vaultstore.TLS{CA: "ca.pem"}},
		{what: "verify a folder", url: plain, tls: vaultstore.TLS{CA: file("cas")}},
		{what: "VAULT_CACERT", url: plain, env: map[string]string{"VAULT_CACERT": file("ca.pem"), "VAULT_CAPATH": "/nonexistent"}},
		{what: "VAULT_CAPATH", url: plain, env: map[string]string{"VAULT_CAPATH": file("cas")}},
		{what: "REQUESTS_CA_BUNDLE", url: plain, env: map[string]string{"REQUESTS_CA_BUNDLE": file("ca.pem"), "VAULT_CACERT": "/nonexistent"}},
		{what: "the kwarg wins", url: plain, tls: vaultstore.TLS{CA: file("ca.pem")}, env: map[string]string{"REQUESTS_CA_BUNDLE": "/nonexistent"}},
		{what: "no such CA", url: plain, tls: vaultstore.TLS{CA: "/nonexistent"}, code: store.Invalid, hint: "verify"},
		{what: "an empty CA", url: plain, tls: vaultstore.TLS{CA: file("empty.pem")}, code: store.Invalid, hint: "PEM"},
		{what: "no client certificate", url: mutual, tls: vaultstore.TLS{CA: file("ca.pem")}, code: store.Unavailable, hint: "is the server up"},
		{what: "a client certificate", url: mutual, tls: vaultstore.TLS{CA: file("ca.pem"), Cert: file("cert.pem"), Key: file("key.pem")}},
		{what: "one file of both", url: mutual, tls: vaultstore.TLS{CA: file("ca.pem"), Cert: file("both.pem")}},
		{what: "VAULT_CLIENT_CERT", url: mutual, tls: vaultstore.TLS{CA: file("ca.pem")},
			env: map[string]string{"VAULT_CLIENT_CERT": file("cert.pem"), "VAULT_CLIENT_KEY": file("key.pem")}},
		{what: "a certificate without key", url: mutual, tls: vaultstore.TLS{CA: file("ca.pem"), Cert: file("cert.pem")}, code: store.Invalid, hint: "cert"},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			o := token(tt.url)
			o.NoRetries, o.TLS = true, tt.tls
			o.Env = vaultstore.Env{Dir: a.dir, Getenv: func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }}
			_, err := open(t, o).Get(t.Context(), "x")
			if tt.code == "" {
				if err != nil {
					t.Errorf("Get = %v", err)
				}
				return
			}
			wantError(t, "Get", err, tt.code, tt.hint)
		})
	}
}
