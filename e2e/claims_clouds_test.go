package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/gcpfake"
)

// inGoogle puts secrets into Google's Secret Manager, ids and values in turn,
// and is the settings with which Airflow reads there; kwargs are more of them,
// as members of an object.
func (l *lab) inGoogle(kwargs string, pairs ...string) []string {
	s, at := l.google()
	for pair := range slices.Chunk(pairs, 2) {
		s.Put("p", pair[0], []byte(pair[1]))
	}
	account, _ := gcpfake.Account(l.t, "p", "https://localhost:1/token")
	account["universe_domain"] = at.Universe
	text, err := json.Marshal(account)
	path := filepath.Join(l.t.TempDir(), "key.json")
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	kwargs = strings.TrimRight(fmt.Sprintf(`"gcp_key_path": %q, %s`, path, kwargs), ", ")
	return append(configured(googleClass, "{"+kwargs+"}"),
		"GOOGLE_CLOUD_UNIVERSE_DOMAIN="+at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH="+at.CAFile)
}

// inKeyVault puts secrets into Key Vault, names and values in turn, and is the
// settings with which Airflow reads at the address https://v.vault.azure.net.
func (l *lab) inKeyVault(kwargs string, pairs ...string) []string {
	s := l.azure()
	for pair := range slices.Chunk(pairs, 2) {
		s.Set(pair[0], pair[1])
	}
	return append(configured(azureClass, kwargs), azureEnviron(s)...)
}

// refusing is the settings that lead Airflow to an AWS which answers every
// request with an error.
func (l *lab) refusing(class, failure string) []string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type": %q, "message": "not so"}`, failure)
	}))
	l.t.Cleanup(s.Close)
	return append(configured(class, "{}"), "AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SK", "AWS_DEFAULT_REGION=us-east-1", "AWS_ENDPOINT_URL="+s.URL)
}

func awsClaims(l *lab) []claimed {
	l.moto().MustCall(l.t, "secretsmanager.CreateSecret",
		map[string]any{"Name": "bytes/x", "SecretBinary": "ZXU=", "ClientRequestToken": strings.Repeat("0", 32)})
	const slash = `{"variables_prefix": "/slash/variables"}`
	const asName = "AIRFLOW__SENTRY__SENTRY_DSN_SECRET=https://sentry.example.com/1"
	return []claimed{
		{rule: "secretsmanager-leading-slash", env: l.inSecretsManager(slash, "slash/variables/x", "eu"), code: tells + `
print("alone:", backend().get_variable("x"))
attempt(variable, "x")`,
			want: []string{`asked: {"SecretId": "/slash/variables/x"}`, "alone: None", noVariable}, not: []string{"ResourceNotFoundException", "Unable to retrieve"}},
		{rule: "secretsmanager-leading-slash", name: "at debug level", debug: true, env: l.inSecretsManager(slash), code: `backend().get_variable("x")`,
			want: []string{"ResourceNotFoundException: An error occurred when calling the get_secret_value operation. Secret x not found."}},
		{rule: "aws-binary-secret", debug: true, env: l.inSecretsManager(`{"variables_prefix": "bytes"}`), code: tells + `
print("alone:", backend().get_variable("x"))
attempt(variable, "x")`,
			want: []string{`asked: {"SecretId": "bytes/x"}`, "alone: None", noVariable}, not: []string{"Secret x not found", "An error occurred", "Unable to retrieve"}},
		{rule: "aws-console-json", name: "Secrets Manager", env: l.inSecretsManager(`{"variables_prefix": "pair"}`, "pair/x", `{"x":"eu"}`), code: `variable("x")`,
			want: []string{`variable: '{"x":"eu"}'`}},
		{rule: "config-name-is-value", env: append(l.inParameterStore(`{}`), asName), code: tells + `option("sentry", "sentry_dsn")`,
			want: []string{`asked: {"Name": "/airflow/config/https://sentry.example.com/1"`, "option: ''"}},
		{rule: "config-name-is-value", name: "airflow.cfg", env: append(l.inSecretsManager(`{}`), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=postgresql://db/airflow"),
			code: tells + `option("database", "sql_alchemy_conn")`,
			want: []string{`asked: {"SecretId": "airflow/config/postgresql://db/airflow"}`, "option: 'sqlite:////"}},
		{rule: "config-name-is-value", name: "a name that is refused",
			env:  append(l.refusing(ssmClass, "ValidationException"), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=postgresql://db/airflow"),
			code: `variable("x")`, want: []string{"AirflowConfigException: Cannot retrieve config from alternative secrets backend.", "ValidationException"}, not: []string{"variable:"}},
	}
}

func googleClaims(l *lab) []claimed {
	s, _ := l.google()
	s.Create("p", "airflow-variables-empty")
	return []claimed{
		{rule: "gcp-name-illegal", env: append(l.inGoogle(``), "AIRFLOW_VAR_A/B=of the environment"), code: `
print("alone:", backend().get_variable("a/b"))
variable("a/b")`,
			want: []string{"Google Cloud API Call Error (InvalidArgument): Invalid secret ID airflow-variables-a/b", "error", "alone: None", "variable: 'of the environment'"}},
		{rule: "gcp-name-illegal", name: "a blank", env: l.inGoogle(``), code: `print("alone:", backend().get_conn_value("my db"))`,
			want: []string{"Google Cloud API Call Error (InvalidArgument): Invalid secret ID airflow-connections-my db", "alone: None"}},
		{rule: "gcp-name-illegal", name: "too long", env: l.inGoogle(``), code: `print("alone:", backend().get_variable("n" * 256))`,
			want: []string{"Google Cloud API Call Error (InvalidArgument): Invalid secret ID airflow-variables-nnn", "alone: None"}},
		{rule: "gcp-secret-without-version", env: l.inGoogle(``), code: `
print("alone:", backend().get_variable("empty"))
attempt(variable, "empty")`,
			want: []string{"alone: None", "raised: KeyError: 'Variable empty does not exist.'"}, not: []string{"Google Cloud API Call Error", "Unable to retrieve"}},
		{rule: "gcp-secret-without-version", name: "at debug level", debug: true, env: l.inGoogle(``), code: `
from airflow.providers.google.cloud._internal_client.secret_manager_client import SecretManagerServiceClient as C
real = C.access_secret_version
C.access_secret_version = lambda self, request: print("asked:", request["name"]) or real(self, request=request)
backend().get_variable("empty")`,
			want: []string{"asked: projects/p/secrets/airflow-variables-empty/versions/latest", "Google Cloud API Call Error (NotFound): Secret ID airflow-variables-empty not found."}},
	}
}

func azureClaims(l *lab) []claimed {
	const kwargs = `{"vault_url": "https://v.vault.azure.net/"}`
	const illegal = "Secret name 'airflow-variables-a/b' is not valid. Azure Key Vault secret names must be 1-127 characters long and contain only alphanumeric characters and dashes."
	failed, failedConnection := fmt.Sprintf(variableRefused, "AzureKeyVaultBackend"), fmt.Sprintf(connectionRefused, "AzureKeyVaultBackend")
	at := func(url string) []string {
		return append(l.inKeyVault(`{"vault_url": "`+url+`"}`), "AIRFLOW_VAR_X=of the environment", "AIRFLOW_CONN_X=http://of-the-environment")
	}
	const both = `
variable("x")
connection("x")`
	next := []string{failed, "variable: 'of the environment'", "of-the-environment"}
	return []claimed{
		{rule: "azure-name-illegal", env: l.inKeyVault(kwargs), code: tells + `
print("alone:", backend().get_variable("a/b"), backend().get_conn_value("a.b"), backend().get_variable("n" * 127))`,
			want: []string{illegal, "Secret name 'airflow-connections-a.b' is not valid.", "Secret name 'airflow-variables-nnn", "alone: None None None"}, not: []string{"asked:"}},
		{rule: "azure-ids-collide", env: l.inKeyVault(kwargs, "airflow-variables-my-key", "one secret"), code: tells + `
variable("my_key"); variable("my-key"); variable("MY_KEY")
print("paths:", len({l.lower() for l in lines if "secrets/" in l}))`,
			want: []string{"variable: 'one secret'\n", "asked: GET /secrets/airflow-variables-my-key", "asked: GET /secrets/airflow-variables-MY-KEY", "paths: 1"}, not: []string{"Error"}},
		{rule: "azure-ids-collide", name: "an empty sep", env: l.inKeyVault(`{"vault_url": "https://v.vault.azure.net/", "sep": ""}`, "airflow-variablesmykey", "one secret"), code: tells + `
variable("my_key"); variable("mykey")`,
			want: []string{"variable: 'one secret'\n"}, not: []string{"Error"}},
		{rule: "azure-vault-url", name: "no address", env: at(""), code: tells + `b = backend()
print("made")` + both, want: append(next, "made", "ValueError: vault_url must be the URL of an Azure Key Vault"), not: []string{"asked:", failedConnection}},
		{rule: "azure-vault-url", name: "no address, at debug level", debug: true, env: at(""), code: both, want: []string{failedConnection}},
		{rule: "azure-vault-url", name: "no scheme", env: at("v.vault.azure.net"), code: both, want: next, not: []string{failedConnection}},
		{rule: "azure-vault-url", name: "no https", env: at("http://v.vault.azure.net/"), code: both,
			want: append(next, "Bearer token authentication is not permitted for non-TLS protected (non-https) URLs."), not: []string{failedConnection}},
		{rule: "azure-vault-url", name: "a path", env: at("https://v.vault.azure.net/secrets/x"), code: tells + both, want: append(next[1:], "secrets/x")},
	}
}

func refusalClaims(l *lab) []claimed {
	elsewhere := l.asAppRole("elsewhere", `path "secret/data/elsewhere/*" { capabilities = ["read"] }`, ``)
	l.inVault(``, "secret/data/variables/granted", `{"data": {"value": "not for this one"}}`)
	s, _ := l.google()
	s.Put("p", "airflow-variables-denied", []byte("not for this one"))
	s.Deny("p", "airflow-variables-denied")
	azure := l.inKeyVault(`{"vault_url": "https://v.vault.azure.net/"}`, "airflow-variables-denied", "not for this one", "airflow-connections-denied", "http://not-for-this-one")
	l.azure().Deny("airflow-variables-denied")
	l.azure().Deny("airflow-connections-denied")
	environment := []string{"AIRFLOW_VAR_DENIED=of the environment", "AIRFLOW_CONN_DENIED=http://of-the-environment"}
	const both = `
variable("denied")
connection("denied")`
	refused := func(class, exception string) (want, not []string) {
		return []string{fmt.Sprintf(variableRefused, class), exception, "variable: 'of the environment'", "of-the-environment"}, []string{fmt.Sprintf(connectionRefused, class)}
	}
	list := []claimed{
		{rule: "vault-policy-misses-mount", name: "once more", env: elsewhere, code: tells + `
attempt(variable, "granted")
attempt(connection, "granted")
print("times:", [l.split(" ")[1].rsplit("/", 2)[1] for l in lines])`,
			want: []string{"Forbidden", "VaultError: Vault Authentication Error!", fmt.Sprintf(variableRefused, "VaultBackend"), "'Variable granted does not exist.'", "The conn_id `granted` isn't defined",
				"times: ['approle', 'variables', 'approle', 'variables', 'connections', 'approle', 'connections']"},
			not: []string{fmt.Sprintf(connectionRefused, "VaultBackend")}},
		{rule: "vault-policy-misses-mount", name: "connection", debug: true, env: elsewhere, code: `attempt(connection, "granted")`, want: []string{fmt.Sprintf(connectionRefused, "VaultBackend")}},
		{rule: "grant-missing", name: "Google", env: append(l.inGoogle(``), environment...), code: `print("alone:", backend().get_variable("denied"))
variable("denied")`, want: []string{"error", "Did you add 'secretmanager.versions.access' permission?", "alone: None", "variable: 'of the environment'"}},
	}
	for _, c := range []struct {
		name, class, exception string
		env                    []string
	}{
		{"Parameter Store", "SystemsManagerParameterStoreBackend", "AccessDeniedException", l.refusing(ssmClass, "AccessDeniedException")},
		{"Secrets Manager", "SecretsManagerBackend", "AccessDeniedException", l.refusing(secretsManagerClass, "AccessDeniedException")},
		{"Key Vault", "AzureKeyVaultBackend", "Forbidden", azure},
		{"Vault", "VaultBackend", "VaultError", elsewhere},
	} {
		want, not := refused(c.class, c.exception)
		list = append(list, claimed{rule: "grant-missing", name: c.name, env: append(slices.Clone(c.env), environment...), code: both, want: want, not: not})
	}
	return append(list, claimed{rule: "grant-missing", name: "connection", debug: true, env: append(l.refusing(ssmClass, "AccessDeniedException"), environment...),
		code: both, want: []string{fmt.Sprintf(connectionRefused, "SystemsManagerParameterStoreBackend"), "of-the-environment"}})
}
