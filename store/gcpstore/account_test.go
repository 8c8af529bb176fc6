package gcpstore

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
)

// google stands in for every host of Google's but Secret Manager: it answers
// by URL and keeps what was sent.
type google struct {
	mu      sync.Mutex
	answers map[string]string // by host and path
	status  int
	sent    []string
}

func (g *google) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sent = append(g.sent, r.Method+" "+r.URL.String()+" "+strings.Split(r.Header.Get("Authorization"), ".")[0]+" "+body)
	rec := httptest.NewRecorder()
	answer, ok := g.answers[r.URL.Host+r.URL.Path]
	switch {
	case !ok:
		rec.WriteHeader(http.StatusNotFound)
	case g.status != 0:
		rec.WriteHeader(g.status)
		_, _ = io.WriteString(rec, answer)
	default:
		rec.Header().Set("Metadata-Flavor", "Google")
		_, _ = io.WriteString(rec, answer)
	}
	return rec.Result(), nil
}

const tokenAnswer = `{"access_token": "ya29.token", "expires_in": 3600}`

// session opens a store whose Secret Manager takes the token ya29.token.
func tokenStore(t *testing.T, g *google, kwargs map[string]any, variables ...string) (*Store, *gcpfake.Server) {
	t.Helper()
	f := gcpfake.New()
	f.Trust = &gcpfake.Trust{Tokens: []string{"ya29.token"}}
	f.Put("p", "x", []byte("v"))
	at := gcpfake.Start(t, f)
	env := envOf(append([]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN", at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", at.CAFile}, variables...)...)
	s, _, err := FromKwargs(kwargsOf(t, kwargs), env)
	if err != nil {
		t.Fatal(err)
	}
	s.web.transport = g
	t.Cleanup(func() { _ = s.Close() })
	return s, f
}

// found checks that x is there, twice, and that tokens were asked for once.
func found(t *testing.T, s *Store, g *google, want ...string) {
	t.Helper()
	for range 2 {
		secret, err := s.Get(t.Context(), "x")
		if err != nil || string(secret.Payload) != "v" {
			t.Errorf("Get = %v, %v", secret, err)
		}
	}
	if len(g.sent) != len(want) {
		t.Fatalf("sent %q, want %q", g.sent, want)
	}
	for i := range want {
		for _, part := range strings.Split(want[i], "|") {
			if !strings.Contains(g.sent[i], part) {
				t.Errorf("sent %q, want %q in it", g.sent[i], part)
			}
		}
	}
}

func user() map[string]any {
	return map[string]any{"type": "authorized_user", "client_id": "id", "client_secret": "hunter2", "refresh_token": "hunter3",
		"token_uri": "https://elsewhere.example/token"}
}

func TestAuthorizedUser(t *testing.T) {
	g := &google{answers: map[string]string{"oauth2.googleapis.com/token": tokenAnswer}}
	s, _ := tokenStore(t, g, map[string]any{"gcp_credential_config_file": user(), "project_id": "p"})
	found(t, s, g, "POST https://oauth2.googleapis.com/token|grant_type=refresh_token|refresh_token=hunter3|client_id=id")
}

// TestRefusedToken: an error names the code of OAuth and nothing else.
func TestRefusedToken(t *testing.T) {
	tests := []struct {
		status int
		answer string
		code   store.Code
		part   string
	}{
		{400, `{"error": "invalid_grant", "error_description": "hunter3 is revoked"}`, store.Unauthenticated, "status 400: invalid_grant"},
		{400, `{"error": "hunter3 is revoked!"}`, store.Unauthenticated, "status 400"},
		{401, `hunter3`, store.Unauthenticated, "status 401"},
		{429, `{}`, store.Throttled, "status 429"},
		{503, `{}`, store.Unavailable, "status 503"},
		{200, `<html>hunter3`, store.Corrupt, "not the JSON of a token endpoint"},
		{200, `{"token": "hunter3"}`, store.Corrupt, "no token"},
		{200, strings.Repeat(" ", maxToken+1), store.Corrupt, "too long"},
	}
	for _, tt := range tests {
		g := &google{status: tt.status, answers: map[string]string{"oauth2.googleapis.com/token": tt.answer}}
		s, _ := tokenStore(t, g, map[string]any{"gcp_credential_config_file": user(), "project_id": "p"})
		_, err := s.Get(t.Context(), "x")
		wantError(t, err, tt.code, tt.part)
		if strings.Contains(fmt.Sprintf("%+v", err), "hunter") || len(g.sent) != 1 {
			t.Errorf("after %d requests: %v", len(g.sent), err)
		}
	}
}

// TestImpersonation: the chain goes to IAM of the credentials' universe, and
// the target's project is the project.
func TestImpersonation(t *testing.T) {
	expires := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	iam := fmt.Sprintf(`{"accessToken": "ya29.token", "expireTime": %q}`, expires)
	const method = "/v1/projects/-/serviceAccounts/b@p.iam.gserviceaccount.com:generateAccessToken"
	const address = "iamcredentials.googleapis.com" + method
	chain := []any{"a@q.iam.gserviceaccount.com", "b@p.iam.gserviceaccount.com"}
	t.Run("by a person", func(t *testing.T) {
		g := &google{answers: map[string]string{"oauth2.googleapis.com/token": `{"access_token": "persons", "expires_in": 60}`, address: iam}}
		s, _ := tokenStore(t, g, map[string]any{"gcp_credential_config_file": user(), "impersonation_chain": chain})
		found(t, s, g, "oauth2.googleapis.com", address+`|Bearer persons|"delegates":["a@q.iam.gserviceaccount.com"]|"lifetime":"3600s"|"scope":["`+cloudScope+`"]`)
	})
	t.Run("by a service account", func(t *testing.T) {
		g := &google{answers: map[string]string{"oauth2.googleapis.com/token": `{"access_token": "accounts", "expires_in": 60}`, address: iam}}
		keyfile, _ := gcpfake.Account(t, "q", "")
		s, _ := tokenStore(t, g, map[string]any{"gcp_keyfile_dict": keyfile, "impersonation_chain": "b@p.iam.gserviceaccount.com", "gcp_scopes": "https://s"})
		found(t, s, g, "POST https://oauth2.googleapis.com/token|jwt-bearer", address+`|Bearer accounts|"delegates":null|"scope":"https://s"`)
	})
	t.Run("in another universe", func(t *testing.T) {
		keyfile, _ := gcpfake.Account(t, "q", "")
		keyfile["universe_domain"] = "example.org"
		g := &google{answers: map[string]string{"iamcredentials.example.org" + method: iam}}
		s, _ := tokenStore(t, g, map[string]any{"gcp_keyfile_dict": keyfile, "impersonation_chain": "b@p.iam.gserviceaccount.com"})
		found(t, s, g, "iamcredentials.example.org|Bearer eyJ")
	})
}

// machine is a metadata server.
func machine(t *testing.T, project string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Metadata-Flavor") != "Google" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Metadata-Flavor", "Google")
		switch r.URL.Path {
		case "/":
		case "/computeMetadata/v1/project/project-id":
			_, _ = io.WriteString(w, project)
		case "/computeMetadata/v1/instance/service-accounts/default/token":
			if r.URL.Query().Get("scopes") != cloudScope {
				t.Errorf("asked for the scopes %q", r.URL.Query().Get("scopes"))
			}
			_, _ = io.WriteString(w, tokenAnswer)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// TestMetadataServer: it names the project, and gives the token.
func TestMetadataServer(t *testing.T) {
	host := strings.TrimPrefix(machine(t, "p").URL, "http://")
	s, _ := tokenStore(t, nil, map[string]any{}, "NO_GCE_CHECK", "", "GCE_METADATA_HOST", host, "GCE_METADATA_IP", host)
	s.web.transport = nil
	if !strings.HasPrefix(s.Name(), "gcp projects/p at ") {
		t.Errorf("the name is %q", s.Name())
	}
	secret, err := s.Get(t.Context(), "x")
	if err != nil || string(secret.Payload) != "v" || !strings.Contains(s.Locate("x"), "projects/p/") {
		t.Errorf("Get = %v, %v at %s", secret, err, s.Locate("x"))
	}
}

// TestNoMetadataServer: where nobody answers, or somebody else, the look-up
// fails as it does where Airflow found no credentials.
func TestNoMetadataServer(t *testing.T) {
	stranger := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(stranger.Close)
	for _, host := range []string{"127.0.0.1:1", strings.TrimPrefix(stranger.URL, "http://")} {
		s, _ := tokenStore(t, nil, map[string]any{"project_id": "p"}, "NO_GCE_CHECK", "", "GCE_METADATA_IP", host)
		s.web.transport = nil
		_, err := s.Get(t.Context(), "x")
		wantError(t, err, store.Invalid, "default credentials were not found")
	}
}

// TestNoProject: a metadata server that names no project, and none at all.
func TestNoProject(t *testing.T) {
	host := strings.TrimPrefix(machine(t, "").URL, "http://")
	for host, want := range map[string]string{host: projectless, "127.0.0.1:1": noProject} {
		_, _, err := FromKwargs(nil, envOf("NO_GCE_CHECK", "", "GCE_METADATA_HOST", host, "GCE_METADATA_IP", host))
		var raised *airflow.Error
		if !errors.As(err, &raised) || raised.Message != want || store.Hint(err) == "" {
			t.Errorf("%s: %v, want %s", host, err, want)
		}
	}
}

// external is a configuration of workload identity federation.
func external(source map[string]any) map[string]any {
	return map[string]any{"project_id": "p", "gcp_credential_config_file": map[string]any{"type": "external_account",
		"audience":           "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token", "credential_source": source}}
}

func TestExternalAccount(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text, inJSON := write("token", "subject1", 0o600), write("token.json", `{"id": "subject2"}`, 0o600)
	program := write("program", "#!/bin/sh\necho '{\"version\": 1, \"success\": true, \"token_type\": \"urn:ietf:params:oauth:token-type:jwt\", \"id_token\": \"'subject4-$GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE'\"}'\n", 0o700)
	sts := map[string]string{"sts.googleapis.com/v1/token": `{"access_token": "ya29.token", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
		"token_type": "Bearer", "expires_in": 3600}`, "ci.example/token": `{"value": "subject3"}`}
	format := map[string]any{"type": "json", "subject_token_field_name": "id"}
	tests := []struct {
		source map[string]any
		want   []string
	}{
		{map[string]any{"file": text}, []string{"sts.googleapis.com|subject_token=subject1"}},
		{map[string]any{"file": inJSON, "format": format}, []string{"subject_token=subject2"}},
		{map[string]any{"url": "https://ci.example/token", "headers": map[string]any{"Authorization": "Bearer ci"},
			"format": map[string]any{"type": "json", "subject_token_field_name": "value"}}, []string{"GET https://ci.example/token|Bearer ci", "subject_token=subject3"}},
		{map[string]any{"executable": map[string]any{"command": program}}, []string{"subject_token=subject4-0"}},
		{map[string]any{"executable": map[string]any{"command": `sh -c "exec '` + program + `' x"`}}, []string{"subject_token=subject4-0"}},
	}
	for _, tt := range tests {
		g := &google{answers: sts}
		s, _ := tokenStore(t, g, external(tt.source), "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
		found(t, s, g, tt.want...)
	}
	for part, source := range map[string]map[string]any{
		"need to be explicitly allowed": {"executable": map[string]any{"command": program}},
		"No such file":                  {"file": filepath.Join(dir, "none")},
		"it is empty":                   {"file": write("empty", "", 0o600)},
		"not a JSON object":             {"file": text, "format": format},
	} {
		s, _ := tokenStore(t, &google{answers: sts}, external(source))
		_, err := s.Get(t.Context(), "x")
		wantError(t, err, store.Unauthenticated, part)
	}
	refusing := &google{status: 400, answers: map[string]string{"sts.googleapis.com/v1/token": `{"error_description": "subject1"}`}}
	s, _ := tokenStore(t, refusing, external(map[string]any{"file": text}))
	_, err := s.Get(t.Context(), "x")
	wantError(t, err, store.Unauthenticated, "status 400")
	if strings.Contains(err.Error(), "subject1") {
		t.Errorf("the error repeats the subject token: %v", err)
	}
}

// TestDefaultCredentials: which file is read, and whose project wins.
func TestDefaultCredentials(t *testing.T) {
	home := t.TempDir()
	sdk := filepath.Join(home, ".config", "gcloud")
	bin := filepath.Join(home, "bin")
	keyfile, _ := gcpfake.Account(t, "of-key", "")
	files := map[string]any{filepath.Join(home, "key.json"): keyfile, filepath.Join(sdk, "application_default_credentials.json"): user(),
		filepath.Join(sdk, "configurations", "config_work"): "[core]\naccount = a\nproject = of-gcloud\n", filepath.Join(sdk, "active_config"): "work\n",
		filepath.Join(bin, "gcloud"): "#!/bin/sh\n"}
	for path, v := range files {
		text, ok := v.(string)
		if !ok {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o700)); err != nil {
			t.Fatal(err)
		}
	}
	key := filepath.Join(home, "key.json")
	tests := []struct {
		variables []string
		project   string // empty: construction fails
	}{
		{[]string{"GOOGLE_APPLICATION_CREDENTIALS", key, "HOME", home}, "of-key"},
		{[]string{"GOOGLE_APPLICATION_CREDENTIALS", "key.json"}, "of-key"}, // from Dir
		{[]string{"GOOGLE_APPLICATION_CREDENTIALS", key, "GOOGLE_CLOUD_PROJECT", "of-variable", "GCLOUD_PROJECT", "legacy"}, "of-variable"},
		{[]string{"GOOGLE_APPLICATION_CREDENTIALS", key, "GCLOUD_PROJECT", "legacy"}, "legacy"},
		{[]string{"GOOGLE_APPLICATION_CREDENTIALS", key, "GOOGLE_CLOUD_PROJECT", "", "GCLOUD_PROJECT", "legacy"}, "of-key"},
		{[]string{"HOME", home}, ""}, // gcloud's has no project, and there is no gcloud
		{[]string{"HOME", home, "PATH", bin}, "of-gcloud"},
		{[]string{"CLOUDSDK_CONFIG", sdk, "PATH", bin, "CLOUDSDK_CORE_PROJECT", "of-sdk"}, "of-sdk"},
		{[]string{"HOME", home, "PATH", bin, "GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(sdk, "application_default_credentials.json")}, "of-gcloud"},
		{[]string{"GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent"}, ""},
		{nil, ""},
	}
	for _, tt := range tests {
		env := envOf(tt.variables...)
		env.Dir = home
		s, _, err := FromKwargs(nil, env)
		if tt.project == "" {
			if err == nil {
				t.Errorf("%v: no error", tt.variables)
			}
			continue
		}
		if err != nil || s.project != tt.project {
			t.Errorf("%v: %v, want the project %q", tt.variables, err, tt.project)
		}
	}
}

// TestProxy: gRPC goes through the proxy that its own variables name, with its
// password, which no error shows.
func TestProxy(t *testing.T) {
	f := gcpfake.New()
	f.Put("p", "x", []byte("v"))
	at := gcpfake.Start(t, f)
	asked := make(chan string, 10)
	port := servertest.Listen(t, func(conn net.Conn) { go tunnel(conn, at.Addr, asked) })
	keyfile, _ := gcpfake.Account(t, "p", "")
	proxy := &url.URL{Scheme: "http", User: url.UserPassword("u", "hunter2"), Host: "127.0.0.1:" + port}
	open := func(proxy string) *Store {
		s, _, err := FromKwargs(kwargsOf(t, map[string]any{"gcp_keyfile_dict": keyfile}),
			envOf("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "example.test:443", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", at.CAFile, "https_proxy", proxy, "HTTPS_PROXY", "http://unread:1"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		c := &clock{at: time.Now()}
		s.now, s.sleep = func() time.Time { return c.at }, c.sleep
		return s
	}
	_, err := open(proxy.String()).Get(t.Context(), "x") // the certificate is for another name
	wantError(t, err, store.Unavailable, "certificate")
	if got := <-asked; got != "secretmanager.example.test:443 Basic dTpodW50ZXIy" {
		t.Errorf("the proxy was asked for %q", got)
	}
	proxy.Host = "127.0.0.1:1"
	_, err = open(proxy.String()).Get(t.Context(), "x")
	wantError(t, err, store.Unavailable, "proxy")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error holds the proxy's password: %v", err)
	}
}

func tunnel(conn net.Conn, to string, asked chan<- string) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	req, err := http.ReadRequest(r)
	if err != nil {
		return
	}
	asked <- req.Host + " " + req.Header.Get("Proxy-Authorization")
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	go func() { _, _ = io.Copy(server, r) }()
	_, _ = io.Copy(conn, server)
}
