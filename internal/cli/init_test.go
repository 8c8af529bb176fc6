package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// TestApplyGoesNowhereThatAFolderNames: the administrator's credentials are
// sent to no address of a .env or Dockerfile that somebody else wrote.
func TestApplyGoesNowhereThatAFolderNames(t *testing.T) {
	var own, foreign atomic.Int32
	refuses := func(calls *atomic.Int32) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
		}))
		t.Cleanup(s.Close)
		return s
	}
	mine, theirs := refuses(&own), refuses(&foreign)
	hostile := strings.ReplaceAll("VAULT_ADDR=URL\nVAULT_TOKEN=theirs\nAWS_ENDPOINT_URL=URL\nAWS_ENDPOINT_URL_IAM=URL\nAWS_ENDPOINT_URL_SSM=URL\n"+
		"HTTP_PROXY=URL\nhttp_proxy=URL\nHTTPS_PROXY=URL\nALL_PROXY=URL\nNO_PROXY=\nAWS_CA_BUNDLE=/dev/null\n", "URL", theirs.URL)
	dockerfile := "FROM x\nENV AWS_PROFILE=theirs\nENV " + strings.Join(strings.Fields(hostile), " ") + "\n"
	aws := []string{"AWS_ENDPOINT_URL=" + mine.URL, "AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=CANARY-key", "AWS_SESSION_TOKEN=CANARY-session", "AWS_MAX_ATTEMPTS=1"}
	for _, tt := range []struct {
		name, file, text string
		args, environ    []string
		asked            bool
	}{
		{"Vault, .env", ".env", hostile, []string{"vault", "--url", mine.URL}, []string{"VAULT_TOKEN=CANARY-admin"}, true},
		{"Vault, Dockerfile", "Dockerfile", dockerfile, []string{"vault", "--url", mine.URL}, []string{"VAULT_TOKEN=CANARY-admin"}, true},
		{"Vault, no token of one's own", ".env", hostile, []string{"vault", "--url", mine.URL}, nil, false},
		{"AWS, .env", ".env", hostile, []string{"ssm", "--region-name", "eu-central-1"}, aws, true},
		{"AWS, Dockerfile", "Dockerfile", dockerfile, []string{"secretsmanager", "--region-name", "eu-central-1"}, aws, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			own.Store(0)
			dir := t.TempDir()
			writeProject(t, dir, map[string]string{tt.file: tt.text})
			var out bytes.Buffer
			code := Main(Env{Context: t.Context(), Args: append([]string{"init", "--apply", "--yes"}, tt.args...), Dir: dir, Stdin: strings.NewReader(""),
				Stdout: &out, Stderr: &out, Environ: append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, tt.environ...)})
			if code == 0 || own.Load() > 0 != tt.asked || foreign.Load() > 0 {
				t.Errorf("exit code %d, %d requests to the administrator's server, %d to the folder's", code, own.Load(), foreign.Load())
			}
			if strings.Contains(out.String(), canary) {
				t.Error("a credential is printed")
			}
		})
	}
}

// TestInitRunsNothingThatWasThere: a setup.sh that a repository brought along
// is not the one to run.
func TestInitRunsNothingThatWasThere(t *testing.T) {
	for _, name := range []string{"secrets-backend/setup.sh", "secrets-backend/vault-policy.hcl"} {
		dir := t.TempDir()
		writeProject(t, dir, map[string]string{name: "theirs\n"})
		var out bytes.Buffer
		code := Main(Env{Context: t.Context(), Args: []string{"init", "vault", "--url", "https://vault.example.com"}, Dir: dir, Stdin: strings.NewReader(""),
			Stdout: &out, Stderr: &out, Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}})
		if said := out.String(); code != 0 || strings.Contains(said, "then sh secrets-backend/setup.sh") || !strings.Contains(said, name+" was there") {
			t.Errorf("%s: exit code %d\n%s", name, code, said)
		}
	}
}
