package azurestore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/route"
)

// TestDeveloperLogIns: the command lines, played by scripts that say what they
// were asked; and that no other PATH and no folder has a say in which run.
func TestDeveloperLogIns(t *testing.T) {
	bin, folder := t.TempDir(), t.TempDir()
	script := func(dir, name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	asked := filepath.Join(bin, "asked")
	note := "echo \"$0 $* in $(pwd)\" > " + asked + "\n"
	script(bin, "az", note+`echo '{"accessToken": "of-az", "expires_on": 1893456000}'`)
	script(bin, "azd", note+`echo '{"token": "of-azd", "expiresOn": "2030-01-01T00:00:00Z"}'`)
	script(bin, "pwsh", note+`echo '{"token":"of-pwsh","expires":1893456000}'`)
	for _, name := range []string{"az", "azd", "pwsh"} {
		script(folder, name, "echo the folder ran > "+asked)
	}
	t.Chdir(folder)
	env := Env{Dir: folder, Getenv: func(name string) (string, bool) { return folder, name == "PATH" },
		Words: program.Words{Folder: folder, Environ: []string{"PATH=.:" + bin + ":" + folder}}}
	l := &login{env: env}
	for class, want := range map[string][]string{
		"AzureCliCredential":          {"of-az", "/az account get-access-token -o json --resource https://vault.azure.net --tenant t-1 in /"},
		"AzureDeveloperCliCredential": {"of-azd", "/azd auth token -o json --no-prompt --scope https://vault.azure.net/.default --tenant-id t-1 in /"},
		"AzurePowerShellCredential":   {"of-pwsh", "ResourceUrl = 'https://vault.azure.net'; WarningAction"},
	} {
		c := l.developer(class)
		token, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://vault.azure.net/.default"}, TenantID: "t-1"})
		if err != nil || token.Token != want[0] || !token.ExpiresOn.Equal(time.Unix(1893456000, 0)) {
			t.Errorf("%s: %v, expires %v", class, err, token.ExpiresOn)
		}
		text, err := os.ReadFile(asked)
		if err != nil || !strings.Contains(string(text), want[1]) {
			t.Errorf("%s was asked %q, want %q", class, text, want[1])
		}
		for _, bad := range []policy.TokenRequestOptions{{Scopes: []string{"https://v/.default; touch x"}}, {Scopes: []string{"--debug"}},
			{Scopes: []string{"https://v/.default"}, TenantID: "'+(rm)"}, {Scopes: []string{"https://v/.default"}, TenantID: "-x"},
			{Scopes: []string{"https://v/.default"}, Claims: "more"}, {}} {
			if token, err := c.GetToken(t.Context(), bad); err == nil {
				t.Errorf("%s: %v is asked for: %v", class, bad, token.ExpiresOn)
			}
		}
	}
	script(bin, "az", "echo 'ERROR: Please run az login' >&2; exit 1")
	if _, err := l.developer("AzureCliCredential").GetToken(t.Context(), tokenFor("https://v/.default")); err == nil || err.Error() != "ERROR: Please run az login" {
		t.Errorf("az that is not logged in: %v", err)
	}
	l.env.Confined = &route.Confinement{Dir: folder}
	var none *unavailable
	if _, err := l.developer("AzureCliCredential").GetToken(t.Context(), tokenFor("https://v/.default")); !errors.As(err, &none) {
		t.Errorf("the user's log-in for an address of the folder: %v", err)
	}
	l.env.Confined, l.env.Words.Environ = nil, []string{"PATH=."}
	if _, err := l.developer("AzureCliCredential").GetToken(t.Context(), tokenFor("https://v/.default")); !errors.As(err, &none) {
		t.Errorf("az in the current folder: %v", err)
	}
}
