package e2e

import "strings"

// fillVault writes the secrets that cases ask for, and returns the log-in that
// may read them.
func fillVault(l *lab) []string {
	bao := l.bao()
	for path, data := range map[string]map[string]any{
		"connections/live_misnamed": {"value": "of the store"},
		"variables/live_field":      {"password": "of the store"},
		"connections/live_field":    {"hostname": "of-the-store"},
		"connections/live_broken":   {"conn_uri": "postgres://me:pw/x@of-the-store/schema"},
		"connections/live_extra":    {"conn_type": "http", "host": "of-the-store", "extra": "[1]"},
		"variables/live_order":      {"value": "of the store"},
	} {
		bao.MustDo(l.t, "POST", "/v1/secret/data/"+path, map[string]any{"data": data})
	}
	return loggedIn(l, "claims-all", `path "secret/data/*" { capabilities = ["read"] }`, nil)
}

// fillSecretsManager writes names with a slash at their front and one that
// holds bytes, and returns the settings.
func fillSecretsManager(l *lab) []string {
	moto := l.moto()
	for _, name := range []string{"/airflow/variables/live_slash", "/airflow/connections/live_slash"} {
		moto.MustCall(l.t, "secretsmanager.CreateSecret", map[string]any{"Name": name, "SecretString": "of the store", "ClientRequestToken": strings.Repeat("1", 32)})
	}
	moto.MustCall(l.t, "secretsmanager.CreateSecret", map[string]any{"Name": "airflow/variables/live_env", "SecretBinary": "b2YgdGhlIHN0b3Jl", "ClientRequestToken": strings.Repeat("1", 32)})
	return append(configured(secretsManagerClass, ""), awsEnviron(moto)...)
}

// nameClaims are about ids that nobody has, or under another name.
func nameClaims(l *lab) []claimed {
	vault, aws := fillVault(l), fillSecretsManager(l)
	const slash = below + `attempt(variable, "live_slash"); attempt(connection, "live_slash")`
	const sdk = below + `
from airflow.sdk import Connection, Variable
attempt(Variable.get, "live_nobody")
attempt(Connection.get, "live_nobody")
`
	asked := []string{`{"SecretId": "airflow/variables/live_slash"}`, `{"SecretId": "airflow/connections/live_slash"}`,
		"raised: KeyError: 'Variable live_slash does not exist.'", "raised: AirflowNotFoundException: The conn_id `live_slash` isn't defined"}
	other := []string{`{"SecretId": "/`, "ListSecrets"}
	return []claimed{
		{rule: "live-missing", name: "on the server", env: vault, code: below + `attempt(variable, "live_nobody"); attempt(connection, "live_nobody")`,
			want: []string{"raised: KeyError: 'Variable live_nobody does not exist.'", "raised: AirflowNotFoundException: The conn_id `live_nobody` isn't defined"}},
		{rule: "live-missing", name: "in a task", env: vault, code: sdk, want: []string{"raised: AirflowRuntimeError: VARIABLE_NOT_FOUND", "raised: AirflowNotFoundException: The conn_id `live_nobody` isn't defined"}},
		{rule: "live-missing", name: "an option", env: append([]string{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=live_nobody"}, vault...),
			code: `option("database", "sql_alchemy_conn")`, want: []string{"option: 'sqlite:///"}},
		{rule: "live-misnamed", name: "a slash", env: aws, debug: true, code: slash, want: asked, not: other},
		{rule: "live-misnamed", name: "another kind", env: vault, code: below + `attempt(variable, "live_misnamed")`,
			want: []string{"raised: KeyError: 'Variable live_misnamed does not exist.'"}},
		{rule: "live-sibling-prefix", env: aws, debug: true, code: slash, want: asked, not: other},
	}
}

// contentClaims are about what a secret holds.
func contentClaims(l *lab) []claimed {
	vault, aws := fillVault(l), fillSecretsManager(l)
	return []claimed{
		{rule: "live-wrong-field", env: vault, debug: true, code: below + `attempt(variable, "live_field"); attempt(connection, "live_field")`,
			want: []string{`Vault secret live_field fetched but does not have required key "value"`, "raised: KeyError: 'Variable live_field does not exist.'",
				connectionFails, "raised: AirflowNotFoundException: The conn_id `live_field` isn't defined"}},
		{rule: "live-binary", env: aws, code: below + `attempt(variable, "live_env")`, want: []string{"variable: 'of the environment'"}, not: []string{"Unable to retrieve"}},
		{rule: "live-connection", env: vault, debug: true, code: below + `
os.environ["AIRFLOW_CONN_LIVE_BROKEN"] = "http://environment"
attempt(connection, "live_broken")`, want: []string{connectionFails, "connection: http None None environment"}},
		{rule: "live-connection", name: "extra", env: vault, debug: true, code: below + `
attempt(connection, "live_extra")
from airflow.sdk import Connection as InTask
print("task:", InTask.get("live_extra").host, InTask.get("live_extra").extra_dejson)`, want: []string{"task: of-the-store", "raised: AirflowNotFoundException: The conn_id `live_extra` isn't defined"}},
	}
}

// layerClaims are about what the layers make of each other.
func layerClaims(l *lab) []claimed {
	vault := fillVault(l)
	const order = below + `
os.environ["AIRFLOW_VAR_LIVE_ORDER"] = "of the environment"
from airflow.models import Variable
for key in "live_order", "live_env", "live_db":
    stored(Variable(key=key, val="of the database"))
for key in "live_order", "live_env", "live_db":
    variable(key)`
	down := configured(vaultClass, `{"url": "http://127.0.0.1:1", "token": "t"}`)
	return []claimed{
		{rule: "live-passed-over", env: down, debug: true, code: goesOn, want: wentOn(variableFails, connectionFails)},
		{rule: "live-hidden", env: vault, code: order, want: []string{"variable: 'of the store'\nvariable: 'of the environment'\nvariable: 'of the database'"}},
	}
}
