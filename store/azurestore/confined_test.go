package azurestore_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/azurestore"
)

// lookUp asks, for the folder dir that is not trusted, a store whose vault and
// login service are s. Of variables the first counts.
func lookUp(t *testing.T, s *azurefake.Server, dir, kwargs string, variables ...string) error {
	t.Helper()
	e := env(append(variables, "AZURE_AUTHORITY_HOST="+s.URL+"/adfs", "REQUESTS_CA_BUNDLE="+s.CA)...)
	e.Dir, e.Confined = dir, &route.Confinement{Dir: dir, Hint: "airlock trust HOST"}
	opened, _ := azurestore.FromKwargs(object(t, fmt.Sprintf(`{"vault_url": %q, "verify_challenge_resource": false%s}`, s.URL, kwargs)), e)
	defer opened.Close()
	_, err := opened.Get(t.Context(), "name")
	return err
}

// confined makes a folder with a link that leads out of it to a token.
func confined(t *testing.T, s *azurefake.Server) (dir, outside string) {
	t.Helper()
	dir, outside = t.TempDir(), filepath.Join(t.TempDir(), "token")
	if err := errors.Join(os.WriteFile(outside, []byte(s.Assertion), 0o600), os.WriteFile(filepath.Join(dir, "own"), []byte(s.Assertion), 0o600),
		os.Symlink(outside, filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	return dir, outside
}

// TestConfined: whatever is not the folder's own is withheld, and nobody is
// asked for it.
func TestConfined(t *testing.T) {
	s := azurefake.Start(t)
	s.Set("name", "v")
	dir, outside := confined(t, s)
	const client = "AZURE_CLIENT_ID=client AZURE_TENANT_ID=tenant "
	const secret = client + "AZURE_CLIENT_SECRET=hunter2 "
	for _, tt := range []struct{ rule, kwargs, env string }{
		{"nothing", "", ""},
		{"App Service", "", "IDENTITY_ENDPOINT=" + s.URL + "/msi/token IDENTITY_HEADER=" + s.IdentityHeader},
		{"Azure ML", "", "MSI_ENDPOINT=" + s.URL + "/msi/token MSI_SECRET=" + s.IdentityHeader},
		{"Cloud Shell", "", "MSI_ENDPOINT=" + s.URL + "/msi/token"},
		{"a pod's identity", "", "AZURE_POD_IDENTITY_AUTHORITY_HOST=" + s.URL},
		{"programs", "", "AZURE_TOKEN_CREDENTIALS=dev"},
		{"a token outside", "", client + "AZURE_FEDERATED_TOKEN_FILE=" + outside},
		{"a link to it", "", client + "AZURE_FEDERATED_TOKEN_FILE=link"},
		{"a link to it, for Microsoft's library", "", client + "AZURE_FEDERATED_TOKEN_FILE=link AZURE_AUTHORITY_HOST=" + s.URL},
		{"a link to it, for the machine's identity", `, "managed_identity_client_id": "client", "workload_identity_tenant_id": "tenant"`,
			"AZURE_TENANT_ID=tenant AZURE_FEDERATED_TOKEN_FILE=link"},
		{"a certificate outside", "", client + "AZURE_CLIENT_CERTIFICATE_PATH=" + outside},
		{"a client certificate outside", `, "connection_cert": "` + outside + `"`, secret},
	} {
		err := lookUp(t, s, dir, tt.kwargs, strings.Fields(tt.env)...)
		if store.CodeOf(err) != store.Denied || !errors.Is(err, route.ErrWithheld) || store.Hint(err) != "airlock trust HOST" {
			t.Errorf("%s: %v (hint %q)", tt.rule, err, store.Hint(err))
		}
		for _, r := range s.Requests() {
			if r.Authorized || !strings.HasPrefix(r.Path, "/secrets") {
				t.Errorf("%s: the server got %+v", tt.rule, r)
			}
		}
	}
}

// TestConfinedOwn: a folder that has its own credentials needs nothing else.
func TestConfinedOwn(t *testing.T) {
	s := azurefake.Start(t)
	s.Set("name", "v")
	dir, _ := confined(t, s)
	for _, tt := range []struct{ kwargs, env string }{
		{`, "tenant_id": "tenant", "client_id": "client", "client_secret": "hunter2"`, ""},
		{"", "AZURE_CLIENT_ID=client AZURE_TENANT_ID=tenant AZURE_CLIENT_SECRET=hunter2"},
		{"", "AZURE_CLIENT_ID=client AZURE_TENANT_ID=tenant AZURE_FEDERATED_TOKEN_FILE=own"},
		{`, "managed_identity_client_id": "client", "workload_identity_tenant_id": "tenant"`, "AZURE_FEDERATED_TOKEN_FILE=own"},
	} {
		if err := lookUp(t, s, dir, tt.kwargs, strings.Fields(tt.env)...); err != nil {
			t.Errorf("%s %s: %v", tt.kwargs, tt.env, err)
		}
	}
	err := lookUp(t, s, dir, "", "AZURE_CLIENT_ID=client", "AZURE_TENANT_ID=tenant", "AZURE_CLIENT_SECRET=wrong")
	if store.CodeOf(err) != store.Unauthenticated {
		t.Errorf("a wrong secret of the folder's own: %v", err)
	}
}

// TestHostileChallenge: a vault that says to log in with itself, or for what
// it is no part of, gets no client secret, and the login service is not asked.
func TestHostileChallenge(t *testing.T) {
	const arm = "https://management.azure.com"
	for _, tt := range []struct {
		rule, challenge string
		any             bool
		code            store.Code
		token           bool
	}{
		{"its own authority", `authorization="EVIL/tenant", resource="https://vault.azure.net"`, true, store.Unauthenticated, true},
		{"its own authority by the other name", `authorization_uri="EVIL/tenant/oauth2/authorize", resource="https://vault.azure.net"`, true, store.Unauthenticated, true},
		{"another tenant", `authorization="EVIL/other", resource="https://vault.azure.net"`, true, store.Unauthenticated, false},
		{"another resource", `authorization="EVIL/tenant", resource="` + arm + `"`, false, store.Invalid, false},
		{"another resource as a scope", `authorization="EVIL/tenant", scope="` + arm + `/.default"`, false, store.Invalid, false},
		{"its own and another", `authorization="EVIL/tenant", scope="https://0.0.1/.default ` + arm + `/.default"`, false, store.Corrupt, false},
		{"two, where any is good", `authorization="EVIL/tenant", scope="https://vault.azure.net/.default ` + arm + `/.default"`, true, store.Corrupt, false},
	} {
		login, evil := azurefake.Start(t), azurefake.Start(t)
		evil.Fault(func(w http.ResponseWriter, r *http.Request) bool {
			body, err := io.ReadAll(r.Body)
			if err != nil || strings.Contains(fmt.Sprint(string(body), r.URL, r.Header), login.ClientSecret) || !strings.HasPrefix(r.URL.Path, "/secrets") {
				t.Errorf("%s: the vault got %s %s", tt.rule, r.Method, r.URL.Path)
			}
			w.Header().Set("WWW-Authenticate", "Bearer "+strings.ReplaceAll(tt.challenge, "EVIL", evil.URL))
			w.WriteHeader(http.StatusUnauthorized)
			return true
		})
		o := options(login)
		o.VaultURL, o.TLS.CA, o.AnyChallengeResource = evil.URL, evil.CA, tt.any
		_, err := open(t, o).Get(t.Context(), "name")
		if store.CodeOf(err) != tt.code {
			t.Errorf("%s: %v", tt.rule, err)
		}
		if asked := len(login.Requests()) > 0; asked != tt.token {
			t.Errorf("%s: the login service is asked: %v", tt.rule, asked)
		}
	}
}

// TestLargeKey: a certificate whose key would take minutes to check.
func TestLargeKey(t *testing.T) {
	s := azurefake.Start(t)
	dir, _ := confined(t, s)
	block := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: make([]byte, 100<<10)})
	if err := os.WriteFile(filepath.Join(dir, "key.pem"), block, 0o600); err != nil {
		t.Fatal(err)
	}
	err := lookUp(t, s, dir, "", "AZURE_CLIENT_ID=client", "AZURE_TENANT_ID=tenant", "AZURE_CLIENT_CERTIFICATE_PATH=key.pem")
	if store.CodeOf(err) != store.Invalid || !strings.Contains(err.Error(), "16384 bits") {
		t.Errorf("a large key: %v", err)
	}
}
