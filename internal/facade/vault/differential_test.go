package vault_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// exchange is one request that a real OpenBao and the facade must answer
// alike: same status, same members at every level, same errors and warnings,
// same values where they do not depend on time or chance.
type exchange struct {
	method, path, body string
	header             [2]string
	// loose compares the status alone: the text is the server's own.
	loose bool
	// ours is the status of the facade where it differs on purpose (see the
	// package comment); 0: the same.
	ours int
	// token is "none", "bad" or "" for the good one.
	token string
}

const mergePatch = "application/merge-patch+json"

func get(path string) exchange        { return exchange{method: "GET", path: path} }
func list(path string) exchange       { return exchange{method: "LIST", path: path} }
func del(path string) exchange        { return exchange{method: "DELETE", path: path} }
func put(path, body string) exchange  { return exchange{method: "PUT", path: path, body: body} }
func post(path, body string) exchange { return exchange{method: "POST", path: path, body: body} }
func patch(path, body string) exchange {
	return exchange{method: "PATCH", path: path, body: body, header: [2]string{"Content-Type", mergePatch}}
}

func (e exchange) with(name, value string) exchange { e.header = [2]string{name, value}; return e }
func (e exchange) as(token string) exchange         { e.token = token; return e }
func (e exchange) loosely() exchange                { e.loose = true; return e }
func (e exchange) here(status int) exchange         { e.ours = status; return e }

// conversation is in order: later requests see what earlier ones did.
func conversation() []exchange {
	return slices.Concat(versioned(), metadataTalk(), paths(), versionOne(), system())
}

func versioned() []exchange {
	return []exchange{
		get("secret/data/nope"), get("secret/data/deep/nope"), get("secret/metadata/nope"), get("secret/subkeys/nope"),
		post("secret/data/a", `{"data":{"value":"x"}}`), get("secret/data/a"), get("secret/data/a?version=1"),
		get("secret/data/a?version=0"), get("secret/data/a?version="), get("secret/data/a?version=7"), get("secret/data/a?version=x"),
		get("secret/data/a?version=-1"), get("secret/data/a").with("X-Vault-Namespace", "root"),
		get("secret/data/a").with("X-Vault-Namespace", "root/"), get("secret/data/a").with("X-Vault-Namespace", "team"),
		get("secret/metadata/a"), get("secret/subkeys/a"),
		put("secret/data/a", `{"options":{"cas":0},"data":{"value":"y"}}`), put("secret/data/a", `{"options":{"cas":1},"data":{"value":"y","n":1234,"f":1.5,"o":{"k":[1,{"z":null}]}}}`),
		get("secret/data/a"), get("secret/subkeys/a"), get("secret/subkeys/a?depth=1"),
		put("secret/data/a", `{"options":{"cas":"2"},"data":{"value":"z"}}`), put("secret/data/a", `{"options":{"cas":null},"data":{}}`),
		put("secret/data/a", `{"options":{"cas":1.5},"data":{}}`), put("secret/data/a", `{"options":{"cas":"x"},"data":{}}`),
		put("secret/data/a", `{"options":3,"data":{}}`), put("secret/data/a", `{"data":"x"}`), put("secret/data/a", `{"data":[1]}`).loosely(),
		put("secret/data/a", `{"data":7}`), put("secret/data/a", `{"data":true}`), put("secret/data/a", `{"value":"x"}`), put("secret/data/a", ""),
		put("secret/data/a", `{"data":`), put("secret/data/a", `[]`), put("secret/data/a", `"x"`), put("secret/data/a", `nonsense`).loosely(),
		put("secret/data/a", `{"data":{}} trailing`).loosely(), put("secret/data/a", `{"data":{"a":1},"data":{"b":1}}`), get("secret/data/a"),
		patch("secret/data/a", `{"data":{"k":"v","b":null,"deep":{"x":1,"gone":null}}}`), get("secret/data/a"),
		patch("secret/data/a", `{"data":{"deep":{"y":2}},"options":{"cas":5}}`), get("secret/data/a"),
		patch("secret/data/a", `{"data":{"k":"w"},"options":{"cas":1}}`), patch("secret/data/nope", `{"data":{"k":"v"}}`),
		patch("secret/data/a", `{"data":{"k":"v"}}`).with("Content-Type", "application/json"),
		del("secret/data/a"), get("secret/data/a"), get("secret/data/a?version=1"), patch("secret/data/a", `{"data":{"k":"v"}}`),
		get("secret/subkeys/a"), get("secret/metadata/a"),
		put("secret/data/a", `{"options":{"cas":0},"data":{"value":"y"}}`),
		post("secret/undelete/a", `{"versions":[6]}`), get("secret/data/a"), del("secret/data/nope"),
		post("secret/undelete/a", `{}`), post("secret/undelete/nope", `{"versions":[1]}`), post("secret/delete/nope", `{"versions":[1]}`),
		post("secret/delete/a", `{"versions":["1",2,99]}`), get("secret/data/a?version=2"), post("secret/undelete/a", `{"versions":"1,2"}`),
		get("secret/data/a?version=2"), post("secret/delete/a", `{"versions":"x"}`), post("secret/destroy/a", `{"versions":[1]}`),
		post("secret/destroy/a", ""), post("secret/destroy/nope", `{"versions":[1]}`), get("secret/data/a?version=1"), get("secret/metadata/a"),
		get("secret/delete/a"), get("secret/destroy/a"), list("secret/data/a"), list("secret/data"), get("secret/data/a?list=true"),
		post("secret/subkeys/a", "{}"), del("secret/subkeys/a"),
	}
}

func metadataTalk() []exchange {
	return []exchange{
		post("secret/metadata/a", `{"custom_metadata":{"owner":"me","n":3},"max_versions":4,"delete_version_after":"30m"}`),
		get("secret/metadata/a"), get("secret/data/a"), post("secret/metadata/a", `{}`), get("secret/metadata/a"),
		put("secret/data/a", `{"data":{"value":"timed"}}`), get("secret/data/a"),
		post("secret/metadata/a", `{"max_versions":"x"}`), post("secret/metadata/a", `{"delete_version_after":"zz"}`).loosely(),
		post("secret/metadata/a", `{"custom_metadata":"x"}`).loosely(),
		post("secret/metadata/a", `{"cas_required":true}`), put("secret/data/a", `{"data":{}}`), get("secret/metadata/a"),
		patch("secret/metadata/a", `{"custom_metadata":{"owner":null,"new":"1"},"cas_required":false}`), get("secret/metadata/a"),
		patch("secret/metadata/a", `{}`).with("Content-Type", "application/json"), patch("secret/metadata/nope", `{"max_versions":1}`),
		post("secret/metadata/only", `{"custom_metadata":{"k":"v"}}`), get("secret/metadata/only"), get("secret/data/only"),
		del("secret/metadata/only"), del("secret/metadata/only"), get("secret/metadata/only"), get("secret/config"),
	}
}

func paths() []exchange {
	return []exchange{
		put("secret/data/d/a%20b", `{"data":{"v":1}}`), get("secret/data/d%2Fa%20b"), get("secret/data/d/a%20b"), get("secret/data/d/a+b"),
		put("secret/data/%C3%BC/%E2%98%83", `{"data":{"v":1}}`), get("secret/data/%C3%BC/%E2%98%83"), get("secret/data/ü/☃"),
		put("secret/data/p%25q%3Fr%23s%26t", `{"data":{"v":1}}`), get("secret/data/p%25q%3Fr%23s%26t"), get("secret/metadata/p%25q%3Fr%23s%26t"),
		put("secret/data/d%2F", `{"data":{"v":1}}`), put("secret/data/d/", `{"data":{"v":1}}`), get("secret/metadata/a/"),
		get("secret/data/a/").here(200), get("secret/data/../data/a"), get("secret/data//a"), get("secret/data/./a"), get("secret//data/b%20c/?list=true"), get("secret/data/./%2e%2e/a%2Fb"),
		get("secret/data/x/%2e%2e/a"), get("secret/data/..%2Fa"), get("secret/data/%2e%2e"), get("secret/data/%2e/a"), get("secret/data/d/%2E/a%20b"), get("secret/data/..a"), get("secret/data/a.."),
		get("secret/data/a%00b"), get("secret/data/a%01b"), get("secret/data/a%7Fb"), get("secret/data/%ff"),
		put("secret/data/%ff", `{"data":{"v":1}}`).loosely().here(400),
		get("secret/data/%2e%2e/a").as("bad"), get("secret/data/..").as("bad"),
		list("secret/metadata"), list("secret/metadata/"), get("secret/metadata?list=true"), list("secret/metadata/d"), list("secret/metadata/d/"),
		list("secret/metadata/zz"), list("secret/metadata/a"), get("secret/metadata/a?list=x"), list("secret/metadata?limit=2"),
		list("secret/metadata?after=a&limit=1"),
		get("secret/data"), get("secret/data/"), get("secret/metadata"), put("secret/metadata", `{}`), del("secret/data"),
		get("secret"), get("secret/"), get("secret/foo"), put("secret/foo", `{"a":1}`), del("secret/foo"), list("secret"), list("secret/foo"),
		patch("secret/foo", `{}`), {method: "FOO", path: "secret/data/a"}, {method: "HEAD", path: "secret/data/a"}, {method: "OPTIONS", path: "secret/data/a"},
		get("nomount/x"), get("nomount/x").as("bad"), get("secret/data/a").as("bad"), get("secret/data/a").as("none"), get("secret").as("none"),
		get(""), get("secret/data/a").with("X-Vault-Wrap-TTL", "0"),
	}
}

func versionOne() []exchange {
	return []exchange{
		get("kv/one"), put("kv/one/two", `{"value":"x","n":1}`), get("kv/one/two"), get("kv/one%2Ftwo"), list("kv").loosely(), list("kv/one"), list("kv/zzz"),
		get("kv/one?list=true"), put("kv/one/two", ""), put("kv/one/two", "{}"), put("kv/one/two/", `{"a":1}`), put("kv", `{"a":1}`),
		patch("kv/one/two", `{"a":1}`), patch("kv/one/two", `{"a":1}`).with("Content-Type", "text/plain"), get("kv"), get("kv/"),
		get("kv/%2e%2e/a"), del("kv/one/two"), del("kv/one/two"), del("kv/"), get("kv/one/two"),
	}
}

func system() []exchange {
	return []exchange{
		get("sys/health").as("none"), {method: "HEAD", path: "sys/health", token: "none"}, post("sys/health", "{}").as("none"),
		get("sys/health?activecode=299").as("none"), get("sys/health?standbyok=true").as("none"), get("sys/seal-status").as("none"),
		get("sys/leader").as("none"), get("sys/init").as("none"), get("secret/data/a%C2%A0b"), get("sys/internal/ui/mounts").as("none"), get("sys/internal/ui/mounts/secret/x").as("none"),
		get("sys/internal/ui/mounts/secret/x"), get("sys/internal/ui/mounts/secret"), get("sys/internal/ui/mounts/kv/x"),
		get("sys/internal/ui/mounts/nope/x"), get("sys/mounts/secret"), get("sys/mounts/kv/tune").loosely(), get("sys/mounts/nope"),
		get("sys/nope"), get("sys/nope").as("none"), post("sys/capabilities-self", `{"paths":["nope/x"]}`).loosely(), post("sys/capabilities-self", `{}`),
		get("auth/token/lookup-self"), post("auth/token/lookup-self", ""), get("auth/token/lookup-self").as("bad"),
		post("auth/token/lookup", `{"token":"bad"}`), post("auth/token/renew-self", "{}"), get("auth/token/renew-self"),
		get("secret/data/a").with("Authorization", "Bearer bad").as("none"), get("secret/data/a").with("Authorization", "bearer x").as("none"),
		post("auth/approle/login", `{"role_id":"x","secret_id":"y"}`).as("none"), post("auth/approle/login", `{"role_id":"x"}`).as("none").loosely(),
		post("auth/approle/login", `[]`).as("none"), post("auth/approle/login", `{}`).as("none").loosely().here(400),
		post("auth/nope/login", `{}`).as("none"), post("auth/userpass/login/x", `{}`).as("none"),
	}
}

func TestAnswersAreThoseOfOpenBao(t *testing.T) {
	bao := baotest.Start(t)
	bao.MustDo(t, "POST", "/v1/sys/mounts/kv", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	bao.MustDo(t, "POST", "/v1/sys/auth/approle", map[string]any{"type": "approle"})
	own, err := sqlstore.OpenStore(t.Context(), sqlstore.Options{Dir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })
	r := newRigOn(t, own, nil)
	for i, e := range conversation() {
		t.Run(fmt.Sprintf("%03d %s %.60s %s", i, e.method, strings.ReplaceAll(e.path, "/", "|"), e.token), func(t *testing.T) {
			want := e.send(t, bao.Addr, bao.Token)
			got := e.send(t, r.url, r.token)
			if e.ours != 0 {
				if got.status != e.ours || want.status == e.ours {
					t.Errorf("status %d, want %d where OpenBao says %d\n%s", got.status, e.ours, want.status, got.body)
				}
				return
			}
			if got.status != want.status {
				t.Fatalf("%s %s %s: status %d, OpenBao %d\nours   %s\ntheirs %s", e.method, e.path, e.body, got.status, want.status, got.body, want.body)
			}
			if e.loose {
				return
			}
			if g, w := got.shape(t), want.shape(t); g != w {
				t.Errorf("%s %s %s:\nours   %s\ntheirs %s", e.method, e.path, e.body, g, w)
			}
			if g, w := got.headers(), want.headers(); g != w {
				t.Errorf("%s %s: headers %s, OpenBao %s", e.method, e.path, g, w)
			}
		})
	}
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

func (e exchange) send(t *testing.T, base, token string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), e.method, base+"/v1/"+e.path, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	switch e.token {
	case "":
		r.Header.Set("X-Vault-Token", token)
	case "bad":
		r.Header.Set("X-Vault-Token", "bad")
	}
	if e.header[0] != "" {
		r.Header.Set(e.header[0], e.header[1])
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, b}
}

// headers are those that clients look at.
func (r reply) headers() string {
	if r.status == http.StatusTemporaryRedirect {
		return r.header.Get("Location")
	}
	return r.header.Get("Content-Type") + ";" + r.header.Get("Cache-Control")
}

// shape is the answer without what differs from run to run.
func (r reply) shape(t *testing.T) string {
	t.Helper()
	if len(bytes.TrimSpace(r.body)) == 0 || r.status == http.StatusTemporaryRedirect {
		return "nothing"
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Errorf("the answer is not JSON: %s", r.body)
	}
	b, err := json.Marshal(blur("", v))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// blur replaces what depends on time, chance or who serves by whether it is
// there at all.
func blur(key string, v any) any {
	vague := []string{"request_id", "created_time", "updated_time", "deletion_time", "accessor", "uuid", "description", "running_plugin_version",
		"cluster_id", "cluster_name", "version", "server_time_utc", "commit_date", "storage_type", "creation_time", "issue_time", "display_name",
		"id", "policies"}
	switch v := v.(type) {
	case map[string]any:
		// The envelope lists the paths of sys/ twice; both ways stay.
		out := map[string]any{}
		for k, child := range maps.All(v) {
			out[k] = blur(k, child)
		}
		return out
	case []any:
		if slices.Contains(vague, key) {
			return "list"
		}
		for i := range v {
			v[i] = blur("", v[i])
		}
		return v
	case string:
		if slices.Contains(vague, key) && (v != "" || key == "description" || key == "uuid" || key == "commit_date") {
			return "some"
		}
	case json.Number:
		if slices.Contains(vague, key) && key != "version" {
			return "number"
		}
	}
	return v
}
