package e2e

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/internal/gcpfake"
)

// What Airflow logs of a read that fails.
const (
	variableFails   = "[error    ] Unable to retrieve variable from secrets backend (VaultBackend). Checking subsequent secrets backend."
	connectionFails = "[debug    ] Unable to retrieve connection from secrets backend (VaultBackend). Checking subsequent secrets backend."
	debugNotFound   = "Secret not found "
)

// below is what the layers under the backend hold: a variable and a connection
// in the environment, and what a case stores in the database.
const below = `
import os
os.environ["AIRFLOW_VAR_LIVE_ENV"], os.environ["AIRFLOW_CONN_LIVE_ENV"] = "of the environment", "http://environment"

def stored(row):
    from airflow.utils.session import create_session
    from sqlalchemy.exc import IntegrityError
    try:
        with create_session() as s:
            s.add(row)
    except IntegrityError:  # another case has stored it
        pass
`

// goesOn looks up what the environment has, and what only the database has.
const goesOn = below + `
from airflow.models.connection import Connection
stored(Connection(conn_id="live_db", conn_type="http", host="database"))
variable("live_env")
connection("live_db")
`

// wentOn is what is printed where Airflow goes on to the layers below.
func wentOn(more ...string) []string {
	return append([]string{"variable: 'of the environment'", "connection: http None None database"}, more...)
}

// vaultKwargs are kwargs as JSON, with the given members over those of a log-in
// by token.
func vaultKwargs(t *testing.T, over map[string]any) string {
	t.Helper()
	kwargs := map[string]any{"mount_point": "secret", "auth_type": "token"}
	for k, v := range over {
		kwargs[k] = v
	}
	text, err := json.Marshal(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func liveClaims(l *lab) []claimed {
	return slices.Concat(serviceClaims(l), grantClaims(l), pathClaims(l), nameClaims(l), contentClaims(l), layerClaims(l))
}

// serviceClaims are about a store that cannot be asked.
func serviceClaims(l *lab) []claimed {
	bao := l.bao()
	vault := func(over map[string]any) []string { return configured(vaultClass, vaultKwargs(l.t, over)) }
	foreign := httptest.NewUnstartedServer(http.NotFoundHandler())
	foreign.Config.ErrorLog = log.New(io.Discard, "", 0)
	foreign.StartTLS()
	l.t.Cleanup(foreign.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	noMethod := map[string]any{"url": bao.Addr, "auth_type": "approle", "auth_mount_point": "nowhere", "role_id": "r", "secret_id": "s"}
	wrongID := map[string]any{"url": bao.Addr, "auth_type": "approle", "role_id": "r", "secret_id": "s"}
	return []claimed{
		{rule: "live-backend", name: "not loaded", env: configured("nonsense.Backend", ""), code: `option("core", "dags_folder")`, want: []string{notLoaded}, not: []string{"option:"}},
		{rule: "live-backend", name: "not constructed", env: vault(map[string]any{"auth_type": "nonsense"}), code: `option("core", "dags_folder")`,
			want: []string{"VaultError: The auth_type is not supported"}, not: []string{"option:"}},
		{rule: "live-backend", name: "fails later", env: configured(ssmClass, `{"profile_name": "nonsense"}`), debug: true, code: goesOn,
			want: wentOn("ProfileNotFound", "[error    ] Unable to retrieve variable from secrets backend (SystemsManagerParameterStoreBackend)", "[debug    ] Unable to retrieve connection from secrets backend (SystemsManagerParameterStoreBackend)")},
		{rule: "live-unreachable", env: vault(map[string]any{"url": closed.URL, "token": "t"}), debug: true, code: goesOn, want: wentOn(variableFails, connectionFails, "Connection refused")},
		{rule: "live-tls", env: vault(map[string]any{"url": foreign.URL, "token": "t"}), debug: true, code: goesOn, want: wentOn(variableFails, connectionFails, "CERTIFICATE_VERIFY_FAILED")},
		{rule: "live-login", name: "a wrong token", env: vault(map[string]any{"url": bao.Addr, "token": "wrong"}), debug: true, code: goesOn,
			want: wentOn(variableFails, connectionFails, "Vault Authentication Error!")},
		{rule: "live-login", name: "a wrong secret id", env: vault(wrongID), debug: true, code: goesOn, want: wentOn(variableFails, connectionFails, "invalid role or secret ID")},
		{rule: "live-login", name: "no such method", env: vault(noMethod), debug: true, code: goesOn, want: wentOn(variableFails)},
	}
}

// loggedIn is a log-in of OpenBao with a policy.
func loggedIn(l *lab, name, policy string, over map[string]any) []string {
	bao := l.bao()
	role, id := bao.AppRole(l.t, name, policy)
	kwargs := map[string]any{"url": bao.Addr, "auth_type": "approle", "role_id": role, "secret_id": id}
	for k, v := range over {
		kwargs[k] = v
	}
	return configured(vaultClass, vaultKwargs(l.t, kwargs))
}

// googleEnv leads the backend of Google to the fake.
func googleEnv(l *lab) []string {
	s, at := l.google()
	s.Put("p", "airflow-variables-live_env", []byte("of the store"))
	s.Deny("p", "airflow-variables-live_env")
	keyfile, _ := gcpfake.Account(l.t, "p", "https://localhost:1/token")
	keyfile["universe_domain"] = at.Universe
	text, err := json.Marshal(map[string]any{"gcp_keyfile_dict": keyfile})
	if err != nil {
		l.t.Fatal(err)
	}
	return append(configured(googleClass, string(text)), "GOOGLE_CLOUD_UNIVERSE_DOMAIN="+at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH="+at.CAFile)
}

// azureEnv leads the backend of Azure to the fake.
func azureEnv(l *lab) []string {
	s := l.azure()
	s.Set("airflow-variables-live-env", "of the store")
	s.Disable("airflow-variables-live-env")
	return append(configured(azureClass, `{"vault_url": "https://v.vault.azure.net/"}`), azureEnviron(s)...)
}

// grantClaims are about what the caller may not read, and what has no version.
func grantClaims(l *lab) []claimed {
	bao := l.bao()
	bao.MustDo(l.t, "POST", "/v1/secret/data/variables/live_env", map[string]any{"data": map[string]any{"value": "of the store"}})
	bao.MustDo(l.t, "DELETE", "/v1/secret/data/variables/live_env", nil)
	reads := `path "secret/data/variables/*" { capabilities = ["read"] }`
	env := below + `attempt(variable, "live_env")`
	return []claimed{
		{rule: "live-permission", name: "Vault", env: loggedIn(l, "claims-nothing", `path "secret/data/other/*" { capabilities = ["read"] }`, nil), debug: true, code: goesOn,
			want: wentOn(variableFails, connectionFails, "hvac.exceptions.Forbidden")},
		{rule: "live-permission", name: "Google", env: googleEnv(l), code: env, want: []string{"(PermissionDenied)", "variable: 'of the environment'"}},
		{rule: "live-no-version", name: "Vault", env: loggedIn(l, "claims-deleted", reads, nil), code: env,
			want: []string{"variable: 'of the environment'"}, not: []string{variableFails}},
		{rule: "live-no-version", name: "Azure", env: azureEnv(l), code: env,
			want: []string{"variable: 'of the environment'", "Unable to retrieve variable from secrets backend (AzureKeyVaultBackend)"}},
	}
}

// pathClaims are about a mount that is not there, or of the other version.
func pathClaims(l *lab) []claimed {
	bao := l.bao()
	bao.MustDo(l.t, "POST", "/v1/sys/mounts/live1", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	bao.MustDo(l.t, "POST", "/v1/live1/variables/live_env", map[string]any{"value": "of the store"})
	everywhere := `path "*" { capabilities = ["read"] }`
	exactly := `path "live1/variables/*" { capabilities = ["read"] }`
	at := func(name, policy string, over map[string]any) []string {
		return loggedIn(l, "claims-"+name, policy, over)
	}
	return []claimed{
		{rule: "live-mount", name: "404", env: at("nomount", everywhere, map[string]any{"mount_point": "nowhere"}), debug: true, code: goesOn,
			want: wentOn(debugNotFound), not: []string{variableFails, connectionFails}},
		{rule: "live-mount", name: "403", env: at("nomount-narrow", exactly, map[string]any{"mount_point": "nowhere"}), debug: true, code: goesOn, want: wentOn(variableFails, connectionFails)},
		{rule: "live-kv-version", name: "404", env: at("version", everywhere, map[string]any{"mount_point": "live1"}), debug: true, code: goesOn,
			want: wentOn(debugNotFound), not: []string{variableFails, connectionFails}},
		{rule: "live-kv-version", name: "403", env: at("version-narrow", exactly, map[string]any{"mount_point": "live1"}), debug: true, code: goesOn, want: wentOn(variableFails, connectionFails)},
	}
}
