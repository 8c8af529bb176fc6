package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

const vaultClass = "airflow.providers.hashicorp.secrets.vault.VaultBackend"

// backend is the two settings of a secrets backend.
func backend(class, kwargs string) []string {
	return []string{"AIRFLOW__SECRETS__BACKEND=" + class, "AIRFLOW__SECRETS__BACKEND_KWARGS=" + kwargs}
}

// Settings that cannot work: the command names what is wrong and says what to
// do, and shows no credential.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	token := secret(t)
	unreachable := "http://" + freeAddress(t)
	for _, c := range []struct {
		name     string
		settings []string
		code     int
		says     []string
	}{
		{"kwargs that are not JSON", backend(vaultClass, `{'token': '`+token+`'}`), 1,
			[]string{"backend_kwargs", "JSON", "hint:"}},
		{"kwargs with the quotation marks of a Dockerfile", backend(vaultClass, `'{"token": "`+token+`"}'`), 1,
			[]string{"backend_kwargs", "JSON", "hint:"}},
		{"kwargs that are a list", backend(vaultClass, `["`+token+`"]`), 1,
			[]string{"backend_kwargs", "dict", "hint:"}},
		{"a class that nobody knows", backend("my.own.Backend", `{"token": "`+token+`"}`), 1,
			[]string{"my.own.Backend", "hint:"}},
		{"a class in quotation marks", backend(`"`+vaultClass+`"`, `{"token": "`+token+`"}`), 1,
			[]string{vaultClass, "hint:"}},
		{"an unknown kwarg", backend(vaultClass, `{"token": "`+token+`", "tokn": 1}`), 1,
			[]string{"tokn", "hint:"}},
		{"no token at all", backend(vaultClass, `{"auth_type": "token"}`), 1,
			[]string{"token", "hint:"}},
		{"an unknown auth_type", backend(vaultClass, `{"auth_type": "magic", "token": "`+token+`"}`), 1,
			[]string{"magic", "hint:"}},
		{"a KV version as text", backend(vaultClass, `{"token": "`+token+`", "kv_engine_version": "2"}`), 1,
			[]string{"kv_engine_version", "hint:"}},
		{"a server that does not answer", backend(vaultClass, `{"url": "`+unreachable+`", "token": "`+token+`"}`), 5,
			[]string{strings.TrimPrefix(unreachable, "http://"), "hint:"}},
		{"a password in the address", backend(vaultClass, `{"url": "http://user:`+token+`@`+strings.TrimPrefix(unreachable, "http://")+`", "token": "x"}`), 5,
			[]string{"hint:"}},
		{"an address that is none", backend(vaultClass, `{"url": "://`+token+`", "token": "x"}`), 1,
			[]string{"url", "hint:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := airlockIn(t.TempDir(), c.settings...)
			p.fails(t, c.code, append(c.says, variableKey), "variables", "get", variableKey)
			p.run(t, "explain", "variable", variableKey)
			p.run(t, "explain", "connection", connectionID, "-o", "json")
		})
	}
}

// What a server refuses: each has its own words and exit code, because "not
// found" would send a person to look in the wrong place.
func TestRefusalsOfVault(t *testing.T) {
	t.Parallel()
	v, want := newVault(t), newSeeds(t)
	v.put(t, want)
	v.cli.ok(t, "secrets", "enable", "-path=old", "-version=1", "kv")
	v.cli.ok(t, "kv", "put", "-mount=old", "variables/"+variableKey, "value="+want.variable)
	kwargs := func(edit ...string) []string {
		return backend(vaultClass, strings.NewReplacer(edit...).Replace(v.kwargs()))
	}
	spent := secret(t)
	v.cli.revealing().ok(t, "write", "auth/approle/role/"+approle+"/custom-secret-id", "secret_id="+spent, "num_uses=1")
	v.cli.ok(t, "write", "auth/approle/login", "role_id="+v.roleID, "secret_id="+spent)
	for _, c := range []struct {
		name     string
		settings []string
		code     int
		says     []string
	}{
		{"a secret id that is used up", kwargs(v.secretID, spent), 4, []string{"approle", "hint:"}},
		{"a role that does not exist", kwargs(v.roleID, "no-such-role"), 4, []string{"approle", "hint:"}},
		{"a mount that the policy does not cover", kwargs(`"auth_type"`, `"mount_point": "nowhere", "auth_type"`), 4,
			[]string{"denied", "hint:"}},
		{"a mount that does not exist", backend(vaultClass, `{"url": "`+v.Addr+`", "token": "`+v.Token+`", "mount_point": "nowhere"}`), 3,
			[]string{variableKey, `no handler for route`, `hint: `, `nothing is mounted at "nowhere"`}},
		{"KV version 1 read as 2", backend(vaultClass, `{"url": "`+v.Addr+`", "token": "`+v.Token+`", "mount_point": "old"}`), 3,
			[]string{variableKey, `hint: `, `if the mount "old" is KV version 1, set kv_engine_version to 1`}},
		{"KV version 2 read as 1", backend(vaultClass, `{"url": "`+v.Addr+`", "token": "`+v.Token+`", "kv_engine_version": 1}`), 3,
			[]string{variableKey, "Invalid path for a versioned", "hint: ", "set kv_engine_version to 2"}},
		{"a token that is none", backend(vaultClass, `{"url": "`+v.Addr+`", "token": "`+secret(t)+`"}`), 4, []string{"hint:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := airlockIn(t.TempDir(), c.settings...)
			p.fails(t, c.code, c.says, "variables", "get", variableKey)
			p.fails(t, c.code, nil, "explain", "variable", variableKey)
		})
	}
	t.Run("a connection that does not parse", func(t *testing.T) {
		v.cli.ok(t, "kv", "put", "secret/connections/broken", "conn_uri=postgres://airflow:"+secret(t)+"/x@host:5432/db")
		p := airlockIn(t.TempDir(), v.settings()...)
		p.fails(t, 1, []string{"broken", "hint:"}, "connections", "get", "broken")
		p.run(t, "explain", "connection", "broken")
	})
}

func TestSealedVault(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	v.put(t, newSeeds(t))
	v.cli.ok(t, "operator", "seal")
	airlockIn(t.TempDir(), v.settings()...).fails(t, 5, []string{"sealed", "hint:"}, "variables", "get", variableKey)
}

// Ids from outside: whatever a person or a DAG calls its variable is kept and
// found under exactly that name, by the command line and by clients.
func TestIdsOfAnyShape(t *testing.T) {
	t.Parallel()
	d := serveDev(t)
	cli, hvac := airlockIn(d.dir), tool(t, "python").with("VAULT_ADDR="+d.addr, "VAULT_TOKEN="+d.token(t))
	for name, id := range map[string]string{
		"slashes":     "team/app/key",
		"spaces":      "a key with  spaces",
		"unicode":     "größe-鍵-🔑",
		"percent":     "100%25 sure?#&",
		"quotes":      `it's "quoted"`,
		"dots":        "a.b..c",
		"upper case":  "KEY",
		"lower case":  "key",
		"ten kB":      strings.Repeat("k", 10_000),
		"a flag":      "--weird",
		"backslashes": `a\b`,
	} {
		t.Run(name, func(t *testing.T) {
			value := secret(t)
			cli.ok(t, "variables", "set", "--", id, value)
			claim(t, cli.revealing().ok(t, "variables", "get", "--", id) == value, "the command line reads another value")
			read := hvac.revealing().with("ID="+id).ok(t, "-c", `import hvac, os
c = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
print(c.secrets.kv.v2.read_secret_version("variables/" + os.environ["ID"], mount_point="secret", raise_on_deleted_version=True)["data"]["data"]["value"])`)
			claim(t, read == value, "hvac reads another value")
			cli.ok(t, "variables", "delete", "--", id)
			r := cli.run(t, "variables", "get", "--", id)
			claim(t, r.code == 3 && len(r.stderr) < 2000, "what is deleted is still there, or the message is endless:\n%s", r)
		})
	}
	for name, id := range map[string]string{"nothing": "", "a zero byte in the middle": "a\x01b\u202e", "a megabyte": strings.Repeat("m", 100_000)} {
		t.Run(name, func(t *testing.T) {
			r := cli.run(t, "variables", "get", "--", id)
			claim(t, r.code != 0 && r.stderr != "" && len(r.stderr) < 2000 && !strings.Contains(r.stderr, "\x01"), "bad answer:\n%s", r)
		})
	}
}

// Damage to the embedded store is named and nothing is written over it.
func TestDamagedStore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		says   []string
		code   int
	}{
		{"a database that is something else", overwrite("airlock.db", "this is no database at all"), []string{"airlock.db", "hint:"}, 1},
		{"a database of another program", foreignDatabase, []string{"airlock.db", "hint:"}, 1},
		{"no key", remove("key"), []string{"key", "hint:"}, 1},
		{"a key that is something else", overwrite("key", "{}"), []string{"key", "hint:"}, 1},
		{"the key of another store", anotherKey, []string{"key", "hint:"}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := airlockIn(dir)
			p.ok(t, "variables", "set", variableKey, secret(t))
			c.damage(t, filepath.Join(dir, ".airlock"))
			before := fingerprint(t, filepath.Join(dir, ".airlock"))
			p.fails(t, c.code, c.says, "variables", "get", variableKey)
			p.fails(t, c.code, c.says, "variables", "set", "another", secret(t))
			p.fails(t, c.code, c.says, "serve", "--listen", freeAddress(t))
			claim(t, fingerprint(t, filepath.Join(dir, ".airlock")) == before, "the damaged store was changed")
		})
	}
}

func overwrite(name, text string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		remove(name)(t, dir)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		t.Helper()
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(filepath.Join(dir, name+suffix)); err != nil && suffix == "" {
				t.Fatal(err)
			}
		}
	}
}

func foreignDatabase(t *testing.T, dir string) {
	t.Helper()
	remove("airlock.db")(t, dir)
	copyFile(t, filepath.Join(newAirflow(t).home, "airflow.db"), filepath.Join(dir, "airlock.db"), nil)
}

func anotherKey(t *testing.T, dir string) {
	t.Helper()
	other := t.TempDir()
	airlockIn(other).ok(t, "variables", "set", "x", "y")
	copyFile(t, filepath.Join(other, ".airlock", "key"), filepath.Join(dir, "key"), nil)
}

// fingerprint is the digest of the store's files that hold what cannot be made
// again.
func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"airlock.db", "key"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		fmt.Fprintf(&all, "%s %v %s\n", name, err != nil, digest(string(b)))
	}
	return all.String()
}

// A disk that is full refuses writes and keeps what is there.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, kept := t.TempDir(), secret(t)
	cli := airlockIn(dir)
	cli.ok(t, "variables", "set", "kept", kept)
	// The largest file a process may write stands for the end of the disk.
	small := program{path: "/bin/sh", dir: dir}
	r := small.reading(kept+strings.Repeat("x", 900_000)).run(t, "-c", `ulimit -f 512; exec "$0" variables set --stdin large`, binary)
	claim(t, r.code == 5 || r.code == 1, "a write to a full disk exits with %d:\n%s", r.code, r)
	claim(t, strings.Contains(r.stderr, "large") && strings.Contains(r.stderr, "hint:"), "it does not say what to do:\n%s", r)
	claim(t, cli.revealing().ok(t, "variables", "get", "kept") == kept, "what was there is lost")
	cli.fails(t, 3, []string{"large"}, "variables", "get", "large")
	cli.ok(t, "variables", "set", "afterwards", kept)
}

// A damaged metadata database is one layer that fails, by name.
func TestDamagedMetadataDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "airflow.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := airlockIn(dir, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///"+path)
	p.fails(t, 1, []string{"airflow.db", "hint:"}, "variables", "get", variableKey)
	value := secret(t)
	claim(t, p.with("AIRFLOW_VAR_PRESENT="+value).revealing().ok(t, "variables", "get", "present") == value, "a layer above is not asked")
}

// Requests that are not what a client sends get an answer in Vault's form, and
// leave the daemon as it was.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	d := serveDev(t)
	token := d.token(t)
	for _, c := range []struct {
		name, method, path, token, body string
		status                          int
	}{
		{"no token", "GET", "/v1/secret/data/variables/x", "", "", http.StatusForbidden},
		{"an endless token", "GET", "/v1/secret/data/variables/x", strings.Repeat("t", 20_000), "", http.StatusForbidden},
		{"a body that is not JSON", "POST", "/v1/secret/data/variables/x", token, "{", http.StatusBadRequest},
		{"a body without data", "POST", "/v1/secret/data/variables/x", token, `{"value": "x"}`, http.StatusBadRequest},
		{"a body of 40 MB", "POST", "/v1/secret/data/variables/x", token, `{"data": {"value": "` + strings.Repeat("x", 40<<20) + `"}}`, http.StatusRequestEntityTooLarge},
		{"a version that is no number", "GET", "/v1/secret/data/variables/x?version=one", token, "", http.StatusBadRequest},
		{"a path that climbs", "GET", "/v1/secret/data/variables/%2e%2e/%2e%2e/sys", token, "", http.StatusBadRequest},
		{"a mount that does not exist", "GET", "/v1/nowhere/data/variables/x", token, "", http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := d.request(t, c.method, c.path, c.token, c.body)
			claim(t, status == c.status, "status %d, want %d: %s", status, c.status, body)
			claim(t, strings.Contains(body, `"errors"`), "the answer has no errors member: %s", body)
			claim(t, !strings.Contains(body, token), "the answer holds the token")
		})
	}
	if status, _ := d.request(t, "GET", "/-/ready", "", ""); status != http.StatusOK {
		t.Errorf("the daemon is not ready afterwards: status %d", status)
	}
}

// baotest's servers answer to the root token: the control for the tests above
// that the same request against OpenBao is a client error too.
func TestBadRequestsAreBadForOpenBaoToo(t *testing.T) {
	t.Parallel()
	s := baotest.Start(t)
	for path, want := range map[string]int{
		"/v1/nowhere/data/variables/x":            http.StatusNotFound,
		"/v1/secret/data/variables/x?version=one": http.StatusBadRequest,
	} {
		if status, _ := s.Do(t, "GET", path, nil); status != want {
			t.Errorf("GET %s: status %d, want %d", path, status, want)
		}
	}
}
