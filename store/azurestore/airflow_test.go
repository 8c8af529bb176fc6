package azurestore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/baotest"
)

// lookups has Airflow's own class look every reference of each plan up, in a
// process of its own: what Airflow and the class stand on is imported once,
// Airflow itself with the plan's environment.
const lookups = `
import importlib, json, os, sys
for name in sys.argv[2:]:
    importlib.import_module(name)

def ask(plan):
    from airflow.providers.microsoft.azure.secrets.key_vault import AzureKeyVaultBackend
    backend = AzureKeyVaultBackend(**plan["kwargs"])
    out = []
    for kind, id, team in plan["refs"]:
        method = {"connection": backend.get_conn_value, "variable": backend.get_variable, "config": backend.get_config}[kind]
        more = {} if kind == "config" else {"team_name": team or None}
        try:
            out.append([method(id, **more), ""])
        except Exception as e:
            out.append([None, type(e).__name__])
    return out

for i, plan in enumerate(json.load(sys.stdin)):
    pid = os.fork()
    if pid == 0:
        os.environ.clear()
        os.environ.update(plan["env"])
        with open(os.path.join(sys.argv[1], f"{i}.json"), "w") as f:
            json.dump(ask(plan), f)
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit(f"plan {i} failed")
`

// parts are what Airflow and the class import.
var parts = []string{"azure.identity", "azure.keyvault.secrets", "httpx", "jsonschema", "libcst", "pendulum", "pydantic", "requests",
	"sqlalchemy.orm", "structlog", "upath", "yaml"}

// plan is what both are asked.
type plan struct {
	Kwargs map[string]any `json:"kwargs"`
	Refs   [][3]string    `json:"refs"`
	// Env is the environment of Airflow, which gets a home besides.
	Env map[string]string `json:"env"`
}

// fill puts secrets of every sort into a vault and returns the references to
// ask for.
func fill(v *azurefake.Vault) [][3]string {
	values := []string{"plain", "", " blank ", "clé € 日本 😀", "line\nline\n", `{"conn_type": "http", "host": "h"}`, "postgres://u:p%40@h:5432/s", "null", strings.Repeat("x", 25_000)}
	kinds := []struct{ kind, prefix string }{{"variable", "airflow-variables-"}, {"connection", "airflow-connections-"}, {"config", "airflow-config-"}}
	var refs [][3]string
	for _, k := range kinds {
		for i, value := range values {
			v.Set(fmt.Sprint(k.prefix, "value-", i), value)
			refs = append(refs, [3]string{k.kind, fmt.Sprint("value-", i), ""}, [3]string{k.kind, fmt.Sprint("value_", i), ""}, [3]string{k.kind, fmt.Sprint("VALUE_", i), "team"})
		}
		v.Set(k.prefix+"disabled", "x")
		v.Disable(k.prefix + "disabled")
		v.Set(k.prefix+"denied", "x")
		v.Deny(k.prefix + "denied")
		v.SetNull(k.prefix + "null")
		v.Set(k.prefix+"team--mine", "the team's")
		v.Set(k.prefix+"mine", "everybody's")
		v.SetNull(k.prefix + "team--null-of-team")
		v.Set(k.prefix+"null-of-team", "everybody's")
		v.Set(k.prefix+"team--empty", "")
		v.Set(k.prefix+"empty", "everybody's")
		v.Set(k.prefix+"a--b", "two dashes")
		v.Set(k.prefix+strings.Repeat("n", 127-len(k.prefix)), "longest")
		for _, id := range []string{
			"disabled", "denied", "null", "mine", "null_of_team", "empty", "a--b", "a__b", "team--mine", "missing", "missing_too", "", "-", "_", "--", "a/b", "a.b", "a b", "é",
			"a\n", "x?y", "x#y", "../x", "%41", strings.Repeat("n", 127-len(k.prefix)), strings.Repeat("n", 128-len(k.prefix)), strings.Repeat("n", 1000), "sql_alchemy_conn",
		} {
			refs = append(refs, [3]string{k.kind, id, ""}, [3]string{k.kind, id, "team"}, [3]string{k.kind, id, "other_team"})
		}
	}
	return refs
}

// wayIn is one way to log in, right or wrong.
type wayIn struct {
	login  string
	kwargs func(*azurefake.Server) map[string]any
	env    func(*azurefake.Server) map[string]string
	// all asks for every reference, else for five.
	all bool
}

// byKwargs are those whose credentials are kwargs.
func byKwargs() []wayIn {
	return []wayIn{
		{"client secret", func(s *azurefake.Server) map[string]any {
			return map[string]any{"vault_url": s.URL + "/", "tenant_id": "tenant", "client_id": "client", "client_secret": "hunter2", "verify_challenge_resource": false}
		}, ownAddress, true},
		{"client secret, several teams", func(s *azurefake.Server) map[string]any {
			return map[string]any{"vault_url": s.URL, "tenant_id": "tenant", "client_id": "client", "client_secret": "hunter2", "verify_challenge_resource": false, "foo": "bar"}
		}, func(s *azurefake.Server) map[string]string {
			return with(ownAddress(s), "AIRFLOW__CORE__MULTI_TEAM", "True")
		}, true},
		{"the public cloud's own names", func(*azurefake.Server) map[string]any {
			return map[string]any{"vault_url": "https://v.vault.azure.net/", "tenant_id": "tenant", "client_id": "client", "client_secret": "hunter2"}
		}, publicCloud, false},
		{"wrong client secret", func(*azurefake.Server) map[string]any {
			return map[string]any{"vault_url": "https://v.vault.azure.net/", "tenant_id": "tenant", "client_id": "client", "client_secret": "wrong"}
		}, publicCloud, false},
		{"another tenant", func(*azurefake.Server) map[string]any {
			return map[string]any{"vault_url": "https://v.vault.azure.net/", "tenant_id": "another", "client_id": "client", "client_secret": "hunter2"}
		}, publicCloud, false},
		{"a tenant that is none", func(*azurefake.Server) map[string]any {
			return map[string]any{"vault_url": "https://v.vault.azure.net/", "tenant_id": "a/b", "client_id": "client", "client_secret": "hunter2"}
		}, publicCloud, false},
		{"no https", func(*azurefake.Server) map[string]any {
			return map[string]any{"vault_url": "http://v.vault.azure.net/", "tenant_id": "tenant", "client_id": "client", "client_secret": "hunter2"}
		}, publicCloud, false},
		{"no vault", func(*azurefake.Server) map[string]any {
			return map[string]any{"tenant_id": "tenant", "client_id": "client", "client_secret": "hunter2"}
		}, publicCloud, false},
		{"a domain that the vault is not part of", func(s *azurefake.Server) map[string]any {
			return map[string]any{"vault_url": s.URL, "tenant_id": "tenant", "client_id": "client", "client_secret": "hunter2"}
		}, ownAddress, false},
	}
}

// byEnvironment are those whose credentials are in the environment.
func byEnvironment() []wayIn {
	return []wayIn{
		{"AZURE_ variables", vaultOnly, func(s *azurefake.Server) map[string]string {
			return with(publicCloud(s), "AZURE_TENANT_ID", "tenant", "AZURE_CLIENT_ID", "client", "AZURE_CLIENT_SECRET", "hunter2")
		}, false},
		{"AZURE_ variables with a wrong secret", vaultOnly, func(s *azurefake.Server) map[string]string {
			return with(publicCloud(s), "AZURE_TENANT_ID", "tenant", "AZURE_CLIENT_ID", "client", "AZURE_CLIENT_SECRET", "wrong")
		}, false},
		{"managed identity", vaultOnly, func(s *azurefake.Server) map[string]string {
			return with(publicCloud(s), "IDENTITY_ENDPOINT", s.URL+"/msi/token", "IDENTITY_HEADER", s.IdentityHeader, "NO_PROXY", "127.0.0.1")
		}, false},
		{"managed identity by its client id", func(*azurefake.Server) map[string]any {
			return map[string]any{"vault_url": "https://v.vault.azure.net/", "managed_identity_client_id": "client", "workload_identity_tenant_id": "tenant"}
		}, func(s *azurefake.Server) map[string]string {
			return with(publicCloud(s), "IDENTITY_ENDPOINT", s.URL+"/msi/token", "IDENTITY_HEADER", s.IdentityHeader, "NO_PROXY", "127.0.0.1")
		}, false},
		{"managed identity with a wrong header", vaultOnly, func(s *azurefake.Server) map[string]string {
			return with(publicCloud(s), "IDENTITY_ENDPOINT", s.URL+"/msi/token", "IDENTITY_HEADER", "wrong", "NO_PROXY", "127.0.0.1", "AZURE_TOKEN_CREDENTIALS", "prod")
		}, false},
		{"a virtual machine's identity", vaultOnly, func(s *azurefake.Server) map[string]string {
			return with(publicCloud(s), "AZURE_POD_IDENTITY_AUTHORITY_HOST", s.URL, "NO_PROXY", "127.0.0.1")
		}, false},
		{"workload identity", func(*azurefake.Server) map[string]any {
			return map[string]any{"vault_url": "https://v.vault.azure.net/", "managed_identity_client_id": "client", "workload_identity_tenant_id": "tenant"}
		}, func(s *azurefake.Server) map[string]string {
			return with(publicCloud(s), "AZURE_FEDERATED_TOKEN_FILE", tokenFile(s))
		}, false},
		{"a credential that does not exist", vaultOnly, func(s *azurefake.Server) map[string]string {
			return with(publicCloud(s), "AZURE_TOKEN_CREDENTIALS", "nonsense")
		}, false},
	}
}

// TestAsAirflow asks Airflow's class and this store for the same, with the
// same kwargs and environment, of the same server.
func TestAsAirflow(t *testing.T) {
	ways := append(byKwargs(), byEnvironment()...)
	var plans []plan
	for _, tt := range ways {
		s := azurefake.Start(t)
		refs := fill(s.Vault)
		if !tt.all {
			refs = [][3]string{{"variable", "value_0", ""}, {"connection", "value_5", ""}, {"variable", "missing", ""}, {"variable", "denied", ""}, {"config", "empty", ""}}
		}
		p := plan{tt.kwargs(s), refs, tt.env(s)}
		p.Kwargs["retry_total"] = 0
		plans = append(plans, p)
	}
	answers := inAirflow(t, plans)
	for i, tt := range ways {
		t.Run(tt.login, func(t *testing.T) { compareAll(t, plans[i], answers[i]) })
	}
}

func vaultOnly(*azurefake.Server) map[string]any {
	return map[string]any{"vault_url": "https://v.vault.azure.net/"}
}

// ownAddress lets both log in under /adfs, at the server's own address.
func ownAddress(s *azurefake.Server) map[string]string {
	return map[string]string{"AZURE_AUTHORITY_HOST": s.URL + "/adfs", "REQUESTS_CA_BUNDLE": s.CA}
}

// publicCloud lets both take the server for Microsoft's.
func publicCloud(s *azurefake.Server) map[string]string {
	s.Authority = "https://login.microsoftonline.com"
	return map[string]string{"HTTPS_PROXY": s.Proxy, "REQUESTS_CA_BUNDLE": s.CA}
}

func with(env map[string]string, pairs ...string) map[string]string {
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return env
}

// tokenFile is what the webhook of workload identity mounts.
func tokenFile(s *azurefake.Server) string {
	path := filepath.Join(filepath.Dir(s.CA), "token")
	if err := os.WriteFile(path, []byte(s.Assertion), 0o600); err != nil {
		return err.Error()
	}
	return path
}

// compareAll asks the store what Airflow answered with want.
func compareAll(t *testing.T, p plan, want [][2]any) {
	t.Helper()
	env := p.Env
	text, err := json.Marshal(p.Kwargs)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := pyjson.Decode(string(text))
	if err != nil {
		t.Fatal(err)
	}
	kwargs := decoded.(*pyjson.Object)
	names, err := dialect.AzureFromKwargs(kwargs, env["AIRFLOW__CORE__MULTI_TEAM"] == "True")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := FromKwargs(kwargs, Env{Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	s.options.RetryDelay = time.Millisecond
	t.Cleanup(func() { _ = s.Close() })
	t.Logf("%d references", len(p.Refs))
	for i, ref := range p.Refs {
		one := &session{ref: airflow.Ref{Kind: airflow.Kind(ref[0]), ID: ref[1], Team: ref[2]}, store: s, dialect: names, log: &recordedLog{}}
		value, err := one.lookup(t.Context())
		class := ""
		if err != nil {
			class = inPython(err).Type
		}
		if pyjson.Encode(value) != pyjson.Encode(want[i][0]) || class != want[i][1] {
			t.Errorf("%q: %.60s, %q (%v); Airflow has %.60s, %q", ref, pyjson.Encode(value), class, err, pyjson.Encode(want[i][0]), want[i][1])
		}
	}
}

// inAirflow returns what Airflow's class answers, for each plan.
func inAirflow(t *testing.T, plans []plan) [][][2]any {
	t.Helper()
	home := t.TempDir()
	surroundings := map[string]string{"AIRFLOW_HOME": home, "HOME": home, "PATH": os.Getenv("PATH")}
	asked := slices.Clone(plans)
	for i := range asked {
		asked[i].Env = maps.Clone(surroundings)
		maps.Copy(asked[i].Env, plans[i].Env)
	}
	input, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), baotest.Tool(t, "python"), append([]string{"-c", lookups, home}, parts...)...)
	for name, value := range surroundings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("airflow: %v\n%s", err, out)
	}
	answers := make([][][2]any, len(plans))
	for i := range answers {
		b, err := os.ReadFile(filepath.Join(home, fmt.Sprint(i, ".json")))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &answers[i]); err != nil {
			t.Fatal(err)
		}
	}
	return answers
}
