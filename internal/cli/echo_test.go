package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/redact"
)

// echo is an upstream that repeats in each refusal all that it was sent.
type echo struct {
	mu     sync.Mutex
	silent bool // it says "no" instead: for the exit codes
	status int
	login  bool // a log-in is refused as well
	asked  int
}

func (e *echo) set(silent bool, status int, login bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.silent, e.status, e.login = silent, status, login
}

func (e *echo) get() (status int, login bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status, e.login
}

// words are what is secret of the headers and the body of a request, in many
// encodings. Each time another one is the first: only the beginning is shown.
func (e *echo) words(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.silent {
		return "no"
	}
	said := []string{"\x1b[31mrefused"}
	for _, value := range append(slices.Concat(slices.Collect(maps.Values(r.Header))...), string(body)) {
		if !strings.Contains(value, canary) && !strings.Contains(value, "CANARY%") {
			continue
		}
		e.asked++
		quoted, _ := json.Marshal(value)
		forms := []string{value, string(quoted), url.QueryEscape(value), fmt.Sprintf("%x", value),
			base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte("a" + value)), base64.URLEncoding.EncodeToString([]byte("ab" + value))}
		first := e.asked % len(forms)
		said = append(said, forms[first:]...)
		said = append(said, forms[:first]...)
	}
	return strings.Join(said, " ") + "\r\n"
}

// refuse answers with the JSON that all HTTP services understand: Vault's,
// AWS's, Azure's and OAuth's.
func (e *echo) refuse(w http.ResponseWriter, r *http.Request) {
	words := e.words(r)
	status, _ := e.get()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	var failed any = map[string]any{"code": "Forbidden", "message": words}
	if strings.Contains(r.URL.Path, "token") {
		failed = "invalid_client"
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{words}, "__type": "ValidationException", "message": words,
		"error": failed, "error_description": words})
}

// grant is a log-in's answer.
func (e *echo) grant(w http.ResponseWriter, r *http.Request, answer map[string]any) {
	if _, refused := e.get(); refused {
		e.refuse(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

const secretsBackend = "AIRFLOW__SECRETS__BACKEND=airflow.providers."

// backendOf is the environment of a backend with kwargs.
func backendOf(class string, kwargs map[string]any) []string {
	text, _ := json.Marshal(kwargs)
	return []string{secretsBackend + class, "AIRFLOW__SECRETS__BACKEND_KWARGS=" + string(text)}
}

func echoVault(t *testing.T, e *echo) []string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/auth/approle/login") {
			e.grant(w, r, map[string]any{"auth": map[string]any{"client_token": "hvs." + canary + "token/given"}})
			return
		}
		e.refuse(w, r)
	}))
	t.Cleanup(server.Close)
	return backendOf("hashicorp.secrets.vault.VaultBackend", map[string]any{"url": server.URL, "auth_type": "approle",
		"role_id": canary + "role+id", "secret_id": canary + "secret/id=", "mount_point": "secret"})
}

func echoAWS(class string) func(*testing.T, *echo) []string {
	return func(t *testing.T, e *echo) []string {
		server := httptest.NewServer(http.HandlerFunc(e.refuse))
		t.Cleanup(server.Close)
		return append(backendOf(class, map[string]any{"endpoint_url": server.URL, "region_name": "eu-west-1"}),
			"AWS_ACCESS_KEY_ID="+canary+"AKID", "AWS_SECRET_ACCESS_KEY="+canary+"key/key", "AWS_SESSION_TOKEN="+canary+"session+token==")
	}
}

func echoAzure(t *testing.T, e *echo) []string {
	fake := azurefake.Start(t)
	fake.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		_, login := e.get()
		signing := strings.Contains(r.URL.Path, "token")
		if r.Header.Get("Authorization") == "" && !signing || signing && !login || strings.Contains(r.URL.Path, "well-known") {
			return false
		}
		e.refuse(w, r)
		return true
	})
	return append(backendOf("microsoft.azure.secrets.key_vault.AzureKeyVaultBackend", map[string]any{"vault_url": fake.URL, "tenant_id": "tenant",
		"client_id": "client", "client_secret": canary + "secret~.", "verify_challenge_resource": false}),
		"AZURE_AUTHORITY_HOST="+fake.URL+"/adfs", "REQUESTS_CA_BUNDLE="+fake.CA)
}

func echoGCP(t *testing.T, e *echo) []string {
	at := gcpfake.StartHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			e.grant(w, r, map[string]any{"access_token": "ya29." + canary + "token", "expires_in": 3600})
			return
		}
		codes := map[int]string{400: "3", 401: "16", 403: "7", 404: "5"}
		status, _ := e.get()
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", codes[status])
		words := e.words(r)
		w.Header().Set("Grpc-Message", url.PathEscape(words[:min(len(words), 6000)]))
	}))
	account, _ := gcpfake.Account(t, "p", "https://"+at.Addr+"/token")
	account["private_key_id"] = canary + "key-id"
	return append(backendOf("google.cloud.secrets.secret_manager.CloudSecretManagerBackend", map[string]any{"gcp_keyfile_dict": account, "project_id": "p"}),
		"GOOGLE_CLOUD_UNIVERSE_DOMAIN="+at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH="+at.CAFile, "REQUESTS_CA_BUNDLE="+at.CAFile)
}

// echoed are all commands that ask a store. That of exec is not there, so that
// it never takes the place of the test.
var echoed = [][]string{
	{"variables", "get", "x"}, {"variables", "list"}, {"variables", "set", "--stdin", "x"}, {"variables", "delete", "x"},
	{"connections", "get", "x"}, {"connections", "add", "x", "--stdin"}, {"config", "get-value", "core", "fernet_key"},
	{"explain", "variable", "x"}, {"explain", "variable", "x", "-o", "json"}, {"check", "--live"}, {"check", "--live", "-o", "json"},
	{"render", "env", "--variables", "x"}, {"exec", "--strict", "--variables", "x", "--", "/no/such/command"},
}

// encodedCanary is "CANARY" in the encodings of words, at each alignment of
// base64.
var encodedCanary = regexp.MustCompile("(?i)CANARY|43414e415259|Q0FOQVJZ|NBTkFSWS|DQU5BUl")

func shows(t *testing.T, what, output string) {
	t.Helper()
	if at := encodedCanary.FindStringIndex(output); at != nil {
		before := output[max(0, at[0]-60):at[0]]
		t.Errorf("%s shows a secret, after %q", what, before)
	}
	if strings.ContainsAny(output, "\x1b\r") {
		t.Errorf("%s passes on control characters", what)
	}
}

func inEcho(t *testing.T, dir string, environ, args []string) (code int, output string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = Main(Env{Context: t.Context(), Args: args, Dir: dir, Stdin: strings.NewReader("postgres://u:" + canary + "stdin%2Fpw@h/db"),
		Stdout: &stdout, Stderr: &stderr, Environ: append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"),
			"AIRFLOW__CORE__FERNET_KEY_SECRET=fernet"}, environ...)})
	return code, stdout.String() + stderr.String()
}

// TestNoUpstreamsEchoIsShown: an upstream that repeats its request in each
// error, raw and encoded, changes no exit code and has nothing of it shown.
func TestNoUpstreamsEchoIsShown(t *testing.T) {
	const amazon = "amazon.aws.secrets."
	for name, start := range map[string]func(*testing.T, *echo) []string{
		"vault": echoVault, "azure": echoAzure, "gcp": echoGCP,
		"ssm":            echoAWS(amazon + "systems_manager.SystemsManagerParameterStoreBackend"),
		"secretsmanager": echoAWS(amazon + "secrets_manager.SecretsManagerBackend"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &echo{}
			environ, dir := start(t, e), t.TempDir()
			writeProject(t, dir, map[string]string{"dags/d.py": "from airflow.models import Variable\nVariable.get('x')\n"})
			marked := false
			ask := func(status int, login bool, args []string) {
				e.set(true, status, login)
				want, _ := inEcho(t, dir, environ, args)
				e.set(false, status, login)
				code, output := inEcho(t, dir, environ, args)
				what := fmt.Sprintf("%s, status %d, log-in refused %t: %v", name, status, login, args)
				shows(t, what, output)
				marked = marked || strings.Contains(output, redact.Mark)
				if code != want {
					t.Errorf("%s: exit code %d, want %d", what, code, want)
				}
			}
			for _, args := range echoed {
				ask(http.StatusForbidden, false, args)
			}
			for _, status := range []int{400, 401, 403, 404} {
				for _, login := range []bool{true, false} {
					ask(status, login, echoed[0])
					ask(status, login, echoed[8])
				}
			}
			if !marked {
				t.Error("nothing of the echo arrives: the test shows nothing")
			}
			e.set(false, http.StatusForbidden, false)
			serveEcho(t, dir, environ)
		})
	}
}

// outputs is what a running daemon has printed so far.
type outputs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *outputs) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *outputs) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// reachedAt is where the daemon says how it is reached.
var reachedAt = regexp.MustCompile(`"url": ?"([^"]+)".*"token": ?"([^"]+)"|"token": ?"([^"]+)".*"url": ?"([^"]+)"`)

// serveEcho reads a name through a facade.
func serveEcho(t *testing.T, dir string, environ []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, done := &outputs{}, make(chan int, 1)
	go func() {
		done <- Main(Env{Context: ctx, Args: []string{"serve", "--dev", "--listen", "127.0.0.1:0"}, Dir: dir, Stdin: strings.NewReader(""), Stdout: out, Stderr: out,
			Environ: append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}, environ...)})
	}()
	defer func() {
		cancel()
		<-done
		shows(t, "serve", out.String())
	}()
	var found []string
	for found == nil {
		select {
		case <-time.After(10 * time.Millisecond):
			found = reachedAt.FindStringSubmatch(out.String())
		case <-done:
			done <- 0
			t.Errorf("serve has ended: %v", errors.New(out.String()))
			return
		}
	}
	address, token := found[1]+found[4], found[2]+found[3]
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/v1/secret/data/variables/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("X-Vault-Token", token)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode == http.StatusOK {
		t.Errorf("the facade answers %d, %v", res.StatusCode, err)
	}
	shows(t, "the facade", string(body))
	log, err := os.ReadFile(dir + "/.airlock/audit.log")
	if err != nil {
		t.Fatal(err)
	}
	shows(t, "the audit log", string(log))
}
