package e2e

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/stores"
)

// hidden is code that takes a package away, as if it were not installed.
func hidden(name string) string {
	return fmt.Sprintf(`
import sys
class Hider:
    def find_spec(self, name, path=None, target=None):
        if (name + ".").startswith(%[1]q + "."):
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Hider())
def without(module):
    original = module.distributions
    module.distributions = lambda **kwargs: (d for d in original(**kwargs) if d.metadata["Name"] != "apache-" + %[1]q.replace(".", "-"))
import importlib.metadata, importlib_metadata
without(importlib.metadata)
without(importlib_metadata)
`, name)
}

func classClaims() []claimed {
	old := claimed{rule: "old-class-path", name: "each", code: "from airflow.configuration import conf\n"}
	for _, row := range stores.Known() {
		for _, path := range row.Old {
			old.code += fmt.Sprintf("os.environ['AIRFLOW__SECRETS__BACKEND'] = %q\nattempt(conf.getimport, 'secrets', 'backend')\n", path)
			old.want = append(old.want, fmt.Sprintf("raised: %s Current value: %q.", notLoaded, path))
		}
	}
	old.code = "import os\n" + old.code
	bare := "AIRFLOW__SECRETS__BACKEND="
	workers := "AIRFLOW__WORKERS__SECRETS_BACKEND="
	return []claimed{
		old,
		{rule: "old-class-path", env: []string{bare + "airflow.contrib.secrets.hashicorp_vault.VaultBackend"}, code: "starts()", want: []string{notLoaded}, not: []string{started}},
		{rule: "unknown-class", env: []string{bare + strings.Replace(vaultClass, "VaultBackend", "VaultBackends", 1)}, code: "starts()", want: []string{notLoaded}, not: []string{started}},
		{rule: "unknown-class", name: "module", env: []string{bare + strings.Replace(vaultClass, "hashicorp", "hashi_corp", 1)}, code: "starts()", want: []string{notLoaded}, not: []string{started}},
		{rule: "unknown-class", name: "of a worker", env: []string{workers + strings.Replace(vaultClass, "hashicorp", "hashi_corp", 1)}, code: "starts()\nbackend(True)",
			want: []string{started, `AirflowConfigException: The object could not be loaded. Please check "secrets_backend" key in "workers" section.`}},
		{rule: "worker-kwargs-missing", env: append(configured(ssmClass, `{"variables_prefix": "/mine"}`), workers+ssmClass),
			code: "for worker in False, True: print('prefix:', worker, backend(worker).variables_prefix)", want: []string{"prefix: False /mine\n", "prefix: True /airflow/variables\n"}},
		{rule: "worker-kwargs-missing", name: "vault", env: append(configured(vaultClass, `{"token": "CANARY-0"}`), workers+vaultClass), code: "starts()\nbackend(True)", want: []string{started, needsToken}},
		{rule: "worker-kwargs-missing", name: "without a class", env: append(configured(ssmClass, `{"variables_prefix": "/mine"}`), `AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS={"variables_prefix": "/other"}`), code: "print('prefix:', backend(True).variables_prefix)", want: []string{"prefix: /mine\n"}},
		{rule: "kwargs-without-class", env: []string{`AIRFLOW__SECRETS__BACKEND_KWARGS={"url": "http://nowhere.invalid"`, "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS={"}, code: `
from airflow.configuration import ensure_secrets_loaded
print("layers:", [type(b).__name__ for b in ensure_secrets_loaded()])
attempt(variable, "x")
from airflow.configuration import get_custom_secret_backend
print("backends:", get_custom_secret_backend(), get_custom_secret_backend(True))`,
			want: []string{"layers: ['EnvironmentVariablesBackend', 'MetastoreBackend']", "raised: KeyError", "backends: None None"}, not: []string{"Failed", "nowhere"}},
		{rule: "provider-missing", env: configured(vaultClass, `{"token": "CANARY-0"}`), code: hidden("airflow.providers.hashicorp") + "starts()",
			want: []string{"No module named 'airflow.providers.hashicorp'", notLoaded}, not: []string{started}},
		{rule: "provider-of-other-backend", env: configured(vaultClass, `{"token": "CANARY-0"}`),
			code: hidden("airflow.providers.hashicorp") + "print('the other is', importlib.metadata.version('apache-airflow-providers-amazon'))\nstarts()", want: []string{"the other is ", notLoaded}, not: []string{started}},
	}
}
