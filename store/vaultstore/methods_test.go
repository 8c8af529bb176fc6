package vaultstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// bao is an OpenBao with a secret, the policy that lets it be read, and an
// auth method mounted at two places.
func bao(t *testing.T, method string) *baotest.Server {
	t.Helper()
	server := baotest.Start(t)
	server.MustDo(t, "POST", "/v1/secret/data/variables/x", map[string]any{"data": map[string]string{"value": "hello"}})
	server.MustDo(t, "PUT", "/v1/sys/policies/acl/reader", map[string]string{"policy": readPolicy})
	for _, mount := range []string{method, "other/" + method} {
		server.MustDo(t, "POST", "/v1/sys/auth/"+mount, map[string]string{"type": method})
	}
	return server
}

// wantRead checks that a log-in leads to the secret.
func wantRead(t *testing.T, what string, server *baotest.Server, auth vaultstore.Method) {
	t.Helper()
	s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: auth})
	if got, err := s.Get(t.Context(), "variables/x"); err != nil || string(got.Payload) != `{"value":"hello"}` {
		t.Errorf("%s: Get = %v, %v", what, got, err)
	}
}

// wantRefused checks that a log-in fails with a hint, and that nothing says
// the secret part of it.
func wantRefused(t *testing.T, what string, server *baotest.Server, auth vaultstore.Method, hint, secret string) {
	t.Helper()
	s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: auth})
	_, err := s.Get(t.Context(), "variables/x")
	wantError(t, what, err, store.Unauthenticated, hint)
	if strings.Contains(fmt.Sprintf("%v %+v %#v %s %v %+v %#v", err, err, s, store.Hint(err), auth, auth, auth), secret) {
		t.Errorf("%s: %q is in what is printed", what, secret)
	}
}

func TestUserpass(t *testing.T) {
	server := bao(t, "userpass")
	for _, mount := range []string{"userpass", "other/userpass"} {
		server.MustDo(t, "POST", "/v1/auth/"+mount+"/users/airflow", map[string]string{"password": "hunter2", "token_policies": "reader"})
	}
	wantRead(t, "its own mount", server, vaultstore.Userpass{Username: "airflow", Password: "hunter2"})
	wantRead(t, "another mount", server, vaultstore.Userpass{Username: "airflow", Password: "hunter2", Mount: "other/userpass"})
	wantRefused(t, "a wrong password", server, vaultstore.Userpass{Username: "airflow", Password: "hunter3"}, "check username and password", "hunter3")
	wantRefused(t, "nobody", server, vaultstore.Userpass{Username: "None", Password: "redact-me"}, "check username and password", "redact-me")
	s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.Userpass{Username: "airflow"}, NoRetries: true})
	_, err := s.Get(t.Context(), "variables/x")
	wantError(t, "no password", err, store.Unavailable, "give username and password")
	s = open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.Userpass{Username: "airflow", Password: "hunter2", Mount: "nope"}})
	if _, err := s.Get(t.Context(), "variables/x"); err == nil || !strings.Contains(store.Hint(err), "auth_mount_point") {
		t.Errorf("a mount that is not there: %v, hint %q", err, store.Hint(err))
	}
}

// signer makes tokens as an identity provider does.
type signer struct {
	key    *ecdsa.PrivateKey
	public string // PEM
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return &signer{key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
}

// token is a JWT that is good for a while, or was (RFC 7519, ES256).
func (s *signer) token(t *testing.T, claims map[string]any, life time.Duration) string {
	t.Helper()
	all := map[string]any{"iss": "test", "aud": "vault", "sub": "airflow", "iat": time.Now().Add(-time.Hour).Unix(), "exp": time.Now().Add(life).Unix()}
	for name, v := range claims {
		all[name] = v
	}
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	r, v, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := append(r.FillBytes(make([]byte, 32)), v.FillBytes(make([]byte, 32))...)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestJWT(t *testing.T) {
	server, idp := bao(t, "jwt"), newSigner(t)
	for _, mount := range []string{"jwt", "other/jwt"} {
		server.MustDo(t, "POST", "/v1/auth/"+mount+"/config", map[string]any{"jwt_validation_pubkeys": []string{idp.public}})
		server.MustDo(t, "POST", "/v1/auth/"+mount+"/role/airflow", map[string]any{
			"role_type": "jwt", "user_claim": "sub", "bound_audiences": []string{"vault"}, "token_policies": []string{"reader"}})
	}
	good := idp.token(t, nil, time.Hour)
	file := filepath.Join(t.TempDir(), "jwt")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(good + "\n")
	wantRead(t, "a token", server, vaultstore.JWT{Role: "airflow", Token: " " + good + "\n"})
	wantRead(t, "a file", server, vaultstore.JWT{Role: "airflow", Path: file, Mount: "other/jwt"})
	const hint = "check jwt_role and the token"
	expired := idp.token(t, nil, -30*time.Minute)
	wantRefused(t, "an expired token", server, vaultstore.JWT{Role: "airflow", Token: expired}, hint, expired)
	wantRefused(t, "another audience", server, vaultstore.JWT{Role: "airflow", Token: idp.token(t, map[string]any{"aud": "other"}, time.Hour)}, hint, "eyJ")
	wantRefused(t, "a foreign key", server, vaultstore.JWT{Role: "airflow", Token: newSigner(t).token(t, nil, time.Hour)}, hint, "eyJ")
	wantRefused(t, "no such role", server, vaultstore.JWT{Role: "nope", Token: good}, hint, good)
	wantRefused(t, "no token", server, vaultstore.JWT{Role: "airflow", Token: "hunter2"}, hint, "hunter2")
	t.Run("a rotated file is read at the next log-in", func(t *testing.T) {
		write(expired)
		s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.JWT{Role: "airflow", Path: file}})
		_, err := s.Get(t.Context(), "variables/x")
		wantError(t, "Get", err, store.Unauthenticated, hint)
		write(good)
		if _, err := s.Get(t.Context(), "variables/x"); err != nil {
			t.Errorf("with a fresh token: %v", err)
		}
		server.MustDo(t, "POST", "/v1/sys/leases/revoke-prefix/auth/jwt", nil)
		if _, err := s.Get(t.Context(), "variables/x"); err != nil {
			t.Errorf("after the token was revoked: %v", err)
		}
	})
}

// tokenReview is as much of a Kubernetes API server as the kubernetes method
// asks: it knows one token.
func tokenReview(t *testing.T, known string) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Spec struct{ Token string } }
		if r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" || json.NewDecoder(r.Body).Decode(&in) != nil {
			http.NotFound(w, r)
			return
		}
		status := map[string]any{"authenticated": false, "error": "unknown token"}
		if in.Spec.Token == known {
			status = map[string]any{"authenticated": true, "audiences": []string{"vault"},
				"user": map[string]any{"username": "system:serviceaccount:airflow:worker", "uid": "u1", "groups": []string{"system:serviceaccounts"}}}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestKubernetes(t *testing.T) {
	server, cluster := bao(t, "kubernetes"), newSigner(t)
	pod := func(life time.Duration) string {
		return cluster.token(t, map[string]any{"aud": []string{"vault"}, "sub": "system:serviceaccount:airflow:worker", "kubernetes.io": map[string]any{
			"namespace": "airflow", "serviceaccount": map[string]string{"name": "worker", "uid": "u1"}}}, life)
	}
	good, foreign := pod(time.Hour), pod(2*time.Hour)
	api := tokenReview(t, good)
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw}))
	for _, mount := range []string{"kubernetes", "other/kubernetes"} {
		server.MustDo(t, "POST", "/v1/auth/"+mount+"/config", map[string]any{"kubernetes_host": api.URL, "kubernetes_ca_cert": authority, "disable_local_ca_jwt": true, "token_reviewer_jwt": good})
		server.MustDo(t, "POST", "/v1/auth/"+mount+"/role/airflow", map[string]any{"bound_service_account_names": []string{"worker"},
			"bound_service_account_namespaces": []string{"airflow"}, "token_policies": []string{"reader"}})
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"good": good + "\n", "foreign": foreign, "expired": pod(-time.Minute)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantRead(t, "its own mount", server, vaultstore.Kubernetes{Role: "airflow", Path: filepath.Join(dir, "good")})
	wantRead(t, "another mount", server, vaultstore.Kubernetes{Role: "airflow", Path: filepath.Join(dir, "good"), Mount: "other/kubernetes"})
	const hint = "check kubernetes_role and the token in kubernetes_jwt_path"
	for _, name := range []string{"foreign", "expired"} {
		wantRefused(t, name, server, vaultstore.Kubernetes{Role: "airflow", Path: filepath.Join(dir, name)}, hint, "eyJ")
	}
	wantRefused(t, "no such role", server, vaultstore.Kubernetes{Role: "nope", Path: filepath.Join(dir, "good")}, hint, "eyJ")
	s := open(t, vaultstore.Options{URL: server.Addr, Mount: "secret", Auth: vaultstore.Kubernetes{Role: "airflow", Path: filepath.Join(dir, "missing")}})
	_, err := s.Get(t.Context(), "variables/x")
	wantError(t, "no file", err, store.Invalid, "kubernetes_jwt_path")
}
