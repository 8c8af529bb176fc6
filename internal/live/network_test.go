package live_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/live"
	"github.com/airlock-secrets/airlock/internal/servertest"
)

// closedPort is an address where nothing listens.
func closedPort(t *testing.T) string { return "127.0.0.1:" + servertest.FreePort(t) }

// blackHole takes connections, counts them and never answers.
func blackHole(t *testing.T, connections *atomic.Int32) string {
	return "127.0.0.1:" + servertest.Listen(t, func(net.Conn) { connections.Add(1) })
}

// secure serves over TLS with a certificate of its own authority for a name,
// good until a time, and returns the address and the authority's file.
func secure(t *testing.T, name string, until time.Time) (address, ca string) {
	t.Helper()
	authority := servertest.NewAuthority(t)
	c := &x509.Certificate{NotBefore: until.Add(-1000 * time.Hour), NotAfter: until, DNSNames: []string{name}}
	if name == "127.0.0.1" {
		c.DNSNames = []string{"secretmanager.localhost"} // gRPC's
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, c)}}
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "https://"), authority.File(t)
}

// TestNetwork: each way in which a store gives no answer is told from the
// others, by every driver, and nothing is asked twice.
func TestNetwork(t *testing.T) {
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	foreign, _ := secure(t, "127.0.0.1", later)
	misnamed, misnamedCA := secure(t, "vault.example.com", later)
	expired, expiredCA := secure(t, "127.0.0.1", earlier)
	keyfile, _ := gcpfake.Account(t, "p", "")
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	drivers := []struct {
		name, class string
		kwargs      func(url string) map[string]any
	}{
		{"vault", vaultClass, func(url string) map[string]any {
			return map[string]any{"url": url, "mount_point": "secret", "token": canary}
		}},
		{"ssm", ssmClass, func(url string) map[string]any { return keys(url) }},
		{"secretsmanager", smClass, func(url string) map[string]any { return keys(url) }},
		{"azure", azureClass, func(url string) map[string]any {
			return map[string]any{"vault_url": url, "tenant_id": "t", "client_id": "c", "client_secret": canary, "retry_total": 0}
		}},
		{"gcp", gcpClass, func(string) map[string]any { return map[string]any{"gcp_keyfile_dict": keyfile} }},
	}
	for _, tt := range []struct{ name, url, ca, found string }{
		{"nothing listens", "https://" + closedPort(t), "", "live-unreachable error 0|nothing listens there"},
		{"no such name", "https://no-such-host.invalid", "", "live-unreachable error 0|no-such-host.invalid does not resolve"},
		{"no answer", "", "", "live-unreachable error 0|no answer"},
		{"a foreign authority", "https://" + foreign, "", "live-tls error 0|an authority that is not known here"},
		{"another name", "https://" + misnamed, misnamedCA, "live-tls error 0|certificate is for vault.example.com, not for 127.0.0.1"},
		{"an old certificate", "https://" + expired, expiredCA, "live-tls error 0|renew it, or set the clock"},
		{"no TLS", "https://" + plain.Listener.Addr().String(), "", "live-tls error 0|does not speak TLS"},
	} {
		for _, driver := range drivers {
			t.Run(tt.name+" "+driver.name, func(t *testing.T) {
				t.Parallel()
				url, connections := tt.url, new(atomic.Int32)
				if url == "" {
					url = "https://" + blackHole(t, connections)
				}
				env := []string{"AWS_MAX_ATTEMPTS=1", "AIRFLOW_VAR_Y=" + canary}
				if tt.ca != "" {
					env = append(env, "REQUESTS_CA_BUNDLE="+tt.ca, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH="+tt.ca)
				}
				found := tt.found
				if driver.name == "gcp" { // it is secretmanager.localhost there, and gRPC's texts
					env = append(env, "NO_GCE_CHECK=true", "GOOGLE_CLOUD_UNIVERSE_DOMAIN="+strings.Replace(strings.TrimPrefix(url, "https://"), "127.0.0.1", "localhost", 1))
					found = strings.NewReplacer("not for 127.0.0.1", "not for secretmanager.localhost", "no-such-host.invalid does not", "does not").Replace(found)
				}
				o := options(t, driver.class, driver.kwargs(url), env, "variable:x", "variable:y")
				o.Timeout = time.Second
				report := run(t, o)
				if i := len(report.Answers) - 1; i != 1 || report.Answers[i].Layer == "" || !report.Answers[i].Unknown {
					t.Errorf("the answers are %+v", report.Answers)
				}
				expect(t, report, found, "live-skipped note 0|2 ids", "live-passed-over warning 2")
				if n := connections.Load(); n > 1 {
					t.Errorf("it connects %d times to what does not answer", n)
				}
			})
		}
	}
}

// TestSealed: a server that is up, but does not serve.
func TestSealed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"errors":["Vault is sealed"]}`))
	}))
	t.Cleanup(s.Close)
	o := options(t, vaultClass, map[string]any{"url": s.URL, "mount_point": "secret", "token": canary}, nil, "variable:x")
	expect(t, run(t, o), "live-unreachable error 0|vault operator unseal", "live-skipped note 0")
}

// TestSomethingElse: an address at which there is no Vault, and one that breaks
// connections off.
func TestSomethingElse(t *testing.T) {
	for _, tt := range []struct {
		name, found string
		serve       http.HandlerFunc
	}{
		{"a web server", "live-unreachable error 0|something else answers there|the proxy settings", http.NotFound},
		{"broken off", "live-unreachable error 0|breaks the connection off|is it the store's port?", func(w http.ResponseWriter, _ *http.Request) {
			panic(http.ErrAbortHandler)
		}},
		{"no such namespace", "live-login error 0|namespace not found|correct the kwarg namespace", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/sys/health") {
				_, _ = w.Write([]byte(`{"initialized": true, "sealed": false}`))
				return
			}
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"errors":["namespace not found"]}`))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(tt.serve)
			t.Cleanup(s.Close)
			kwargs := map[string]any{"url": s.URL, "auth_type": "approle", "role_id": "r", "secret_id": canary, "namespace": "n"}
			expect(t, run(t, options(t, vaultClass, kwargs, nil, "variable:x")), tt.found, "live-skipped note 0")
		})
	}
}

// TestUnbuilt: a backend that Airflow does not start with is not asked.
func TestUnbuilt(t *testing.T) {
	o := options(t, "airflow.providers.hashicorp.secrets.vault.VaultBackend", map[string]any{"auth_type": "nonsense", "token": canary}, nil, "variable:x")
	expect(t, run(t, o), "live-backend error 0")
	if calls := live.Plan(o); len(calls) > 0 {
		t.Errorf("the plan has %v", calls)
	}
}
