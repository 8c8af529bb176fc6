package vaultstore

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/baotest"
)

// oddRefs are ids that mean something on the way to a server, or would.
var oddRefs = []string{
	"x", "X", "a/b", "a//b", "/a", "a/", "/", "//", "", "..", "../x", "a/../b", "./a", "a/.", ".hidden", "a.b", "...", "my key", " ", " a", "a ",
	"a?b", "a#b", "a%20b", "a%2Fb", "a%", "a+b", "a&b=c", "a:b@c", "a;b,c", `a"b`, "a'b", `a\b`, "a*b", "a|b", "<a>", "[a]", "{b}", "^`~!$()",
	"clé", "日本", "😀", "e\u0301", "é", "a\tb", "a\nb", "-._~", "data", "metadata", "data/x", "https://h/x", "A-very-long-" + "0123456789012345678901234567890123456789",
}

// oddValues are what the data of a secret may be, as JSON.
var oddValues = []string{
	`{"value": "text"}`, `{"value": ""}`, `{"value": " \n "}`, `{"value": "clé 日本 😀 \u0000 \u001f"}`, `{"value": 5}`, `{"value": -0.0}`, `{"value": 1.50}`,
	`{"value": 1e3}`, `{"value": 12345678901234567890123}`, `{"value": 1e400}`, `{"value": true}`, `{"value": false}`, `{"value": null}`, `{"value": []}`, `{"value": {}}`,
	`{"value": {"b": 1, "a": [1, 2.0, null]}}`, `{"value": "{\"json\": true}"}`, `{"value": "\ud83d\ude00"}`, `{"Value": "x"}`, `{"other": "x"}`, `{}`,
	`{"conn_uri": "postgres://u:p@h:5432/db?a=b"}`, `{"conn_uri": ""}`, `{"conn_uri": null, "host": "h"}`, `{"conn_uri": 5}`, `{"conn_uri": {"a": 1}}`, `{"conn_uri": "t://", "host": "h"}`,
	`{"conn_type": "http", "host": "h", "port": 80, "extra": {"a": "é"}}`, `{"host": "h", "extra": "{\"a\": 1}"}`, `{"login": "é", "password": "\\ \" /"}`, `{"port": "80"}`,
	`{"value": "v", "conn_uri": "t://h"}`, `{"value": "<a>&b"}`, `{"value": "a/b"}`,
}

// refServer is an OpenBao with secrets and a token that may not read all.
func refServer(t *testing.T) (server *baotest.Server, token string) {
	t.Helper()
	server = baotest.Start(t)
	server.MustDo(t, "POST", "/v1/sys/mounts/old", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	server.MustDo(t, "PUT", "/v1/sys/policies/acl/reader", map[string]string{"policy": `
		path "secret/*" { capabilities = ["read"] }
		path "old/*" { capabilities = ["read"] }
		path "secret/data/variables/denied/*" { capabilities = ["deny"] }
		path "old/variables/denied/*" { capabilities = ["deny"] }`})
	made := server.MustDo(t, "POST", "/v1/auth/token/create", map[string]any{"policies": []string{"reader"}, "no_parent": true})
	token, _ = made["auth"].(map[string]any)["client_token"].(string)
	put := func(path string, data json.RawMessage) {
		server.Do(t, "POST", "/v1/secret/data/"+path, map[string]any{"data": data}) // some are refused, which is for both to find out
		server.Do(t, "POST", "/v1/old/"+path, data)
	}
	for _, base := range []string{"variables", "connections", "config"} {
		for i, value := range oddValues {
			put(fmt.Sprintf("%s/value%d", base, i), json.RawMessage(value))
		}
		for i, id := range oddRefs {
			if i%2 == 0 {
				put(base+"/"+quote(id), json.RawMessage(fmt.Sprintf(`{"value": "of ref %d", "conn_uri": "t://ref%d"}`, i, i)))
			}
		}
	}
	put("variables/denied/x", json.RawMessage(`{"value": "never"}`))
	for _, name := range []string{"deleted", "destroyed", "purged"} {
		put("variables/"+name, json.RawMessage(`{"value": "gone"}`))
	}
	server.MustDo(t, "DELETE", "/v1/secret/data/variables/deleted", nil)
	server.MustDo(t, "PUT", "/v1/secret/destroy/variables/destroyed", map[string]any{"versions": []int{1}})
	server.MustDo(t, "DELETE", "/v1/secret/metadata/variables/purged", nil)
	return server, token
}

// refCases are the references that both are asked for.
func refCases(server *baotest.Server, token string) []stockCase {
	var cases []stockCase
	add := func(operation, id string, more ...any) {
		kwargs := map[string]any{"url": server.Addr, "token": token}
		for i := 0; i < len(more); i += 2 {
			kwargs[fmt.Sprint(more[i])] = more[i+1]
		}
		cases = append(cases, stockCase{Kwargs: kwargs, Env: map[string]string{}, Operation: operation, ID: id})
	}
	for _, operation := range []string{"get_variable", "get_conn_value", "get_config"} {
		for i := range oddValues {
			add(operation, fmt.Sprintf("value%d", i))
			add(operation, fmt.Sprintf("value%d", i), "mount_point", "old", "kv_engine_version", 1)
		}
		for _, id := range oddRefs {
			add(operation, id)
		}
	}
	for _, id := range oddRefs {
		add("get_variable", id, "mount_point", "/old/", "kv_engine_version", 1, "variables_path", "")
		add("get_variable", "secret/"+id, "mount_point", nil)
		add("get_variable", id, "variables_path", []string{"nope/", "variables", "connections"})
	}
	for _, id := range []string{"denied/x", "denied/y", "deleted", "destroyed", "purged", "missing", "denied"} {
		add("get_variable", id)
		add("get_variable", id, "variables_path", []string{"variables", "connections"})
		add("get_variable", id, "token", "wrong")
		add("get_variable", id, "mount_point", "old", "kv_engine_version", 1)
		add("get_variable", id, "mount_point", "old") // the wrong version
		add("get_variable", id, "kv_engine_version", 1)
		add("get_variable", id, "mount_point", "nope")
		add("get_variable", id, "namespace", "nope")
	}
	return cases
}

// TestRefsAsStock asks Airflow's class and this store for the same references
// at the same OpenBao, and compares the answers one by one.
func TestRefsAsStock(t *testing.T) {
	server, token := refServer(t)
	cases := refCases(server, token)
	if len(cases) < 300 {
		t.Fatalf("there are %d references only", len(cases))
	}
	stock := askStock(t, cases)
	found := 0
	for i, c := range cases {
		name := fmt.Sprintf("%s of %q, %v", c.Operation, c.ID, c.Kwargs)
		value, kind, err := askRef(t, &c)
		switch {
		case stock[i].Error != nil:
			wantPython(t, name, kind, err, stock[i].Error)
		case err != nil:
			t.Errorf("%s fails: %v; Airflow answers %s", name, err, stock[i].Result)
		default:
			wantJSON(t, name, value, stock[i].Result)
			if value != nil {
				found++
			}
		}
	}
	t.Logf("%d references, %d found", len(cases), found)
	if found < 100 {
		t.Errorf("%d references are found only: the comparison is worth little", found)
	}
}

// askRef is the look-up of a case with this store and its dialect.
func askRef(t *testing.T, c *stockCase) (any, airflow.Kind, error) {
	t.Helper()
	text, err := json.Marshal(c.Kwargs)
	if err != nil {
		t.Fatal(err)
	}
	kwargs := kwargsOf(t, string(text))
	s := &session{log: &recordedLog{}, ref: airflow.Ref{ID: c.ID, Kind: map[string]airflow.Kind{
		"get_conn_value": airflow.KindConnection, "get_variable": airflow.KindVariable, "get_config": airflow.KindConfig}[c.Operation]}}
	if s.dialect, _, err = dialect.VaultFromKwargs(kwargs, false); err != nil {
		return nil, s.ref.Kind, err
	}
	if s.store, err = FromKwargs(kwargs, Env{}); err != nil {
		return nil, s.ref.Kind, err
	}
	defer s.store.Close()
	s.store.log = slog.New(slog.DiscardHandler)
	value, _, err := s.lookup(t.Context())
	return value, s.ref.Kind, err
}
