package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/facade/vault"
	"github.com/airlock-secrets/airlock/internal/gate"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// ask sends a request and returns the status and the body.
func (r *rig) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	res := exchange{method: method, path: path, body: body}.send(t, r.url, r.token)
	return res.status, string(res.body)
}

func (r *rig) put(t *testing.T, name string, s store.Secret) {
	t.Helper()
	if _, err := store.Put(t.Context(), r.own, name, &s, nil); err != nil {
		t.Fatal(err)
	}
}

func TestValuesComeAsVaultBackendWantsThem(t *testing.T) {
	r := newRig(t, nil)
	for _, c := range []struct {
		name, path string
		secret     store.Secret
		want       string // the data; "" for 404
	}{
		{"variable//text", "variables/text", store.Secret{Payload: []byte("a\"b\x01<&>☃")}, `{"value":"a\"b\u0001<&>☃"}`},
		{"variable//bytes", "variables/bytes", store.Secret{Payload: []byte("ok"), Form: store.Binary}, `{"value":"ok"}`},
		{"config//opt", "config/opt", store.Secret{Payload: []byte("v")}, `{"value":"v"}`},
		{"connection//db", "connections/db", store.Secret{Payload: []byte("mysql://u:p@h")}, `{"conn_uri":"mysql://u:p@h"}`},
		{"connection//json", "connections/json", store.Secret{Payload: []byte(`{"conn_type": "http"}`)}, `{"conn_uri":"{\"conn_type\": \"http\"}"}`},
		{"variable//object", "variables/object", store.Secret{Payload: []byte(`{"value": 12345678901234567890.0, "note":1}`), Form: store.Object},
			`{"value": 12345678901234567890.0, "note":1}`},
		{"connection//fields", "connections/fields", store.Secret{Payload: []byte(`{"host":"h"}`), Form: store.Object}, `{"host":"h"}`},
		{"variable//none", "variables/none", store.Secret{Payload: []byte(`{"other":1}`), Form: store.Object}, `{"other":1}`},
		{"plain/vault/apps/x", "apps/x", store.Secret{Payload: []byte(`{"k":"v"}`), Form: store.Object}, `{"k":"v"}`},
		{"plain/vault/apps/text", "apps/text", store.Secret{Payload: []byte(`t`)}, `{"value":"t"}`},
		{"connection//empty", "connections/empty", store.Secret{Payload: []byte("")}, `{"conn_uri":""}`},
	} {
		r.put(t, c.name, c.secret)
		status, body := r.ask(t, "GET", "secret/data/"+c.path, "")
		if status != 200 || !strings.Contains(body, `"data":{"data":`+c.want+`,"metadata":`) || !json.Valid([]byte(body)) {
			t.Errorf("KV 2 %s: %d %s, want %s", c.path, status, body, c.want)
		}
		status, body = r.ask(t, "GET", "kv/"+c.path, "")
		if status != 200 || !strings.Contains(body, `"data":`+c.want+`,"wrap_info"`) || !json.Valid([]byte(body)) {
			t.Errorf("KV 1 %s: %d %s, want %s", c.path, status, body, c.want)
		}
	}
	r.put(t, "variable//binary", store.Secret{Payload: []byte("\xff\x00secret"), Form: store.Binary})
	if status, body := r.ask(t, "GET", "secret/data/variables/binary", ""); status < 400 || strings.Contains(body, "secret\"") {
		t.Errorf("binary: %d %s", status, body)
	}
}

// A source whose secrets are objects of another kind must not show them raw.
func TestARowOfADatabaseIsNotShownAsItStands(t *testing.T) {
	rows := memstore.New("metadata database")
	source := airlock.Source{Layer: airlock.LayerMetadata, Class: "db", Store: rows, Dialect: rowDialect{}}
	r := newRig(t, nil, source)
	if _, err := rows.Put(t.Context(), "variable//key", &store.Secret{Payload: []byte(`{"val":"v","is_encrypted":false}`), Form: store.Object}, nil); err != nil {
		t.Fatal(err)
	}
	if status, body := r.ask(t, "GET", "secret/data/variables/key", ""); status != 200 || !strings.Contains(body, `{"data":{"value":"v"},`) ||
		strings.Contains(body, "is_encrypted") {
		t.Errorf("%d %s", status, body)
	}
}

// rowDialect reads objects with the value under "val".
type rowDialect struct{ dialect.Native }

func (rowDialect) Decode(_ airflow.Ref, s *store.Secret) (dialect.Value, error) {
	var row struct{ Val string }
	err := json.Unmarshal(s.Payload, &row)
	return dialect.Value{Data: row.Val}, err
}

func TestMountsShowTheSameSecrets(t *testing.T) {
	r := newRig(t, func(o *vault.Options) {
		o.Mounts = []vault.Mount{{Path: "airflow/prod", Version: 2}, {Path: "old", Version: 1}}
		o.Dialect = &dialect.Vault{VariablesPath: []string{"v", "shared/v"}, TeamPaths: true}
	})
	if status, body := r.ask(t, "POST", "airflow/prod/data/v/key", `{"data":{"value":"x"}}`); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for _, path := range []string{"airflow/prod/data/v/key", "airflow/prod/data/shared/v/key", "old/v/key"} {
		if status, body := r.ask(t, "GET", path, ""); status != 200 || !strings.Contains(body, `{"value":"x"}`) {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
	if _, err := r.own.Get(t.Context(), "variable//key"); err != nil {
		t.Error(err)
	}
	// The kinds without a base path are plain.
	if status, _ := r.ask(t, "POST", "old/connections/db", `{"conn_uri":"x://"}`); status != 204 {
		t.Errorf("status %d", status)
	}
	if _, err := r.own.Get(t.Context(), "plain/vault/connections/db"); err != nil {
		t.Error(err)
	}
	if status, body := r.ask(t, "LIST", "old/", ""); status != 200 || !strings.Contains(body, `["connections/","shared/","v/"]`) {
		t.Errorf("LIST: %d %s", status, body)
	}
	if status, _ := r.ask(t, "GET", "secret/data/v/key", ""); status != 404 {
		t.Errorf("a mount that is not there: %d", status)
	}
}

func TestOptionsThatMakeNoFacade(t *testing.T) {
	g, err := gate.New(gate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	clients, err := client.Open(t.Context(), memstore.New("system"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]vault.Options{
		"no gate":     {Clients: clients},
		"no clients":  {Gate: g},
		"no path":     {Gate: g, Clients: clients, Mounts: []vault.Mount{{Version: 2}}},
		"slash":       {Gate: g, Clients: clients, Mounts: []vault.Mount{{Path: "a/", Version: 2}}},
		"version 3":   {Gate: g, Clients: clients, Mounts: []vault.Mount{{Path: "a", Version: 3}}},
		"sys":         {Gate: g, Clients: clients, Mounts: []vault.Mount{{Path: "sys", Version: 2}}},
		"overlapping": {Gate: g, Clients: clients, Mounts: []vault.Mount{{Path: "a", Version: 2}, {Path: "a/b", Version: 1}}},
	} {
		if _, err := vault.New(o); err == nil {
			t.Errorf("%s: New succeeded", name)
		}
	}
}

func TestOutOfBounds(t *testing.T) {
	r := newRig(t, nil)
	deep := strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 600)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		says                     string
	}{
		{"body", "POST", "secret/data/x", `{"data":{"v":"` + strings.Repeat("x", 1<<20) + `"}}`, 413, "too large"},
		{"body of version 1", "POST", "kv/x", `{"v":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too large"},
		{"login", "POST", "auth/approle/login", `{"role_id":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too large"},
		{"depth", "POST", "secret/data/x", `{"data":` + deep + `}`, 400, "500 levels"},
		{"name", "POST", "secret/data/" + strings.Repeat("x", 16<<10), `{"data":{}}`, 400, "longer than"},
		{"custom metadata", "POST", "secret/metadata/x", `{"custom_metadata":{"k":"` + strings.Repeat("x", 513) + `"}}`, 400, "at most"},
		{"wrapping", "GET", "secret/data/x", "", 404, ""},
		{"settings of the mount", "POST", "secret/config", `{"max_versions":3}`, 405, "unsupported operation"},
	} {
		status, body := r.ask(t, c.method, c.path, c.body)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %.300s, want %d %q", c.name, status, body, c.status, c.says)
		}
	}
	if names, _ := store.List(t.Context(), r.own, ""); len(names) != 0 {
		t.Errorf("%d names were written", len(names))
	}
	res := exchange{method: "GET", path: "secret/data/x", header: [2]string{"X-Vault-Wrap-TTL", "60s"}}.send(t, r.url, r.token)
	if res.status != 400 {
		t.Errorf("response wrapping: %d %s", res.status, res.body)
	}
}

func TestSealedWhenTheOwnStoreIsGone(t *testing.T) {
	own := &ailing{Store: memstore.New("embedded")}
	r := newRigOn(t, own, nil)
	own.sick.Store(true)
	for path, status := range map[string]int{"sys/health": 503, "sys/health?sealedcode=599": 599, "sys/seal-status": 200} {
		got, body := r.ask(t, "GET", path, "")
		if got != status || !strings.Contains(body, `"sealed":true`) {
			t.Errorf("%s: %d %s, want %d", path, got, body, status)
		}
	}
}

func TestMalformedInputIsNeverQuoted(t *testing.T) {
	r := newRig(t, nil)
	const secret = "hunter2"
	for _, body := range []string{
		`{"data":{"value":"` + secret + `"`, `{"data":"` + secret + `"}`, `{"data":{},"options":"` + secret + `"}`, secret,
		`{"data":{"v":` + secret + `}}`, `{"data":{},"options":{"cas":"` + secret + `"}}`, `["` + secret + `"]`,
		`{"custom_metadata":"` + secret + `","max_versions":"` + secret + `"}`, `{"versions":["` + secret + `"]}`,
		`{"role_id":"r","secret_id":"` + secret + `"}`, `{"increment":"` + secret + `"}`, `{"token":"` + secret + `"}`,
	} {
		for _, path := range []string{"secret/data/x", "secret/metadata/x", "secret/delete/x", "auth/approle/login", "auth/token/renew-self",
			"auth/token/lookup", "sys/capabilities-self"} {
			if status, answer := r.ask(t, "POST", path, body); strings.Contains(answer, secret) {
				t.Errorf("POST %s %s: %d %s", path, body, status, answer)
			}
		}
	}
	if strings.Contains(r.audit.String(), secret) || strings.Contains(r.audit.String(), r.token) {
		t.Error("the audit log holds what was sent")
	}
}

func TestCapabilities(t *testing.T) {
	r := newRig(t, nil)
	creds, err := r.clients.Create(t.Context(), client.Spec{Name: "some", Rules: []acl.Rule{
		{Actions: []acl.Action{acl.Read, acl.List}}, {Actions: []acl.Action{acl.Write}, Kinds: []acl.Kind{acl.Variable}},
		{Deny: true, IDs: []string{"no"}}}})
	if err != nil {
		t.Fatal(err)
	}
	r.token = creds.Token
	_, body := r.ask(t, "POST", "sys/capabilities-self", `{"paths":["secret/data/variables/yes","kv/variables/no","secret/data/apps","nope/x"]}`)
	var answer struct{ Data map[string][]string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(answer.Data), "map[kv/variables/no:[deny] nope/x:[deny] secret/data/apps:[list read] "+
		"secret/data/variables/yes:[create list patch read update]]"; got != want {
		t.Errorf("capabilities %s, want %s", got, want)
	}
}

func TestAVersionEndsByItself(t *testing.T) {
	r := newRig(t, nil)
	r.ask(t, "POST", "secret/metadata/x", `{"delete_version_after":"1ns"}`)
	if status, body := r.ask(t, "POST", "secret/data/x", `{"data":{"v":1}}`); status != 200 || !strings.Contains(body, `"deletion_time":"2`) {
		t.Errorf("write: %d %s", status, body)
	}
	if status, body := r.ask(t, "GET", "secret/data/x", ""); status != 404 || !strings.Contains(body, `"data":null,"metadata":`) {
		t.Errorf("read: %d %s", status, body)
	}
	if status, _ := r.ask(t, "GET", "kv/x", ""); status != 404 {
		t.Errorf("read by version 1: %d", status)
	}
}

func TestPatchOfWhatTheCommandLineWrote(t *testing.T) {
	r := newRig(t, nil)
	r.put(t, "variable//key", store.Secret{Payload: []byte("text")})
	res := patch("secret/data/variables/key", `{"data":{"note":"n"}}`).send(t, r.url, r.token)
	if res.status != 200 {
		t.Fatalf("%d %s", res.status, res.body)
	}
	if _, body := r.ask(t, "GET", "secret/data/variables/key", ""); !strings.Contains(body, `{"note":"n","value":"text"}`) {
		t.Errorf("after the patch: %s", body)
	}
}

func TestConcurrentPatchesAllCount(t *testing.T) {
	r := newRig(t, nil)
	r.ask(t, "POST", "secret/data/x", `{"data":{}}`)
	done := make(chan reply)
	for i := range 4 {
		go func() {
			done <- patch("secret/data/x", fmt.Sprintf(`{"data":{"k%d":1}}`, i)).send(t, r.url, r.token)
		}()
	}
	for range 4 {
		if res := <-done; res.status != 200 {
			t.Errorf("%d %s", res.status, res.body)
		}
	}
	_, body := r.ask(t, "GET", "secret/data/x", "")
	for i := range 4 {
		if !strings.Contains(body, fmt.Sprintf(`"k%d":1`, i)) {
			t.Errorf("patch %d is lost: %s", i, body)
		}
	}
}

func TestRegister(t *testing.T) {
	r := newRig(t, nil)
	mux := http.NewServeMux()
	r.server.Config.Handler.(*vault.Handler).Register(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/v1/sys/health", nil))
	if w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

// A secret of a Vault behind comes out untouched also where Airflow has no
// value for it: VaultBackend then says so itself.
func TestASecretWithoutAValueComesUntouched(t *testing.T) {
	behind := memstore.New("upstream")
	r := newRig(t, nil, airlock.Source{Layer: airlock.LayerBackend, Class: "v", Store: behind, Dialect: dialect.DefaultVault()})
	if _, err := behind.Put(t.Context(), "variables/noval", &store.Secret{Payload: []byte(`{"other": "x"}`), Form: store.Object}, nil); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"secret/data/variables/noval": 200, "kv/variables/noval": 200, "secret/metadata/variables/noval": 200, "secret/data/variables/noval?version=7": 404} {
		status, body := r.ask(t, "GET", path, "")
		if status != want || want == 200 && !strings.Contains(path, "metadata") && !strings.Contains(body, `"data":{"other": "x"}`) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	r.put(t, "variable//noval", store.Secret{Payload: []byte("own")})
	if status, body := r.ask(t, "GET", "secret/data/variables/noval", ""); status != 200 || !strings.Contains(body, `{"value":"own"}`) {
		t.Errorf("below it: %d %s", status, body)
	}
}

// refusing is a store behind whose errors tell where it is.
type refusing struct{ code store.Code }

func (s refusing) fail() error {
	return &store.Error{Op: "get", Store: "vault http://10.1.2.3:8200", Code: s.code, Err: errors.New("policy of role x9"), Hint: "role x9"}
}
func (s refusing) Get(context.Context, string) (*store.Secret, error) { return nil, s.fail() }
func (s refusing) List(context.Context, string) ([]string, error)     { return nil, s.fail() }
func (refusing) Close() error                                         { return nil }

// Callers are not told where a store behind is; the daemon's log is.
func TestFailuresBehindDoNotTellWhere(t *testing.T) {
	for _, code := range []store.Code{store.Denied, store.Unauthenticated, store.Unavailable, store.Throttled, store.Invalid} {
		var log bytes.Buffer
		r := newRig(t, func(o *vault.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) },
			airlock.Source{Layer: airlock.LayerBackend, Class: "v", Store: refusing{code}, Dialect: dialect.DefaultVault()})
		for method, path := range map[string]string{"GET": "secret/data/variables/x", "LIST": "secret/metadata/variables"} {
			status, body := r.ask(t, method, path, "")
			if status < 400 || strings.Contains(body, "10.1.2.3") || strings.Contains(body, "x9") || !strings.Contains(body, "the secrets backend") {
				t.Errorf("%s %s: %d %s", code, method, status, body)
			}
		}
		if !strings.Contains(log.String(), "10.1.2.3") || !strings.Contains(log.String(), "x9") {
			t.Errorf("%s: the log does not tell: %s", code, log.String())
		}
	}
}
