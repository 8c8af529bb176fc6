package e2e

import (
	"fmt"
	"strings"
	"testing"

	compose "github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const (
	// notJSON is what Airflow logs of kwargs that it cannot read.
	notJSON = "Failed to parse [secrets] backend_kwargs as JSON, defaulting to no kwargs."
	// notLoaded is what ends Airflow where a class is not there.
	notLoaded = `AirflowConfigException: The object could not be loaded. Please check "backend" key in "secrets" section.`
	// needsToken is what ends Airflow where VaultBackend has no kwargs.
	needsToken = "VaultError: The 'token' authentication type requires 'token' or 'token_path'"
	started    = "Airflow started"
)

// defaults is what is said where kwargs are not JSON.
var defaults = []string{notJSON, "prefix: /airflow/variables\n"}

const showPrefix = `print("prefix:", backend().variables_prefix)`

// against is code that has VaultBackend look two variables up with the given
// kwargs, at a server that says what it is asked and answers that nothing is
// there.
func against(kwargs string) string {
	return fmt.Sprintf(`
b = construct(%q, %q.replace("URL", listen()))
attempt(b.get_variable, "one")
attempt(b.get_variable, "two")`, vaultClass, kwargs)
}

// parameter is code that has Parameter Store's backend look a variable up.
func parameter(kwargs string) string {
	return fmt.Sprintf(`
b = construct(%q, %q.replace("URL", listen(400, '{"__type": "ParameterNotFound"}')))
attempt(b.get_variable, "one")`, ssmClass, kwargs)
}

// ofMachine is the credentials that boto3 finds.
var ofMachine = []string{"AWS_ACCESS_KEY_ID=OFMACHINE", "AWS_SECRET_ACCESS_KEY=x", "AWS_DEFAULT_REGION=eu-central-1"}

func textClaims(l *lab) []claimed {
	var all []claimed
	for _, part := range [][]claimed{quoteClaims(), jsonClaims(), shellClaims(), lineClaims(l.t), variableClaims(l.t), classClaims(), kwargClaims(l), refusedClaims(), ignoredClaims(), contradictionClaims(), halfClaims(l)} {
		all = append(all, part...)
	}
	return all
}

func quoteClaims() []claimed {
	return []claimed{
		{rule: "quoted-value", name: "class", env: configured(`"`+ssmClass+`"`, ""), code: "starts()", want: []string{notLoaded}, not: []string{started}},
		{rule: "quoted-value", name: "kwargs", env: configured(ssmClass, `'{"variables_prefix": "/mine"}'`), code: showPrefix, want: defaults},
		{rule: "quoted-value", name: "of a worker", env: []string{"AIRFLOW__WORKERS__SECRETS_BACKEND=" + ssmClass, `AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS='{"variables_prefix": "/mine"}'`},
			code: `print("prefix:", backend(True).variables_prefix)`,
			want: []string{"Failed to parse [workers] secrets_backend_kwargs as JSON, defaulting to no kwargs.", "prefix: /airflow/variables\n"}},
		{rule: "quoted-value", name: "another value", env: []string{`AIRFLOW__SECRETS__BACKEND_KWARG__TOKEN="CANARY-0"`, `AIRFLOW_VAR_X="y"`},
			code: against(`{"url": "URL"}`) + "\nvariable('x')", want: []string{`X-Vault-Token: "CANARY-0"`, `variable: '"y"'`}},
		{rule: "surrounding-whitespace", name: "class", env: configured(ssmClass+" ", ""), code: "starts()", want: []string{notLoaded}, not: []string{started}},
		{rule: "surrounding-whitespace", name: "line break", env: configured("\n"+ssmClass, ""), code: "starts()", want: []string{notLoaded}, not: []string{started}},
		{rule: "surrounding-whitespace", name: "credential", code: against(`{"url": "URL", "auth_type": "approle", "role_id": "r", "secret_id": "CANARY-0\n"}`),
			want: []string{`"secret_id": "CANARY-0\n"`}},
		{rule: "surrounding-whitespace", name: "header", code: against(`{"url": "URL", "token": "CANARY-0\n"}`) + against(`{"url": "URL", "token": " CANARY-0"}`),
			want: []string{"raised: InvalidHeader"}, not: []string{"asked:", "answer:"}},
	}
}

func jsonClaims() []claimed {
	const keyfile = `{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\nCANARY-0\n-----END PRIVATE KEY-----\n"}`
	const withAccount = `
import google.auth
from google.auth.credentials import AnonymousCredentials
google.auth.default = lambda **kwargs: (AnonymousCredentials(), "of-the-machine")
`
	return []claimed{
		{rule: "kwargs-not-json", env: configured(ssmClass, `{"variables_prefix": "/mine"`), code: showPrefix, want: defaults},
		{rule: "kwargs-not-json", name: "of a worker", env: append(configured(ssmClass, `{"variables_prefix": "/mine"}`), "AIRFLOW__WORKERS__SECRETS_BACKEND="+ssmClass, "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS={"),
			code: `print("prefix:", backend(True).variables_prefix)`,
			want: []string{"Failed to parse [workers] secrets_backend_kwargs as JSON, defaulting to no kwargs.", "prefix: /airflow/variables\n"}},
		{rule: "kwargs-not-json", name: "vault", env: configured(vaultClass, `{"token": "CANARY-0"`), code: "starts()", want: []string{notJSON, needsToken}, not: []string{started}},
		{rule: "kwargs-not-json", name: "defaults", code: fmt.Sprintf("for name in %q, %q:\n    b = construct(name, '{')\n    print('defaults:', b.connections_prefix, b.variables_prefix)", ssmClass, secretsManagerClass),
			want: []string{notJSON, "defaults: /airflow/connections /airflow/variables\n", "defaults: airflow/connections airflow/variables\n"}},
		{rule: "kwargs-python-literal", env: configured(ssmClass, `{"variables_prefix": "/mine", "config_prefix": None}`), code: showPrefix, want: defaults},
		{rule: "kwargs-python-literal", name: "others", code: fmt.Sprintf(`
for text in ['{"variables_prefix": "/mine", "use_ssl": True}', '{"variables_prefix": "/mine", "use_ssl": False}', "{'variables_prefix': '/mine'}", '{"variables_prefix": "/mine",}']:
    print("prefix:", construct(%q, text).variables_prefix)`, ssmClass), want: defaults, not: []string{"/mine\n"}},
		{rule: "kwargs-not-object", code: fmt.Sprintf(`
for text in ['["variables_prefix"]', '5', '"variables_prefix"', 'true']:
    print("prefix:", construct(%q, text).variables_prefix)`, ssmClass),
			want: []string{"Failed to parse [secrets] backend_kwargs into a dict, defaulting to no kwargs.", strings.Repeat("prefix: /airflow/variables\n", 1)}, not: []string{"as JSON", "Error"}},
		{rule: "kwargs-not-object", name: "of a worker", env: []string{"AIRFLOW__WORKERS__SECRETS_BACKEND=" + ssmClass, "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS=[1]"},
			code: `print("prefix:", backend(True).variables_prefix)`, want: []string{"Failed to parse [workers] secrets_backend_kwargs into a dict, defaulting to no kwargs.", "prefix: /airflow/variables\n"}},
		{rule: "kwargs-missing", name: "vault", env: []string{"AIRFLOW__SECRETS__BACKEND=" + vaultClass}, code: "starts()", want: []string{needsToken}, not: []string{started}},
		{rule: "kwargs-missing", name: "VAULT_TOKEN", env: []string{"VAULT_TOKEN=CANARY-0"}, code: fmt.Sprintf("import os\nos.environ['VAULT_ADDR'] = listen()\nb = construct(%q, '')\nfor get in b.get_variable, b.get_conn_value, b.get_config: attempt(get, 'x')", vaultClass),
			want: []string{"/v1/secret/data/variables/x ", "/v1/secret/data/connections/x ", "/v1/secret/data/config/x ", "X-Vault-Token: CANARY-0"}},
		{rule: "kwargs-missing", name: "local file", env: []string{"AIRFLOW__SECRETS__BACKEND=" + localClass},
			code: "b = backend()\nfor get in b.get_variable, b.get_connection, b.get_config: attempt(get, 'x')\nstarts()", want: []string{strings.Repeat("answer: None\n", 3), started}},
		{rule: "keyfile-in-json", name: "between quotes", env: configured(googleClass, `{"variables_prefix": "mine", "gcp_keyfile_dict": "`+keyfile+`"}`), code: "starts()",
			want: []string{notJSON, "AttributeError: 'CloudSecretManagerBackend' object has no attribute 'project_id'"}, not: []string{started}},
		{rule: "keyfile-in-json", name: "over several lines", env: configured(googleClass, `{"variables_prefix": "mine", "gcp_keyfile_dict": `+strings.ReplaceAll(keyfile, `\n`, "\n")+`}`), code: withAccount + showPrefix,
			want: []string{notJSON, "prefix: airflow-variables\n"}},
		{rule: "keyfile-in-json", name: "as a text", env: configured(googleClass, `{"gcp_keyfile_dict": `+fmt.Sprintf("%q", keyfile)+`}`), code: "starts()",
			want: []string{"TypeError: string indices must be integers, not 'str'"}, not: []string{started}},
	}
}

func shellClaims() []claimed {
	return []claimed{
		{rule: "shell-unquoted-json", env: configured(ssmClass, `{variables_prefix: /mine}`), code: showPrefix, want: defaults},
		{rule: "shell-unquoted-json", name: "cut at a blank", env: configured(ssmClass, `{variables_prefix:`), code: showPrefix, want: defaults},
		{rule: "shell-variable-in-quotes", name: "filled in", env: append(configured(ssmClass, `{"variables_prefix": $MY_PREFIX}`), "MY_PREFIX=/mine"), code: showPrefix, want: defaults},
		{rule: "shell-variable-in-quotes", name: "not set", env: configured(ssmClass, `{"variables_prefix": $MY_PREFIX}`), code: showPrefix, want: defaults},
		{rule: "shell-variable-in-quotes", name: "within double quotes", env: configured(ssmClass, `{"variables_prefix": "$MY_PREFIX"}`),
			code: showPrefix + "\nimport os\nos.environ['MY_PREFIX'] = '/mine'\nprint('then:', construct(os.environ['AIRFLOW__SECRETS__BACKEND'], os.environ['AIRFLOW__SECRETS__BACKEND_KWARGS']).variables_prefix)",
			want: []string{"prefix: $MY_PREFIX\n", "then: /mine\n"}, not: []string{notJSON}},
	}
}

func lineClaims(t *testing.T) []claimed {
	t.Helper()
	for line, refused := range map[string]bool{"A=b # mine": true, "A='{}' # mine": true, "A b # mine": false} {
		_, err := parser.Parse(strings.NewReader("FROM x\nENV " + line + "\n"))
		claim(t, refused == (err != nil), "docker build makes %v of ENV %s", err, line)
	}
	return []claimed{
		{rule: "placeholder", name: "no JSON", env: configured(ssmClass, `{"variables_prefix": <your-prefix>}`), code: showPrefix, want: defaults},
		{rule: "placeholder", name: "name and credential", code: against(`{"url": "URL", "token": "<your-token>", "variables_path": "<your-path>"}`),
			want: []string{"X-Vault-Token: <your-token>", "GET /v1/secret/data/%3Cyour-path%3E/one"}},
		{rule: "placeholder", name: "address", code: against(`{"url": "https://<your-vault>", "token": "x"}`), want: []string{"raised: ", "your-vault"}},
		{rule: "comment-on-env-line", name: "class", env: configured(ssmClass+" # of the guide", ""), code: "starts()", want: []string{notLoaded}, not: []string{started}},
		{rule: "comment-on-env-line", name: "kwargs", env: configured(ssmClass, `{"variables_prefix": "/mine"} # of the guide`), code: showPrefix, want: defaults},
	}
}

func variableClaims(t *testing.T) []claimed {
	t.Helper()
	const folder = "AIRFLOW__CORE__DAGS_FOLDER"
	both := folder + "=/one\n" + folder + "=/two\n"
	counts, err := compose.Parse(strings.NewReader(both))
	if err != nil {
		t.Fatal(err)
	}
	return []claimed{
		{rule: "misspelt-variable", name: "option", env: []string{"AIRFLOW__CORE_DAGS_FOLDER=/mine", "AIRFLOW_CORE__DAGS_FOLDER=/mine", "airflow__core__dags_folder=/mine", "AIRFLOW__CORE__DAG_FOLDER=/mine"},
			code: "starts()\noption('core', 'dags_folder')", want: []string{started, "/dags'"}, not: []string{"mine", "CORE", "core__", "DAG_FOLDER", "WARN"}},
		{rule: "misspelt-variable", name: "entries", env: []string{"AIRFLOW_VARS_X=mine", "AIRFLOW_VARIABLE_X=mine", "airflow_var_x=mine", "AIRFLOW_CONNECTION_X=http://mine"},
			code: "attempt(variable, 'x')\nattempt(connection, 'x')", want: []string{"raised: KeyError", "raised: AirflowNotFoundException"}, not: []string{"mine", "VARS_X", "VARIABLE_X", "var_x", "CONNECTION_X"}},
		{rule: "duplicate-variable", env: []string{folder + "=" + counts[folder]}, code: "option('core', 'dags_folder')", want: []string{"option: '/two'"}, not: []string{"/one"}},
		{rule: "hidden-setting", env: []string{folder + "=/of-environment", "AIRFLOW_CONFIG=airflow-claims.cfg"}, code: `
import os, pathlib, tempfile
os.environ["AIRFLOW_CONFIG"] = os.path.join(tempfile.mkdtemp(), "airflow.cfg")
pathlib.Path(os.environ["AIRFLOW_CONFIG"]).write_text("[core]\ndags_folder = /lower\nplugins_folder = /of-file\n")
option("core", "dags_folder")
option("core", "plugins_folder")`, want: []string{"option: '/of-environment'", "option: '/of-file'"}, not: []string{"/lower", "WARN"}},
	}
}
