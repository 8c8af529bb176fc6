package vault_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/facade/vault"
	"github.com/airlock-secrets/airlock/store"
)

// bao runs the real command line against the facade.
type bao struct {
	t    *testing.T
	r    *rig
	home string
}

func (b *bao) run(args ...string) (string, error) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), baotest.Tool(b.t, "bao"), args...)
	cmd.Env = []string{"BAO_ADDR=" + b.r.url, "VAULT_ADDR=" + b.r.url, "BAO_TOKEN=" + b.r.token, "VAULT_TOKEN=" + b.r.token,
		"HOME=" + b.home, "PATH=" + os.Getenv("PATH")}
	if args[0] == "login" {
		cmd.Env = cmd.Env[:2]
		cmd.Env = append(cmd.Env, "HOME="+b.home)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (b *bao) must(want string, args ...string) {
	b.t.Helper()
	out, err := b.run(args...)
	if err != nil || !strings.Contains(out, want) {
		b.t.Errorf("bao %s: %v, want %q in\n%s", strings.Join(args, " "), err, want, out)
	}
}

func (b *bao) fails(want string, args ...string) {
	b.t.Helper()
	out, err := b.run(args...)
	if err == nil || !strings.Contains(out, want) {
		b.t.Errorf("bao %s: %v, want a failure with %q in\n%s", strings.Join(args, " "), err, want, out)
	}
}

func TestTheBaoCommandLine(t *testing.T) {
	r := newRig(t, nil)
	b := &bao{t, r, t.TempDir()}
	b.must("Sealed", "status")
	b.must("admin", "token", "lookup")
	b.must("read", "token", "capabilities", "secret/data/x")
	b.must("secret/", "secrets", "list")
	b.must("secret/data/variables/key", "kv", "put", "secret/variables/key", "value=one")
	b.must("one", "kv", "get", "-field=value", "secret/variables/key")
	b.must("one", "kv", "get", "-mount=secret", "variables/key")
	b.must("version", "kv", "put", "-cas=1", "secret/variables/key", "value=two")
	b.fails("check-and-set", "kv", "put", "-cas=1", "secret/variables/key", "value=three")
	b.must("one", "kv", "get", "-version=1", "-field=value", "secret/variables/key")
	b.must("version", "kv", "patch", "secret/variables/key", "note=hello")
	b.must("hello", "kv", "get", "-field=note", "secret/variables/key")
	b.must("version", "kv", "patch", "-method=rw", "secret/variables/key", "note=again")
	b.must("variables/", "kv", "list", "secret/")
	b.must("key", "kv", "list", "secret/variables")
	b.must("Success", "kv", "delete", "secret/variables/key")
	b.must("deletion_time      2", "kv", "get", "secret/variables/key")
	b.must("Success", "kv", "undelete", "-versions=4", "secret/variables/key")
	b.must("again", "kv", "get", "secret/variables/key")
	b.must("version", "kv", "rollback", "-version=1", "secret/variables/key")
	b.must("one", "kv", "get", "-field=value", "secret/variables/key")
	b.must("Success", "kv", "destroy", "-versions=2", "secret/variables/key")
	b.fails("No value found", "kv", "get", "-version=99", "secret/variables/key")
	b.must("Success", "kv", "metadata", "put", "-custom-metadata=owner=me", "-max-versions=5", "secret/variables/key")
	b.must("owner", "kv", "metadata", "get", "secret/variables/key")
	b.must("Success", "kv", "metadata", "patch", "-custom-metadata=more=yes", "secret/variables/key")
	b.must("more", "kv", "metadata", "get", "secret/variables/key")
	b.must("Success", "kv", "metadata", "delete", "secret/variables/key")
	b.fails("No value found", "kv", "get", "secret/variables/key")

	b.must("Success", "kv", "put", "kv/connections/db", "conn_uri=mysql://h")
	b.must("mysql://h", "kv", "get", "kv/connections/db")
	b.must("mysql://h", "kv", "get", "-field=conn_uri", "secret/connections/db")
	b.must("Success", "kv", "delete", "kv/connections/db")
	b.fails("No value found", "kv", "get", "kv/connections/db")

	b.must("token_accessor", "login", r.token)
	b.fails("permission denied", "login", "not-a-token")
	b.must("token_duration", "write", "auth/approle/login", "role_id="+r.creds.RoleID, "secret_id="+r.creds.SecretID)
	b.fails("invalid role or secret ID", "write", "auth/approle/login", "role_id="+r.creds.RoleID, "secret_id=no")
	_, lease, err := r.clients.Login(t.Context(), r.creds.RoleID, r.creds.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	r.token = lease
	b.must("approle", "token", "lookup")
	b.must("token_duration", "token", "renew")
	b.must("Success", "token", "revoke", "-self")
	b.fails("permission denied", "token", "lookup")
}

// python runs a script with hvac and Airflow at hand and returns what it
// printed as JSON on its last line.
func python(t *testing.T, script string, env ...string) map[string]any {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), baotest.Tool(t, "python"), "-c", script)
	cmd.Env = append(env, "HOME="+t.TempDir(), "PATH="+os.Getenv("PATH"), "AIRFLOW__CORE__UNIT_TEST_MODE=False")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python: %v\n%s%s", err, out, stderr.String())
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var answer map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &answer); err != nil {
		t.Fatalf("python printed %s\n%s", out, stderr.String())
	}
	return answer
}

func expect(t *testing.T, got map[string]any, want map[string]any) {
	t.Helper()
	for k, w := range want {
		g, _ := json.Marshal(got[k])
		e, _ := json.Marshal(w)
		if string(g) != string(e) {
			t.Errorf("%s = %s, want %s", k, g, e)
		}
	}
}

const hvacScript = `
import hvac, json, os, hvac.exceptions as ex
url = os.environ["URL"]; out = {}
c = hvac.Client(url=url, token=os.environ["TOKEN"])
def raises(f, *a, **k):
    try: f(*a, **k)
    except Exception as e: return type(e).__name__
    return "nothing"
out["authenticated"] = c.is_authenticated()
out["sealed"] = c.sys.is_sealed(); out["initialized"] = c.sys.is_initialized()
out["health"] = c.sys.read_health_status().status_code
out["health_get"] = c.sys.read_health_status(method="GET")["sealed"]
v2 = c.secrets.kv.v2
out["first"] = v2.create_or_update_secret("variables/a b", {"value": "x"}, cas=0)["data"]["version"]
out["cas"] = raises(v2.create_or_update_secret, "variables/a b", {"value": "x"}, cas=0)
v2.create_or_update_secret("variables/a b", {"value": "y"})
out["read"] = v2.read_secret_version("variables/a b", raise_on_deleted_version=True)["data"]["data"]
out["old"] = v2.read_secret_version("variables/a b", version=1, raise_on_deleted_version=True)["data"]["data"]
out["patched"] = v2.patch("variables/a b", {"more": 1})["data"]["version"]
out["list"] = v2.list_secrets("variables")["data"]["keys"]
out["missing"] = raises(v2.read_secret_version, "variables/nope", raise_on_deleted_version=True)
v2.delete_latest_version_of_secret("variables/a b")
out["deleted"] = raises(v2.read_secret_version, "variables/a b", raise_on_deleted_version=True)
out["deleted_meta"] = v2.read_secret_version("variables/a b", raise_on_deleted_version=False)["data"]["metadata"]["destroyed"]
v2.undelete_secret_versions("variables/a b", [3])
v2.delete_secret_versions("variables/a b", [1]); v2.destroy_secret_versions("variables/a b", [1])
v2.update_metadata("variables/a b", custom_metadata={"k": "v"}, max_versions=3)
m = v2.read_secret_metadata("variables/a b")["data"]
out["metadata"] = [m["current_version"], m["custom_metadata"], m["max_versions"], m["versions"]["1"]["destroyed"]]
out["config"] = v2.read_configuration()["data"]["max_versions"]
v2.delete_metadata_and_all_versions("variables/a b")
out["gone"] = raises(v2.read_secret_metadata, "variables/a b")
v1 = c.secrets.kv.v1
v1.create_or_update_secret("connections/db", secret={"conn_uri": "mysql://h"}, mount_point="kv")
out["v1"] = v1.read_secret("connections/db", mount_point="kv")["data"]
out["v1_list"] = v1.list_secrets("connections", mount_point="kv")["data"]["keys"]
v1.delete_secret("connections/db", mount_point="kv")
out["mounts"] = sorted(c.sys.list_mounted_secrets_engines()["data"])
out["bad"] = raises(hvac.Client(url=url, token="bad").secrets.kv.v2.read_secret_version, "x", raise_on_deleted_version=True)
out["not_authenticated"] = hvac.Client(url=url, token="bad").is_authenticated()
r = hvac.Client(url=url)
login = r.auth.approle.login(role_id=os.environ["ROLE"], secret_id=os.environ["SECRET"])
out["lease"] = login["auth"]["lease_duration"]
out["self"] = r.auth.token.lookup_self()["data"]["path"]
out["renewed"] = r.auth.token.renew_self(increment="2h")["auth"]["lease_duration"]
r.logout(revoke_token=True)
out["login_refused"] = raises(r.auth.approle.login, role_id=os.environ["ROLE"], secret_id="no")
print(json.dumps(out))
`

func TestHvac(t *testing.T) {
	r := newRig(t, nil)
	got := python(t, hvacScript, "URL="+r.url, "TOKEN="+r.token, "ROLE="+r.creds.RoleID, "SECRET="+r.creds.SecretID)
	expect(t, got, map[string]any{
		"authenticated": true, "sealed": false, "initialized": true, "health": 200, "health_get": false,
		"first": 1, "cas": "InvalidRequest", "read": map[string]any{"value": "y"}, "old": map[string]any{"value": "x"}, "patched": 3,
		"list": []string{"a b"}, "missing": "InvalidPath", "deleted": "InvalidPath", "deleted_meta": false,
		"metadata": []any{3, map[string]any{"k": "v"}, 3, true}, "config": 0, "gone": "InvalidPath",
		"v1": map[string]any{"conn_uri": "mysql://h"}, "v1_list": []string{"db"}, "mounts": []string{"kv/", "secret/"},
		"bad": "Forbidden", "not_authenticated": false, "lease": 3600, "self": "auth/approle/login", "renewed": 7200,
		"login_refused": "InvalidRequest",
	})
}

const backendScript = `
import json, os, logging
logging.disable(logging.CRITICAL)
from airflow.providers.hashicorp.secrets.vault import VaultBackend
out = {}
kwargs = {"url": os.environ["URL"], "mount_point": os.environ["MOUNT"], "kv_engine_version": int(os.environ["KV"])}
auths = {"token": {"token": os.environ["TOKEN"]},
         "approle": {"auth_type": "approle", "role_id": os.environ["ROLE"], "secret_id": os.environ["SECRET"]},
         "mounted": {"auth_type": "approle", "auth_mount_point": "airflow", "role_id": os.environ["ROLE"], "secret_id": os.environ["SECRET"]}}
for name, auth in auths.items():
    b = VaultBackend(**kwargs, **auth)
    c = b.get_connection("db")
    out[name] = [b.get_variable("key"), b.get_variable("odd/ü ☃%"), b.get_variable("empty"), b.get_variable("number"), b.get_variable("nope"),
                 b.get_config("sql"), c.get_uri(), b.get_connection("json").host, b.get_connection("nope")]
def raises(**auth):
    try: VaultBackend(**kwargs, **auth).get_variable("key")
    except Exception as e: return type(e).__name__
    return "nothing"
out["bad_token"] = raises(token="bad")
out["bad_secret"] = raises(auth_type="approle", role_id=os.environ["ROLE"], secret_id="bad")
print(json.dumps(out))
`

func TestTheStockProvider(t *testing.T) {
	r := newRig(t, func(o *vault.Options) { o.AppRoles = []string{"approle", "airflow"} })
	native := func(kind airflow.Kind, id, text string) {
		name := (dialect.Native{}).Names(airflow.Ref{Kind: kind, ID: id}).Names[0]
		if _, err := store.Put(t.Context(), r.own, name, &store.Secret{Payload: []byte(text)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	native(airflow.KindVariable, "key", "value \"q\" \n☃")
	native(airflow.KindVariable, "odd/ü ☃%", "odd")
	native(airflow.KindVariable, "empty", "")
	native(airflow.KindConfig, "sql", "sqlite://")
	native(airflow.KindConnection, "db", "postgres://u:p%40@h:5432/s?a=b")
	native(airflow.KindConnection, "json", `{"conn_type": "http", "host": "example.com"}`)
	if err := (&r.peer).Put(t.Context(), airflow.Ref{Kind: airflow.KindVariable, ID: "number"}, "written here"); err != nil {
		t.Fatal(err)
	}
	row := []any{"value \"q\" \n☃", "odd", "", "written here", nil, "sqlite://", "postgres://u:p%40@h:5432/s?a=b", "example.com", nil}
	for _, engine := range [][2]string{{"secret", "2"}, {"kv", "1"}} {
		got := python(t, backendScript, "URL="+r.url, "TOKEN="+r.token, "ROLE="+r.creds.RoleID, "SECRET="+r.creds.SecretID,
			"MOUNT="+engine[0], "KV="+engine[1], "AIRFLOW_HOME="+t.TempDir())
		expect(t, got, map[string]any{"token": row, "approle": row, "mounted": row, "bad_token": "VaultError", "bad_secret": "InvalidRequest"})
	}
}
