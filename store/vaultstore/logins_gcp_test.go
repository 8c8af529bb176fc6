package vaultstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/store/gcpstore"
)

// googleFor opens accounts as the table of backends has this store do.
func googleFor(env Env) OpenGoogle {
	return func(keyPath, keyfile any, scopes []string) (GoogleAccount, error) {
		return gcpstore.OpenSigner(keyPath, keyfile, scopes, gcpstore.Env{Getenv: env.Getenv, Home: env.Home, Dir: env.Dir})
	}
}

// googleCases are log-ins with accounts of Google's. google is a proxy behind
// which IAM answers.
func googleCases(t *testing.T, add addCase, file func(name, text string) string, google *fakeIAM) {
	t.Helper()
	keyfile := newKeyfile(t)
	ca := file("google/ca.pem", google.authority)
	env := map[string]string{"HTTPS_PROXY": google.proxy.URL, "HTTPLIB2_CA_CERTS": ca, "REQUESTS_CA_BUNDLE": ca, "GOOGLE_TEST_IAM": google.direct, "NO_GCE_CHECK": "true"}
	with := func(name, value string) map[string]string {
		more := map[string]string{name: value}
		for name, value := range env {
			more[name] = value
		}
		return more
	}
	plain := keyfile(func(map[string]any) {})
	gcp := func(what, kwargs string, env map[string]string) *stockCase {
		return add("gcp", what, `{"role_id": "r", "gcp_scopes": " a , b", `+kwargs+`}`, env)
	}
	gcp("keyfile", `"gcp_keyfile_dict": `+plain, env)
	gcp("keyfile, all", `"auth_mount_point": "g/eu", "role_id": 5, "gcp_keyfile_dict": `+plain, env)
	gcp("no project", `"gcp_keyfile_dict": `+keyfile(func(m map[string]any) { delete(m, "project_id") }), env)
	gcp("no e-mail", `"gcp_keyfile_dict": `+keyfile(func(m map[string]any) { delete(m, "client_email") }), env)
	gcp("no key", `"gcp_keyfile_dict": `+keyfile(func(m map[string]any) { delete(m, "private_key") }), env)
	gcp("a keyfile that is text", `"gcp_keyfile_dict": "{}"`, env)
	gcp("both", `"gcp_key_path": "x.json", "gcp_keyfile_dict": `+plain, env)
	gcp("a path without an extension", `"gcp_key_path": "JWT"`, env)
	gcp("a path that is not there", `"gcp_key_path": "JWT.json"`, env)
	gcp("scopes that are a list", `"gcp_keyfile_dict": `+plain+`, "gcp_scopes": ["a"]`, env)
	gcp("a person", `"gcp_key_path": null`, with("GOOGLE_APPLICATION_CREDENTIALS",
		file("google/person.json", `{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}`)))
	gcp("nothing", `"gcp_key_path": ""`, env)
	machine := with("GCE_METADATA_HOST", startMetadata(t))
	machine["GCE_METADATA_IP"] = machine["GCE_METADATA_HOST"]
	delete(machine, "NO_GCE_CHECK")
	gcp("the machine's account", `"gcp_key_path": null`, machine)
	addImpersonated(gcp, with, file, plain)
}

// newKeyfile is the key file of a service account, as JSON, with changes.
func newKeyfile(t *testing.T) func(change func(map[string]any)) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return func(change func(map[string]any)) string {
		members := map[string]any{
			"type": "service_account", "client_email": "sa@proj.iam.gserviceaccount.com", "project_id": "proj", "private_key_id": "k1",
			"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "SERVER/token",
		}
		change(members)
		text, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// addImpersonated adds accounts that others may act as.
func addImpersonated(gcp func(what, kwargs string, env map[string]string) *stockCase, with func(name, value string) map[string]string,
	file func(name, text string) string, plain string) {
	person := `{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}`
	chain := `{"type": "impersonated_service_account", "source_credentials": ` + person + `, "delegates": ["d@x"],
		"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/other@proj.iam.gserviceaccount.com:generateAccessToken"}`
	other := with("GOOGLE_APPLICATION_CREDENTIALS", file("google/chain.json", chain))
	other["GOOGLE_CLOUD_PROJECT"] = "of-the-environment"
	gcp("an impersonated account", `"gcp_key_path": null`, other)
	impersonated := `{"type": "impersonated_service_account", "source_credentials": ` + plain + `,
		"service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/other@proj.iam.gserviceaccount.com:generateAccessToken"}`
	gcp("an impersonated account without a project", `"gcp_key_path": null`, with("GOOGLE_APPLICATION_CREDENTIALS", file("google/impersonated.json", impersonated)))
}

// startMetadata is the metadata server of a machine with an account. It returns
// HOST:PORT.
func startMetadata(t *testing.T) string {
	t.Helper()
	const prefix = "/computeMetadata/v1/"
	answers := map[string]string{
		"/": "computeMetadata/", prefix + "project/project-id": "machines",
		prefix + "instance/service-accounts/default/token": `{"access_token": "metadata", "expires_in": 3600, "token_type": "Bearer"}`,
		prefix + "instance/service-accounts/default/":      `{"aliases": ["default"], "email": "machine@machines.iam.gserviceaccount.com", "scopes": ["a"]}`,
		prefix + "universe/universe-domain":                "googleapis.com",
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := answers[r.URL.Path]
		if !ok || r.Header.Get("Metadata-Flavor") != "Google" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Metadata-Flavor", "Google")
		w.Header().Set("Content-Type", "application/text")
		if text[0] == '{' {
			w.Header().Set("Content-Type", "application/json")
		}
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// answerToken answers a token endpoint: the token names the case.
func answerToken(w http.ResponseWriter, name string, form url.Values) map[string]any {
	members := map[string]any{"grant_type": form.Get("grant_type"), "claims": timeless(form.Get("assertion"))}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"access_token": %q, "expires_in": 3600, "token_type": "Bearer"}`, name)
	return members
}

// timeless are the claims of a token, without what depends on the time.
func timeless(jwt string) any {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return "no token"
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err.Error()
	}
	return withoutTime(text)
}

func withoutTime(text []byte) any {
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		return err.Error()
	}
	issued, _ := claims["iat"].(float64)
	expires, _ := claims["exp"].(float64)
	delete(claims, "iat")
	claims["exp"] = expires - issued
	return claims
}

// fakeIAM is Google's IAM at an address of its own and behind a proxy:
// Airflow's client knows no proxies unless PySocks is installed.
type fakeIAM struct {
	proxy     *httptest.Server
	direct    string // HOST:PORT
	authority string // PEM

	logins *loginServer
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func startIAM(t *testing.T, logins *loginServer) *fakeIAM {
	t.Helper()
	f := &fakeIAM{logins: logins, conns: make(chan net.Conn), closed: make(chan struct{})}
	certificate := f.certify(t)
	f.proxy = httptest.NewServer(http.HandlerFunc(f.connect))
	inner := &http.Server{Handler: http.HandlerFunc(f.sign), ReadHeaderTimeout: time.Minute}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	direct, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	f.direct = direct.Addr().String()
	for _, l := range []net.Listener{direct, tls.NewListener(f, config)} {
		go func() { _ = inner.Serve(l) }()
	}
	t.Cleanup(func() { _ = inner.Close(); f.proxy.Close() })
	return f
}

// connect is the proxy's CONNECT.
func (f *fakeIAM) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || !strings.HasSuffix(r.Host, ".googleapis.com:443") {
		http.Error(w, "not for "+r.Host, http.StatusForbidden)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	select {
	case f.conns <- conn:
	case <-f.closed:
		_ = conn.Close()
	}
}

// sign is signJwt, and what leads to it: a person's token, and one of an account
// that the person may impersonate.
func (f *fakeIAM) sign(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/allowedLocations") { // google-auth asks in the background, for a hint where to send requests
		http.NotFound(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	sent := sentRequest{Method: r.Method, URL: "https://" + r.Host + r.RequestURI}
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Host == "oauth2.googleapis.com":
		form, _ := url.ParseQuery(string(body))
		sent.JSON, bearer = form, "a person"
		_, _ = io.WriteString(w, `{"access_token": "the person", "expires_in": 3600, "token_type": "Bearer"}`)
	case strings.HasSuffix(r.URL.Path, ":generateAccessToken"):
		_ = json.Unmarshal(body, &sent.JSON)
		_, _ = io.WriteString(w, `{"accessToken": "the other", "expireTime": "2099-01-01T00:00:00Z"}`)
	default:
		var in struct{ Payload string }
		_ = json.Unmarshal(body, &in)
		sent.JSON = withoutTime([]byte(in.Payload))
		_, _ = io.WriteString(w, `{"keyId": "k", "signedJwt": "signed"}`)
	}
	f.logins.record(bearer, sent)
}

// Accept, Close and Addr implement net.Listener over the proxy's tunnels.
func (f *fakeIAM) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

func (f *fakeIAM) Close() error   { f.once.Do(func() { close(f.closed) }); return nil }
func (f *fakeIAM) Addr() net.Addr { return f.proxy.Listener.Addr() }

// certify makes a certificate of its own authority.
func (f *fakeIAM) certify(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "iam"}, DNSNames: []string{"*.googleapis.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	f.authority = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
