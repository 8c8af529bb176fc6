package stores_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// signatures prints what each class takes: the parameters of its constructor,
// and what the code behind its **kwargs reads of them.
const signatures = `
import importlib, inspect, json, os, re, sys
def parameters(f): return [n for n, p in inspect.signature(f).parameters.items() if n != "self" and p.kind != p.VAR_KEYWORD]
def load(path):
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)
def read(*modules):
    names = set()
    for m in modules:
        m = importlib.import_module(m)
        folder = os.path.dirname(m.__file__) if hasattr(m, "__path__") else None
        files = [os.path.join(r, f) for r, _, fs in os.walk(folder) for f in fs if f.endswith(".py")] if folder else [m.__file__]
        for f in files:
            names.update(re.findall(r'["\'](\w+)["\']', open(f).read()))
            names.update(re.findall(r'(\w+): [^=()]*(?:\([^()]*\))?[^=()]* = ', open(f).read()))
            names.update(re.findall(r'\s(\w+): bool = ', open(f).read()))
    return sorted(names)
hvac = ["hvac.Client", "hvac.adapters.Adapter"]
conn = ["airflow.providers.amazon.aws.utils.connection_wrapper", "airflow.providers.amazon.aws.hooks.base_aws"]
out = {}
for service, path in json.loads(sys.argv[1]).items():
    own = parameters(load(path).__init__)
    behind, text = [], []
    if service == "vault": behind = [p for c in hvac for p in parameters(load(c).__init__)]
    if service in ("ssm", "secretsmanager"): text = read(path.rsplit(".", 1)[0], *conn)
    if service == "azure": text = read("azure.core.pipeline", "azure.keyvault.secrets._shared")
    out[service] = {"own": own, "behind": behind, "text": text}
print("SIGNATURES" + json.dumps(out))
`

// TestKwargs compares the names of the table with the installed providers:
// none of a class's own is missing, and each other one is read by the code
// behind it.
func TestKwargs(t *testing.T) {
	classes := map[string]string{}
	for _, row := range stores.Known() {
		classes[row.Service] = row.Class
	}
	arg, err := json.Marshal(classes)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(baotest.Tool(t, "python"), "-c", signatures, string(arg))
	cmd.Env = append(cmd.Environ(), "AIRFLOW_HOME="+t.TempDir())
	raw, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "SIGNATURES")
	var python map[string]struct{ Own, Behind, Text []string }
	if err := json.Unmarshal([]byte(text), &python); err != nil {
		t.Fatal(err)
	}
	for _, row := range stores.Known() {
		takes := python[row.Service]
		for _, name := range slices.Concat(takes.Own, takes.Behind) {
			unusable := name == "base_uri" || name == "adapter" // no JSON is right for them
			if !unusable && !slices.Contains(row.Kwargs, name) {
				t.Errorf("%s takes %s, which the table does not have", row.Service, name)
			}
		}
		for _, name := range row.Kwargs {
			if !slices.Contains(slices.Concat(takes.Own, takes.Behind, takes.Text, []string{"context"}), name) {
				t.Errorf("the table has %s for %s, but nothing reads it", name, row.Service)
			}
		}
		if !slices.IsSorted(row.Kwargs) || len(row.Kwargs) < 3 {
			t.Errorf("%s: the kwargs are %q", row.Service, row.Kwargs)
		}
	}
}

// TestCheck: what Airflow raises, at once or at each look-up, without a look
// outside.
func TestCheck(t *testing.T) {
	const key = `"gcp_keyfile_dict": `
	tests := []struct{ service, kwargs, raised, broken string }{
		{"vault", `{"token": "t"}`, "", ""},
		{"vault", `{}`, "VaultError", ""},
		{"vault", `{"auth_type": "approle"}`, "VaultError", ""},
		{"vault", `{"auth_type": "approle", "role_id": "r"}`, "", ""},
		{"vault", `{"token": "t", "tokn": 1}`, "", "TypeError"},
		{"vault", `{"token": "t", "kv_engine_version": 3}`, "VaultError", ""},
		{"vault", `{"token": "t", "connections_path": 5}`, "TypeError", ""},
		{"ssm", `{"anything": 1}`, "", ""},
		{"ssm", `{"connections_prefix": 1}`, "AttributeError", ""},
		{"ssm", `{"role_arn": "r", "assume_role_method": "x"}`, "", "NotImplementedError"},
		{"secretsmanager", `{"service_config": "x"}`, "", "AttributeError"},
		{"gcp", `{}`, "", ""},
		{"gcp", `{"gcp_key_path": "/no/such/file", "gcp_scopes": "x"}`, "", ""},
		{"gcp", `{"profile": "x"}`, "TypeError", ""},
		{"gcp", `{"sep": "/"}`, "AirflowException", ""},
		{"gcp", `{"gcp_key_path": "x", ` + key + `{"a": 1}}`, "AirflowException", ""},
		{"gcp", `{` + key + `"text"}`, "TypeError", ""},
		{"gcp", `{` + key + `{}}`, "", ""},
		{"gcp", `{` + key + `{"type": "x"}}`, "KeyError", ""},
		{"gcp", `{"project_id": "p", ` + key + `{"private_key": "x"}}`, "", "AttributeError"},
		{"gcp", `{` + key + `{"private_key": "x"}}`, "AttributeError", ""},
		{"azure", `{"vault_url": "https://v.vault.azure.net", "sep": 1}`, "TypeError", ""},
		{"azure", `{"vault_url": "https://v.vault.azure.net", "sep": "", "read_timeout": "x"}`, "", "TypeError"},
		{"localfile", `{"variables_file_path": "x.json"}`, "", ""},
		{"localfile", `{"variable_file_path": "x.json"}`, "TypeError", ""},
	}
	rows := map[string]stores.Row{}
	for _, row := range stores.Known() {
		rows[row.Service] = row
	}
	for _, tt := range tests {
		v, err := pyjson.Decode(tt.kwargs)
		if err != nil {
			t.Fatal(err)
		}
		got := rows[tt.service].Check(v.(*pyjson.Object), stores.Env{})
		if exception(got.Raised) != tt.raised || exception(got.Broken) != tt.broken {
			t.Errorf("%s %s: raised %v, broken %v, want %q, %q", tt.service, tt.kwargs, got.Raised, got.Broken, tt.raised, tt.broken)
		}
	}
}

func exception(err error) string {
	if err == nil {
		return ""
	}
	if raised, ok := errors.AsType[*airflow.Error](err); ok {
		return raised.Type
	}
	return string(store.CodeOf(err))
}
