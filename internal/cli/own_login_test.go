package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
)

// TestOwnLoginNeedsNoTrust: a folder that names its server and has its own
// credentials for it is asked nothing, and the server gets nothing else.
func TestOwnLoginNeedsNoTrust(t *testing.T) {
	var asked, leaked atomic.Int32
	see := func(r *http.Request) {
		asked.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil || strings.Contains(fmt.Sprint(r.Header, r.URL, string(body)), canary) {
			leaked.Add(1)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	google := gcpfake.New()
	google.Put("p", "airflow-variables-x", []byte("of-google"))
	service := google.Handler()
	at := gcpfake.StartHandler(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		see(r)
		service.ServeHTTP(w, r)
	}))
	account, public := gcpfake.Account(t, "p", "https://"+at.Addr+"/token")
	google.Trust = &gcpfake.Trust{Keys: gcpfake.Keys{account["client_email"].(string): public}}
	key, err := json.Marshal(account)
	if err != nil {
		t.Fatal(err)
	}
	azure := azurefake.Start(t)
	azure.Set("airflow-variables-x", "of-azure")
	azure.Fault(func(_ http.ResponseWriter, r *http.Request) bool { see(r); return false })
	ca := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const (
		backend = "AIRFLOW__SECRETS__BACKEND=airflow.providers."
		kwargs  = "\nAIRFLOW__SECRETS__BACKEND_KWARGS="
	)
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"google": {map[string]string{"ca.pem": ca(at.CAFile), "key.json": string(key),
			".env": backend + "google.cloud.secrets.secret_manager.CloudSecretManagerBackend" + kwargs + `'{"gcp_key_path": "key.json"}'` +
				"\nGOOGLE_CLOUD_UNIVERSE_DOMAIN=" + at.Universe + "\nGRPC_DEFAULT_SSL_ROOTS_FILE_PATH=ca.pem\n"}, "of-google"},
		"azure": {map[string]string{"ca.pem": ca(azure.CA),
			".env": backend + "microsoft.azure.secrets.key_vault.AzureKeyVaultBackend" + kwargs + `'{"vault_url": "` + azure.URL +
				`", "tenant_id": "tenant", "client_id": "client", "client_secret": "hunter2", "verify_challenge_resource": false}'` +
				"\nAZURE_AUTHORITY_HOST=" + azure.URL + "/adfs\nREQUESTS_CA_BUNDLE=ca.pem\n"}, "of-azure"},
		"azure by variables": {map[string]string{"ca.pem": ca(azure.CA),
			".env": backend + "microsoft.azure.secrets.key_vault.AzureKeyVaultBackend" + kwargs + `'{"vault_url": "` + azure.URL +
				`", "verify_challenge_resource": false}'` + "\nAZURE_CLIENT_ID=client\nAZURE_TENANT_ID=tenant\nAZURE_CLIENT_SECRET=hunter2" +
				"\nAZURE_AUTHORITY_HOST=" + azure.URL + "/adfs\nREQUESTS_CA_BUNDLE=ca.pem\n"}, "of-azure"},
	} {
		t.Run(name, func(t *testing.T) {
			asked.Store(0)
			dir, home := t.TempDir(), t.TempDir()
			writeProject(t, dir, tt.files)
			adc := filepath.Join(home, ".config/gcloud/application_default_credentials.json")
			writeProject(t, home, map[string]string{".config/gcloud/application_default_credentials.json": `{"type": "authorized_user", "client_id": "i", "client_secret": "` +
				canary + `", "refresh_token": "` + canary + `"}`, ".azure/msal_token_cache.json": canary})
			environ := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "GOOGLE_APPLICATION_CREDENTIALS=" + adc, "GOOGLE_CLOUD_QUOTA_PROJECT=" + canary,
				"AZURE_CLIENT_SECRET=" + canary, "AZURE_CLIENT_ID=" + canary, "AZURE_TENANT_ID=" + canary, "IDENTITY_HEADER=" + canary}
			var out, errs bytes.Buffer
			code := Main(Env{Context: t.Context(), Args: []string{"variables", "get", "x"}, Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Environ: environ})
			if got := out.String(); code != 0 || got != tt.want+"\n" {
				t.Errorf("exit code %d, %v", code, errors.New(errs.String()))
			}
			if leaked.Load() > 0 || asked.Load() == 0 || strings.Contains(out.String()+errs.String(), canary) {
				t.Errorf("%d of %d requests hold something of the user's", leaked.Load(), asked.Load())
			}
		})
	}
}
