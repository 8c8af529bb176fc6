package azurestore_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store/azurestore"
)

func object(t *testing.T, text string) *pyjson.Object {
	t.Helper()
	v, err := pyjson.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return v.(*pyjson.Object)
}

// shown are points as a table has them.
func shown(points []route.Point) []string {
	list := make([]string, 0, len(points))
	for _, p := range points {
		text := string(p.Kind) + " " + p.Host
		if p.Plain {
			text += " plain"
		}
		if p.By != (route.Setting{}) {
			text += " by " + p.By.String()
		}
		if p.Pin == route.NoVerify {
			text += " " + p.Pin
		} else if p.Pin != "" {
			text += " pinned"
		}
		if p.PinBy != (route.Setting{}) {
			text += " by " + p.PinBy.String()
		}
		list = append(list, text)
	}
	return list
}

// TestRoute: each address that something goes to, and what names it.
func TestRoute(t *testing.T) {
	const (
		vault    = "service v.vault.azure.net:443 by vault_url"
		login    = "login login.microsoftonline.com:443"
		metadata = "login 169.254.169.254:80 plain"
		secret   = `"tenant_id": "t", "client_id": "c", "client_secret": "s"`
		atVault  = `"vault_url": "https://v.vault.azure.net/"`
		workload = "AZURE_FEDERATED_TOKEN_FILE=/var/run/token AZURE_CLIENT_ID=c AZURE_TENANT_ID=t"
	)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := syscall.Mkfifo(ca, 0o600); err != nil { // nobody waits for it
		t.Fatal(err)
	}
	tests := []struct {
		rule, kwargs, env string
		want              []string
	}{
		{"a client secret", secret + ", " + atVault, "IDENTITY_ENDPOINT=http://evil.example IDENTITY_HEADER=h", []string{vault, login}},
		{"no scheme", secret + `, "vault_url": " evil.example:8443 "`, "", []string{"service evil.example:8443 by vault_url", login}},
		{"not encrypted", secret + `, "vault_url": "http://evil.example"`, "", []string{"service evil.example:80 plain by vault_url", login}},
		{"an authority", secret + ", " + atVault, "AZURE_AUTHORITY_HOST=evil.example", []string{vault, "login evil.example:443 by AZURE_AUTHORITY_HOST", login}},
		{"the authority that is the default", secret + ", " + atVault, "AZURE_AUTHORITY_HOST=https://login.microsoftonline.com/", []string{vault, login}},
		{"a sovereign cloud", secret + ", " + atVault, "AZURE_AUTHORITY_HOST=login.microsoftonline.us", []string{vault, "login login.microsoftonline.us:443 by AZURE_AUTHORITY_HOST"}},
		{"a federation service", secret + ", " + atVault, "AZURE_AUTHORITY_HOST=https://evil.example/adfs", []string{vault, "login evil.example:443 by AZURE_AUTHORITY_HOST"}},
		{"an authority that is refused", secret + ", " + atVault, "AZURE_AUTHORITY_HOST=http://evil.example", []string{vault}},
		{"a region", secret + ", " + atVault, "AZURE_REGIONAL_AUTHORITY_NAME=westeurope", []string{vault, login, "login westeurope.login.microsoft.com:443 by AZURE_REGIONAL_AUTHORITY_NAME"}},
		{"the chain", atVault, "", []string{vault, metadata}},
		{"the chain's secret", atVault, "AZURE_CLIENT_ID=c AZURE_TENANT_ID=t AZURE_CLIENT_SECRET=s", []string{vault, login, metadata}},
		{"the chain's workload", atVault, workload, []string{vault, login, metadata}},
		{"a workload for the machine", atVault + `, "managed_identity_client_id": "m", "workload_identity_tenant_id": "w"`, workload + " AZURE_AUTHORITY_HOST=https://evil.example",
			[]string{vault, "login evil.example:443 by AZURE_AUTHORITY_HOST", login}},
		{"only the secret is wanted", atVault, "AZURE_TOKEN_CREDENTIALS=EnvironmentCredential AZURE_CLIENT_ID=c AZURE_TENANT_ID=t AZURE_CLIENT_SECRET=s", []string{vault, login}},
		{"only programs are wanted", atVault, "AZURE_TOKEN_CREDENTIALS=dev IDENTITY_ENDPOINT=http://evil.example IDENTITY_HEADER=h", []string{vault}},
		{"App Service", atVault, "IDENTITY_ENDPOINT=http://evil.example:42/x IDENTITY_HEADER=h", []string{vault, "login evil.example:42 plain by IDENTITY_ENDPOINT"}},
		{"what is not spoken to", atVault, "IDENTITY_ENDPOINT=http://evil.example IMDS_ENDPOINT=x", []string{vault}},
		{"Azure ML", atVault, "MSI_ENDPOINT=http://evil.example MSI_SECRET=s", []string{vault, "login evil.example:80 plain by MSI_ENDPOINT"}},
		{"Cloud Shell", atVault, "MSI_ENDPOINT=https://evil.example", []string{vault, "login evil.example:443 by MSI_ENDPOINT"}},
		{"a pod's identity", atVault, "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://evil.example/", []string{vault, "login evil.example:80 plain by AZURE_POD_IDENTITY_AUTHORITY_HOST"}},
		{"a pod's identity that is the default", atVault, "AZURE_POD_IDENTITY_AUTHORITY_HOST=http://169.254.169.254/", []string{vault, metadata}},
		{"no check", secret + ", " + atVault + `, "connection_verify": false`, "", []string{vault + " no-verify by connection_verify", login}},
		{"a CA", secret + ", " + atVault + `, "connection_verify": "` + ca + `"`, "", []string{vault + " pinned by connection_verify", login}},
		{"a CA by variable", secret + ", " + atVault, "REQUESTS_CA_BUNDLE=" + ca, []string{vault + " pinned by REQUESTS_CA_BUNDLE", login + " pinned by REQUESTS_CA_BUNDLE"}},
		{"a proxy by variable", secret + ", " + atVault, "HTTPS_PROXY=http://evil.example:3128",
			[]string{vault, "proxy evil.example:3128 by HTTPS_PROXY", login}},
		{"a proxy of the kwargs", secret + ", " + atVault + `, "proxies": {"https": "https://evil.example"}, "connection_verify": false`, "",
			[]string{vault + " no-verify by connection_verify", "proxy evil.example:443 by proxies no-verify by connection_verify", login}},
		{"a vault without the environment", secret + ", " + atVault + `, "use_env_settings": false`, "https_proxy=evil.example CURL_CA_BUNDLE=" + ca,
			[]string{vault, login + " pinned by CURL_CA_BUNDLE", "proxy evil.example:80 by https_proxy"}},
		{"a proxy for the machine's identity", atVault, "http_proxy=evil.example NO_PROXY=.azure.net", []string{vault, metadata, "proxy evil.example:80 by http_proxy"}},
		{"no vault", secret, "", []string{}},
		{"no use of kwargs", `"vault_url": ["https://evil.example"]`, "", []string{}},
	}
	for _, tt := range tests {
		if got := shown(azurestore.Route(object(t, "{"+tt.kwargs+"}"), env(strings.Fields(tt.env)...))); !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n%s\nwant\n%s", tt.rule, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
		}
	}
	if azurestore.Route(nil, env()) != nil {
		t.Error("no kwargs lead somewhere")
	}
}

// TestLacks: which credentials are the folder's own.
func TestLacks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for _, path := range []string{filepath.Join(dir, "own"), filepath.Join(outside, "theirs")} {
		if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const client = "AZURE_CLIENT_ID=c AZURE_TENANT_ID=t "
	tests := []struct {
		rule, kwargs, env string
		own               bool
	}{
		{"a client secret", `, "tenant_id": "t", "client_id": "c", "client_secret": "s"`, "", true},
		{"no secret", `, "tenant_id": "t", "client_id": "c"`, "", false},
		{"a secret by variable", "", client + "AZURE_CLIENT_SECRET=s", true},
		{"one that is not wanted", "", client + "AZURE_CLIENT_SECRET=s AZURE_TOKEN_CREDENTIALS=managedidentitycredential", false},
		{"a certificate", "", client + "AZURE_CLIENT_CERTIFICATE_PATH=own", true},
		{"one outside", "", client + "AZURE_CLIENT_CERTIFICATE_PATH=" + outside + "/theirs", false},
		{"one that is not there", "", client + "AZURE_CLIENT_CERTIFICATE_PATH=none", true},
		{"a token", "", client + "AZURE_FEDERATED_TOKEN_FILE=own", true},
		{"a token outside", "", client + "AZURE_FEDERATED_TOKEN_FILE=" + outside + "/theirs", false},
		{"a token of the system", "", client + "AZURE_FEDERATED_TOKEN_FILE=/proc/self/environ", false},
		{"a token of a managed identity", `, "managed_identity_client_id": "m", "workload_identity_tenant_id": "w"`, "AZURE_FEDERATED_TOKEN_FILE=own", true},
		{"an identity endpoint", "", "IDENTITY_ENDPOINT=http://evil.example IDENTITY_HEADER=h", false},
		{"programs", "", "AZURE_TOKEN_CREDENTIALS=dev", false},
		{"nothing", "", "", false},
		{"a choice that is no choice", "", "AZURE_TOKEN_CREDENTIALS=all", true},
		{"no use of kwargs", `, "tenant_id": 1`, "", true},
	}
	for _, tt := range tests {
		e := env(strings.Fields(tt.env)...)
		e.Dir, e.Confined = dir, &route.Confinement{Dir: dir}
		got := azurestore.Lacks(object(t, `{"vault_url": "https://evil.example"`+tt.kwargs+"}"), e)
		if (got == "") != tt.own || got != "" && got != "an Azure login" {
			t.Errorf("%s: %q", tt.rule, got)
		}
	}
	if azurestore.Lacks(nil, env()) != "" {
		t.Error("a store that asks nobody lacks something")
	}
}
