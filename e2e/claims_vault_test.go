package e2e

import (
	"fmt"
	"strings"
)

// What Airflow says of a store that refuses or fails, before it asks the next
// one.
const (
	variableRefused   = "Unable to retrieve variable from secrets backend (%s). Checking subsequent secrets backend."
	connectionRefused = "Unable to retrieve connection from secrets backend (%s). Checking subsequent secrets backend."
)

// asAppRole is the settings of one that may do what the policy says.
func (l *lab) asAppRole(name, policy, kwargs string) []string {
	id, secret := l.bao().AppRole(l.t, name, policy)
	return l.atVault(fmt.Sprintf(`"auth_type": "approle", "role_id": %q, "secret_id": %q, %s`, id, secret, kwargs))
}

func vaultClaims(l *lab) []claimed {
	bao := l.bao()
	bao.MustDo(l.t, "POST", "/v1/sys/mounts/kv1", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	one := l.inVault(`"mount_point": "kv1"`, "kv1/variables/x", `{"value": "of version 1"}`, "kv1/connections/x", `{"conn_uri": "http://h"}`)
	two := l.inVault(`"kv_engine_version": 1`, "secret/data/variables/x", `{"data": {"value": "of version 2"}}`, "secret/data/connections/x", `{"data": {"conn_uri": "http://h"}}`)
	refused := l.asAppRole("rightpath", `path "kv1/variables/*" { capabilities = ["read"] }`, `"mount_point": "kv1"`)
	const both = `attempt(variable, "x")
attempt(connection, "x")`
	failed := fmt.Sprintf(variableRefused, "VaultBackend")
	return append([]claimed{
		{rule: "vault-kv-version", name: "a mount of version 1", env: one, code: tells + both,
			want: []string{"asked: GET /v1/kv1/data/variables/x", noVariable, noConnection}, not: []string{"Unable to retrieve", "Secret not found"}},
		{rule: "vault-kv-version", name: "a mount of version 2", env: two, code: tells + both,
			want: []string{"asked: GET /v1/secret/variables/x", noVariable, noConnection}, not: []string{"Unable to retrieve", "Secret not found"}},
		{rule: "vault-kv-version", name: "at debug level", debug: true, env: one, code: `print("alone:", backend().get_variable("x"))`,
			want: []string{"Secret not found variables/x with mount point kv1", "alone: None"}},
		{rule: "vault-kv-version", name: "refused", env: append(refused, "AIRFLOW_VAR_X=of the environment"), code: `variable("x")`,
			want: []string{failed, "VaultError", "variable: 'of the environment'"}},
	}, append(fieldClaims(l), append(mountClaims(l), tokenClaims(l)...)...)...)
}

func fieldClaims(l *lab) []claimed {
	return []claimed{
		{rule: "vault-wrong-field", name: "variable", env: l.inVault(`"variables_path": "fields"`, "secret/data/fields/x", `{"data": {"my_key": "eu"}}`), code: `
print("alone:", backend().get_variable("x"))
attempt(variable, "x")`,
			want: []string{`Vault secret x fetched but does not have required key "value"`, "alone: None", noVariable}},
		{rule: "vault-wrong-field", name: "option", env: l.inVault(`"config_path": "fields"`, "secret/data/fields/o", `{"data": {"my_key": "eu"}}`), code: `
print("alone:", backend().get_config("o"))`,
			want: []string{`Vault config o fetched but does not have required key "value"`, "alone: None"}},
		{rule: "vault-wrong-field", name: "no field of a connection", debug: true,
			env: l.inVault(`"connections_path": "fields"`, "secret/data/fields/x", `{"data": {"my_key": "eu"}}`), code: `
import json
print("handed on:", json.loads(backend().get_conn_value("x")))
attempt(connection, "x")`,
			want: []string{"handed on: {'my_key': 'eu'}", fmt.Sprintf(connectionRefused, "VaultBackend"), noConnection}},
		{rule: "vault-wrong-field", name: "a connection without a type", env: l.inVault(`"connections_path": "fields"`, "secret/data/fields/typeless", `{"data": {"host": "h"}}`), code: `
connection("typeless")
from airflow.models.connection import Connection
attempt(Connection.get_connection_from_secrets("typeless").get_hook)`,
			want: []string{"connection: None None None h", `raised: AirflowException: Unknown hook type "None"`}},
	}
}

func mountClaims(l *lab) []claimed {
	bao := l.bao()
	bao.MustDo(l.t, "POST", "/v1/sys/namespaces/admin", map[string]any{})
	bao.MustDo(l.t, "POST", "/v1/admin/sys/mounts/airflow", map[string]any{"type": "kv", "options": map[string]string{"version": "2"}})
	bao.MustDo(l.t, "POST", "/v1/admin/airflow/data/variables/x", map[string]any{"data": map[string]string{"value": "of the namespace"}})
	bao.MustDo(l.t, "POST", "/v1/admin/sys/auth/approle", map[string]any{"type": "approle"})
	bao.MustDo(l.t, "PUT", "/v1/admin/sys/policies/acl/all", map[string]any{"policy": `path "*" { capabilities = ["read"] }`})
	bao.MustDo(l.t, "POST", "/v1/admin/auth/approle/role/airflow", map[string]any{"token_policies": "all"})
	role := bao.MustDo(l.t, "GET", "/v1/admin/auth/approle/role/airflow/role-id", nil)["data"].(map[string]any)["role_id"]
	secret := bao.MustDo(l.t, "POST", "/v1/admin/auth/approle/role/airflow/secret-id", nil)["data"].(map[string]any)["secret_id"]
	login := fmt.Sprintf(`"auth_type": "approle", "role_id": %q, "secret_id": %q, "mount_point": "airflow", `, role, secret)
	const namespace = "VAULT_NAMESPACE=admin"
	return []claimed{
		{rule: "vault-no-mount", env: l.inVault(`"mount_point": null`, "secret/data/variables/with", `{"data": {"value": "there"}}`), code: tells + `
print("alone:", backend().get_variable("with"), backend().get_conn_value("with"))
assert not lines
variable("secret/with")`,
			want: []string{"alone: None None", "asked: GET /v1/secret/data/variables/with", "variable: 'there'"}},
		{rule: "vault-namespace", name: "the log-in", env: append(l.atVault(login), namespace), code: tells + `attempt(variable, "x")`,
			want: []string{"asked: POST /v1/auth/approle/login", fmt.Sprintf(variableRefused, "VaultBackend"), "InvalidRequest", noVariable}, not: []string{"X-Vault-Namespace"}},
		{rule: "vault-namespace", name: "the mount", env: append(l.inVault(`"mount_point": "airflow"`), namespace), code: tells + `attempt(variable, "x")`,
			want: []string{"asked: GET /v1/airflow/data/variables/x", noVariable}, not: []string{"X-Vault-Namespace", "Unable to retrieve"}},
		{rule: "vault-namespace", name: "with the kwarg", env: l.atVault(login + `"namespace": "admin"`), code: tells + `variable("x")`,
			want: []string{"X-Vault-Namespace", "variable: 'of the namespace'"}},
	}
}

func tokenClaims(l *lab) []claimed {
	const mine = `"variables_path": "stray"`
	l.inVault(mine, "secret/data/stray/x", `{"data": {"value": "read"}}`)
	stray := "VAULT_TOKEN=" + l.bao().Token
	const policy = `path "secret/data/stray/*" { capabilities = ["read"] }`
	other := strings.Repeat("0", 8)
	return []claimed{
		{rule: "vault-stray-token", name: "auth_type token", env: append(l.atVault(mine), stray), code: tells + `variable("x")`,
			want: []string{"asked: GET /v1/secret/data/stray/x X-Vault-Token with VAULT_TOKEN", "variable: 'read'"}},
		{rule: "vault-stray-token", name: "another log-in", env: append(l.asAppRole("stray", policy, mine), "VAULT_TOKEN="+other), code: tells + `variable("x")`,
			want: []string{"asked: POST /v1/auth/approle/login X-Vault-Token with VAULT_TOKEN", "asked: GET /v1/secret/data/stray/x X-Vault-Token\n", "variable: 'read'"}},
		{rule: "vault-stray-token", name: "the token of the kwargs", env: append(l.inVault(mine), "VAULT_TOKEN="+other), code: tells + `variable("x")`,
			want: []string{"asked: GET /v1/secret/data/stray/x X-Vault-Token\n", "variable: 'read'"}, not: []string{"with VAULT_TOKEN"}},
	}
}
