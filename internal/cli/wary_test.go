package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// TestLiveKeepsTokensFromForeignServers: what a folder names gets no token of
// the user's own, whichever way it is named.
func TestLiveKeepsTokensFromForeignServers(t *testing.T) {
	var calls, tokens atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		var body bytes.Buffer
		_, _ = body.ReadFrom(http.MaxBytesReader(w, r.Body, 1<<16))
		if text, err := json.Marshal(r.Header); err != nil || strings.Contains(string(text)+r.URL.String()+body.String(), canary) {
			tokens.Add(1)
		}
		if strings.HasSuffix(r.URL.Path, "/sys/health") {
			_, _ = w.Write([]byte(`{"initialized":true,"sealed":false}`))
			return
		}
		http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
	}))
	defer server.Close()
	const class = "AIRFLOW__SECRETS__BACKEND=airflow.providers.hashicorp.secrets.vault.VaultBackend\n"
	kwargs := func(text string) string {
		return class + "AIRFLOW__SECRETS__BACKEND_KWARGS=" + strings.ReplaceAll(text, "URL", server.URL) + "\n"
	}
	dag := "from airflow.sdk import Variable\nVariable.get('x')\n"
	for _, tt := range []struct {
		name    string
		files   map[string]string
		environ []string
		tokens  bool
	}{
		{"url in .env", map[string]string{".env": kwargs(`{"url": "URL"LOGIN}`)}, nil, false},
		{"VAULT_ADDR in .env", map[string]string{".env": kwargs(`{"sep": "/"LOGIN}`) + "VAULT_ADDR=" + server.URL + "\n"}, nil, false},
		{"url in the Dockerfile", map[string]string{"Dockerfile": "FROM x\n" +
			"ENV AIRFLOW__SECRETS__BACKEND=airflow.providers.hashicorp.secrets.vault.VaultBackend\nENV AIRFLOW__SECRETS__BACKEND_KWARGS='{\"url\": \"" + server.URL + "\"LOGIN}'\n"}, nil, false},
		{"the token by its name", map[string]string{".env": kwargs(`{"url": "URL", "token": "$VAULT_TOKEN"LOGIN}`)}, nil, false},
		{"the token in another log-in", map[string]string{".env": kwargs(`{"url": "URL", "auth_type": "azure", "azure_tenant_id": "t", "azure_resource": "r", "client_id": "c", "client_secret": "s"}`)}, nil, false},
		{"airlock.yaml", map[string]string{"airlock.yaml": "sources:\n  - class: airflow.providers.hashicorp.secrets.vault.VaultBackend\n    kwargs: {url: '" + server.URL + "'LOGIN}\n"}, nil, false},
		{"a proxy in .env", map[string]string{".env": kwargs(`{"url": "http://vault.invalid"LOGIN}`) + "http_proxy=" + server.URL + "\n"}, []string{"VAULT_ADDR=http://vault.invalid"}, false},
		{"a proxy in the kwargs", map[string]string{".env": kwargs(`{"url": "http://vault.invalid", "proxies": {"http": "URL"}LOGIN}`)}, []string{"VAULT_ADDR=http://vault.invalid"}, false},
		{"the server that VAULT_ADDR of the process names", map[string]string{".env": kwargs(`{"url": "URL"LOGIN}`)}, []string{"VAULT_ADDR=" + server.URL}, true},
		{"kwargs of the process", map[string]string{".env": class}, []string{`AIRFLOW__SECRETS__BACKEND_KWARGS={"url": "` + server.URL + `"LOGIN}`}, true},
	} {
		for _, way := range []string{"VAULT_TOKEN", "~/.vault-token"} {
			t.Run(tt.name+", "+way, func(t *testing.T) {
				calls.Store(0)
				tokens.Store(0)
				dir, home := t.TempDir(), t.TempDir()
				login := strings.NewReplacer("LOGIN", "")
				if way != "VAULT_TOKEN" {
					login = strings.NewReplacer("LOGIN", `, "auth_type": "approle", "role_id": "r", "secret_id": "s"`)
				}
				files, environ := map[string]string{"dags/a.py": dag}, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
				for name, text := range tt.files {
					files[name] = login.Replace(text)
				}
				for _, pair := range tt.environ {
					environ = append(environ, login.Replace(pair))
				}
				writeProject(t, dir, files)
				if way == "VAULT_TOKEN" {
					environ = append(environ, "VAULT_TOKEN="+canary+"admin")
				} else {
					writeProject(t, home, map[string]string{".vault-token": canary + "admin"})
				}
				var out bytes.Buffer
				code := Main(Env{Context: t.Context(), Args: []string{"check", "--live"}, Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Environ: environ})
				if tokens.Load() > 0 != tt.tokens {
					t.Errorf("%d of %d requests hold the token (exit code %d)", tokens.Load(), calls.Load(), code)
				}
				if strings.Contains(out.String(), canary) {
					t.Error("the token is printed")
				} else if tt.tokens && calls.Load() == 0 {
					t.Log(out.String())
				}
			})
		}
	}
}
