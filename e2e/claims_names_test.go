package e2e

import (
	"encoding/json"
	"slices"
	"strings"
)

func namesClaims(l *lab) []claimed {
	return slices.Concat(secretNameClaims(l), prefixClaims(l), idClaims(l), vaultClaims(l), awsClaims(l), googleClaims(l), azureClaims(l), refusalClaims(l))
}

// What Airflow says where nothing has been found.
const (
	noVariable   = "raised: KeyError: 'Variable x does not exist.'"
	noConnection = "raised: AirflowNotFoundException: The conn_id `x` isn't defined"
)

// tells are a case's first lines: requests are printed.
const tells = "lines = asked()\n"

// classes are lines of a case that works with several backends.
const classes = `
import importlib
ssm, secrets_manager, key_vault, vault = "` + ssmClass + `", "` + secretsManagerClass + `", "` + azureClass + `", "` + vaultClass + `"
def class_of(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
`

// inParameterStore puts parameters, names and values in turn, and is the
// settings with which Airflow reads there.
func (l *lab) inParameterStore(kwargs string, pairs ...string) []string {
	moto := l.moto()
	for pair := range slices.Chunk(pairs, 2) {
		moto.MustCall(l.t, "AmazonSSM.PutParameter", map[string]any{"Name": pair[0], "Value": pair[1], "Type": "SecureString", "Overwrite": true})
	}
	return append(configured(ssmClass, kwargs), awsEnviron(moto)...)
}

// inSecretsManager is inParameterStore for Secrets Manager.
func (l *lab) inSecretsManager(kwargs string, pairs ...string) []string {
	moto := l.moto()
	for pair := range slices.Chunk(pairs, 2) {
		moto.MustCall(l.t, "secretsmanager.CreateSecret",
			map[string]any{"Name": pair[0], "SecretString": pair[1], "ClientRequestToken": strings.Repeat("0", 32)})
	}
	return append(configured(secretsManagerClass, kwargs), awsEnviron(moto)...)
}

// inVault puts secrets into OpenBao, paths of its API and JSON in turn, and is
// the settings with which Airflow reads there with a token that may do all;
// kwargs are the others, as members of an object.
func (l *lab) inVault(kwargs string, pairs ...string) []string {
	bao := l.bao()
	for pair := range slices.Chunk(pairs, 2) {
		bao.MustDo(l.t, "POST", "/v1/"+pair[0], json.RawMessage(pair[1]))
	}
	return l.atVault(`"token": "` + bao.Token + `", ` + kwargs)
}

// atVault is the settings of Vault's class, with the kwargs besides the url.
func (l *lab) atVault(kwargs string) []string {
	return configured(vaultClass, `{"url": "`+l.bao().Addr+`", `+strings.TrimRight(kwargs, ", ")+`}`)
}

func secretNameClaims(l *lab) []claimed {
	const kwargs = `{"variables_prefix": "/outside/variables", "connections_prefix": "/outside/connections"}`
	outside := l.inParameterStore(kwargs, "/outside/variable/x", "eu", "/outside-connections/x", "http://elsewhere")
	const other = `{"variables_prefix": "/other/variables", "connections_prefix": "/other/connections"}`
	kinds := l.inParameterStore(other, "/other/variables/a", "http://as-a-variable", "/other/connections/x", "http://as-a-connection")
	return []claimed{
		{rule: "secret-outside-prefix", name: "nothing is found", env: outside, code: tells + `
print("alone:", backend().get_variable("x"))
attempt(variable, "x")
attempt(connection, "x")`,
			want: []string{`asked: {"Name": "/outside/variables/x"`, `asked: {"Name": "/outside/connections/x"`, "alone: None", noVariable, noConnection},
			not:  []string{"/outside/variable/x", "/outside-connections", "not found", "Unable to retrieve"}},
		{rule: "secret-outside-prefix", name: "what is said of it", debug: true, env: outside, code: `backend().get_variable("x")`,
			want: []string{"Parameter /outside/variables/x not found."}},
		{rule: "secret-outside-prefix", name: "the other layers", env: append(outside, "AIRFLOW_VAR_X=of the environment"), code: `
from airflow.models import Variable
Variable.set("kept_in_database", "of the database")
variable("x")
variable("kept_in_database")`,
			want: []string{"variable: 'of the environment'", "variable: 'of the database'"}},
		{rule: "secret-outside-prefix", name: "in a task", env: outside, code: `
from airflow.sdk import Variable
from airflow.sdk.bases.hook import BaseHook
attempt(Variable.get, "x")
attempt(BaseHook.get_connection, "x")`,
			want: []string{"raised: AirflowRuntimeError: VARIABLE_NOT_FOUND", noConnection}},
		{rule: "secret-of-other-kind", env: kinds, code: tells + `
attempt(variable, "x")
attempt(connection, "a")`,
			want: []string{`asked: {"Name": "/other/variables/x"`, noVariable, `asked: {"Name": "/other/connections/a"`, "raised: AirflowNotFoundException: The conn_id `a` isn't defined"}},
		{rule: "path-in-text", env: l.inParameterStore(`{"variables_prefix": "/airflow/variables"}`, "/airflow/prod/variables/as_written", "eu"), code: tells + `
attempt(variable, "as_written")`,
			want: []string{`asked: {"Name": "/airflow/variables/as_written"`, "raised: KeyError: 'Variable as_written does not exist.'"}},
	}
}

func prefixClaims(l *lab) []claimed {
	const (
		databaseSecret = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=conn"
		sentrySecret   = "AIRFLOW__SENTRY__SENTRY_DSN_SECRET=dsn"
		database       = `option("database", "sql_alchemy_conn")`
	)
	shared := l.inParameterStore(`{"variables_prefix": "/shared", "connections_prefix": "/shared"}`, "/shared/x", "postgres://login:CANARY-5a@db:5432/s")
	off := `{"variables_prefix": null, "connections_prefix": null, "config_prefix": null}`
	silence := []string{"asked:"}
	return []claimed{
		{rule: "kinds-share-names", env: shared, code: tells + `
from airflow.sdk import Variable
from airflow.sdk.bases.hook import BaseHook
text = Variable.get("x")
c = BaseHook.get_connection("x")
print("password in the variable:", c.password in text, "the same:", c.password.startswith("CANARY") and c.host == "db")`,
			want: []string{`asked: {"Name": "/shared/x"`, "password in the variable: True the same: True"}, not: []string{"/shared/x/", "/variables"}},
		{rule: "empty-prefix", name: "a word for nothing", env: l.inParameterStore(`{"variables_prefix": "None", "connections_prefix": "/"}`, "/meant", "eu"),
			code: tells + `attempt(variable, "meant")
attempt(connection, "x")`,
			want: []string{`asked: {"Name": "/None/meant"`, `asked: {"Name": "/x"`, "raised: KeyError: 'Variable meant does not exist.'"}, not: []string{"ERROR", "WARNING"}},
		{rule: "empty-prefix", name: "slashes alone", env: l.inSecretsManager(`{"variables_prefix": "/"}`, "/meant-too", "eu"), code: tells + `attempt(variable, "meant-too")`,
			want: []string{`asked: {"SecretId": "meant-too"}`, "raised: KeyError: 'Variable meant-too does not exist.'"}, not: []string{"ERROR", "WARNING"}},
		{rule: "empty-prefix", name: "Google's separator", debug: true, env: l.inGoogle(`"variables_prefix": ""`, "meant", "eu"), code: `attempt(variable, "meant")`,
			want: []string{"Secret ID -meant not found", "raised: KeyError: 'Variable meant does not exist.'"}},
		{rule: "kind-switched-off", env: []string{"VAULT_TOKEN=none"}, code: tells + classes + `
for name, ends in ((ssm, "prefix"), (secrets_manager, "prefix"), (key_vault, "prefix"), (vault, "path")):
    b = class_of(name)(**{f"{kind}_{ends}": None for kind in ("connections", "variables", "config")})
    print(type(b).__name__, b.get_variable("x"), b.get_conn_value("x"), b.get_config("x"))`,
			want: []string{
				"SystemsManagerParameterStoreBackend None None None", "SecretsManagerBackend None None None",
				"AzureKeyVaultBackend None None None", "VaultBackend None None None",
			}, not: silence},
		{rule: "kind-switched-off", name: "Google", env: l.inGoogle(`"variables_prefix": null, "connections_prefix": null, "config_prefix": null`), debug: true, code: `
b = backend()
print("answers:", b.get_variable("x"), b.get_conn_value("x"), b.get_config("x"))`,
			want: []string{"answers: None None None"}, not: []string{"Google Cloud API Call", "not found"}},
		{rule: "kind-switched-off", name: "an option", env: append(l.inParameterStore(off), databaseSecret, sentrySecret), code: tells + database + `
option("sentry", "sentry_dsn")`,
			want: []string{"option: 'sqlite:////", "option: ''"}, not: silence},
	}
}

func idClaims(l *lab) []claimed {
	const multi = "AIRFLOW__CORE__MULTI_TEAM=True"
	l.bao().MustDo(l.t, "POST", "/v1/secret/data/collide/a/b", map[string]any{"data": map[string]string{"value": "one secret"}})
	return []claimed{
		{rule: "double-dash-id", env: []string{multi}, code: tells + classes + `
for name, id in ((ssm, "a--b"), (secrets_manager, "a--b"), (key_vault, "a__b")):
    b = class_of(name)()
    print(type(b).__name__, b.get_variable(id), b.get_conn_value(id))`,
			want: []string{
				"SystemsManagerParameterStoreBackend None None", "SecretsManagerBackend None None", "AzureKeyVaultBackend None None",
				"Such an id is ambiguous and is not looked up. Returning None. [airflow.providers.amazon.aws.secrets.systems_manager",
				"Such an id is ambiguous and is not looked up. Returning None. [airflow.providers.amazon.aws.secrets.secrets_manager",
				"Such an id is ambiguous and is not looked up. Returning None. [airflow.providers.microsoft.azure",
			}, not: []string{"asked:"}},
		{rule: "double-dash-id", name: "Google", env: append(l.inGoogle(``, "airflow-variables-a--b", "there", "airflow-connections-a--b", "http://there"), multi), code: `
b = backend()
print("answers:", b.get_variable("a--b"), b.get_conn_value("a--b"))`,
			want: []string{"Variable id 'a--b' contains '--'", "Such an id is ambiguous and is not looked up. Returning None.", "answers: None None"}},
		{rule: "ids-collide", name: "environment", env: []string{"AIRFLOW_VAR_STAGE=one variable", "AIRFLOW_CONN_STAGE=http://one-host"}, code: `
variable("stage"); variable("Stage"); connection("stage"); connection("Stage")
from airflow.models import Variable
from airflow.models.connection import Connection
print("same:", Variable.get("stage") == Variable.get("Stage"), Connection.get_connection_from_secrets("stage").host == Connection.get_connection_from_secrets("Stage").host)`,
			want: []string{"variable: 'one variable'", "one-host", "same: True True"}},
		{rule: "ids-collide", name: "Vault", env: l.inVault(`"variables_path": "collide"`), code: `
from airflow.models import Variable
variable("a/b")
print("same:", Variable.get("a/b") == Variable.get("a//b"))`,
			want: []string{"variable: 'one secret'", "same: True"}},
	}
}
