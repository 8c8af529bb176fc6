package azurestore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

func fromKwargs(t *testing.T, text string) (*Store, []string) {
	t.Helper()
	v, err := pyjson.Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	return FromKwargs(v.(*pyjson.Object), Env{})
}

func TestKwargs(t *testing.T) {
	s, notes := fromKwargs(t, `{"vault_url": " https://v.vault.azure.net/ ", "tenant_id": "t", "client_id": "c", "client_secret": "hunter2", "api_version": "7.4",
		"verify_challenge_resource": false, "connection_verify": "ca.pem", "connection_cert": ["c", "k"], "proxies": {"HTTPS": "http://p:1"},
		"connection_timeout": 5, "read_timeout": 2.5, "retry_total": 2, "retry_status": 1, "retry_backoff_factor": 0.1, "use_env_settings": false, "sep": "", "config_prefix": null}`)
	o := s.options
	if o.address() != "https://v.vault.azure.net" || o.APIVersion != "7.4" || !o.AnyChallengeResource || o.TLS != (TLS{CA: "ca.pem", Cert: "c", Key: "k"}) ||
		o.Proxies["https"] != "http://p:1" || o.timeout() != 5*time.Second || *o.Retries != 1 || o.RetryDelay != 100*time.Millisecond || !o.NoEnvProxies {
		t.Errorf("the options are not those of the kwargs")
	}
	if s.broken != nil || notes != nil || s.Name() != "azure key vault https://v.vault.azure.net" {
		t.Errorf("broken %v, notes %q, name %q", s.broken, notes, s.Name())
	}
	if text := fmt.Sprint(notes, s.Name(), s.broken); strings.Contains(text, "hunter2") {
		t.Errorf("a secret shows: %s", text)
	}
}

// TestIgnoredKwargs: Airflow passes them over in silence, airlock says so.
func TestIgnoredKwargs(t *testing.T) {
	s, notes := fromKwargs(t, `{"vault_url": "https://v.vault.azure.net", "profile": "x", "authority": "https://h"}`)
	if len(notes) != 2 || !strings.Contains(notes[0], `"profile" is ignored`) || !strings.Contains(notes[1], "AZURE_AUTHORITY_HOST") || s.broken != nil {
		t.Errorf("notes %q, broken %v", notes, s.broken)
	}
}

func TestBadKwargs(t *testing.T) {
	for kwargs, want := range map[string]string{
		`{"vault_url": 5}`:                     "vault_url is a int",
		`{"client_secret": ["hunter2"]}`:       "client_secret is a list",
		`{"sep": null}`:                        "must be str, not None",
		`{"api_version": 7.4}`:                 "api_version",
		`{"connection_verify": 5}`:             "connection_verify",
		`{"connection_cert": ["hunter2"]}`:     "connection_cert",
		`{"proxies": "http://u:hunter2@h"}`:    "proxies",
		`{"proxies": {"https": 5}}`:            "proxies",
		`{"read_timeout": "hunter2"}`:          "read_timeout",
		`{"connection_timeout": -1}`:           "connection_timeout",
		`{"retry_total": 1.5}`:                 "retry_total",
		`{"retry_backoff_factor": "a second"}`: "retry_backoff_factor",
	} {
		s, _ := fromKwargs(t, kwargs)
		_, err := s.Get(t.Context(), "name")
		if store.CodeOf(err) != store.Invalid || !strings.Contains(err.Error(), want) || store.Hint(err) == "" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want Invalid and %q", kwargs, err, want)
		}
	}
	if s, notes := FromKwargs(nil, Env{}); s == nil || notes != nil {
		t.Errorf("FromKwargs(nil) = %v, %q", s, notes)
	}
}

// TestChallenges: what HttpChallenge of the Python client reads of a header.
func TestChallenges(t *testing.T) {
	const claims = "eyJhIjogMX0" // {"a": 1}
	tests := []struct {
		header string
		want   challenge
		ok     bool
	}{
		{`Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"`, challenge{"https://vault.azure.net/.default", "t", ""}, true},
		{`Bearer authorization="https://login/t/more", scope="https://vault.azure.net/.default"`, challenge{"https://vault.azure.net/.default", "t", ""}, true},
		{`Bearer authorization_uri="https://login/t",resource="https://h"`, challenge{"https://h/.default", "t", ""}, true},
		{`Bearer authorization="https://login", resource="https://h"`, challenge{"https://h/.default", "", ""}, true},
		{`Bearer authorization="https://login/adfs", resource="https://h"`, challenge{"https://h/.default", "", ""}, true},
		{`Bearer authorization="https://login/t", error="insufficient_claims", claims="` + claims + `"`, challenge{"/.default", "t", `{"a": 1}`}, true},
		{`Bearer authorization="nonsense"`, challenge{"/.default", "nonsense", ""}, true},
		{`Bearer resource="https://h"`, challenge{}, false},
		{`Bearer`, challenge{}, false},
		{``, challenge{}, false},
		{`Bearer authorization="://"`, challenge{}, false},
	}
	for _, tt := range tests {
		if got, ok := parseChallenge(tt.header); got != tt.want || ok != tt.ok {
			t.Errorf("parseChallenge(%s) = %+v, %v; want %+v, %v", tt.header, got, ok, tt.want, tt.ok)
		}
	}
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"`)
	f.Add(`Bearer authorization="x", claims="!"`)
	f.Fuzz(func(t *testing.T, header string) { parseChallenge(header) })
}

// TestChain: which credentials are tried, in which order, and why each gave
// nothing.
func TestChain(t *testing.T) {
	o := Options{VaultURL: "https://v", Env: Env{Getenv: func(name string) (string, bool) {
		v, ok := map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}[name]
		return v, ok
	}}, RetryDelay: time.Millisecond}
	c, err := o.credential()
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.GetToken(t.Context(), tokenFor("https://vault.azure.net/.default"))
	text := fmt.Sprint(err)
	for _, class := range []string{"EnvironmentCredential", "WorkloadIdentityCredential", "ManagedIdentityCredential: the managed identity endpoint does not answer",
		"VisualStudioCodeCredential", "AzureCliCredential: az is not on the PATH", "AzurePowerShellCredential: pwsh", "AzureDeveloperCliCredential: azd"} {
		before, after, found := strings.Cut(text, class)
		if !found {
			t.Errorf("%s is not tried, or not in this order: %s", class, before)
		}
		text = after
	}
}

func tokenFor(scope string) policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: []string{scope}}
}
