package live_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/live"
)

func vaultWord(r *http.Request) string {
	return r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v1/")
}

// guide is the policy of the guide for readers, and the kwargs of an AppRole
// that has it.
func guide(t *testing.T, bao *baotest.Server, address, name, policy string, more map[string]any) map[string]any {
	t.Helper()
	role, secret := bao.AppRole(t, name, policy)
	kwargs := map[string]any{"url": address, "mount_point": "secret", "auth_type": "approle", "role_id": role, "secret_id": secret}
	for k, v := range more {
		kwargs[k] = v
	}
	return kwargs
}

const readers = `path "secret/data/variables/*" { capabilities = ["read"] }
path "secret/data/connections/*" { capabilities = ["read"] }`

func put(t *testing.T, bao *baotest.Server, path string, data map[string]any) {
	t.Helper()
	bao.MustDo(t, "POST", "/v1/secret/data/"+path, map[string]any{"data": data})
}

// seedVault writes what TestVault asks for.
func seedVault(t *testing.T, bao *baotest.Server) {
	t.Helper()
	put(t, bao, "variables/good", map[string]any{"value": canary})
	put(t, bao, "variables/shared", map[string]any{"value": canary + "1"})
	put(t, bao, "variables/field", map[string]any{"password": canary})
	put(t, bao, "variables/gone", map[string]any{"value": canary})
	bao.MustDo(t, "DELETE", "/v1/secret/data/variables/gone", nil)
	put(t, bao, "variables/line", map[string]any{"value": canary + "\n"})
	put(t, bao, "connections/good", map[string]any{"conn_uri": "postgres://me:" + canary + "@db/schema"})
	put(t, bao, "connections/fields", map[string]any{"conn_type": "postgres", "host": "db", "password": canary})
	put(t, bao, "connections/odd", map[string]any{"hostname": "db", "passwd": canary})
	put(t, bao, "connections/broken", map[string]any{"conn_uri": "postgres://me:" + canary + "/x@db/schema"})
	put(t, bao, "connections/lossy", map[string]any{"conn_uri": "postgres://me:pw@db/schema#" + canary})
	put(t, bao, "connections/misplaced", map[string]any{"value": canary})
	put(t, bao, "variables/my_token", map[string]any{"value": canary})
}

func TestVault(t *testing.T) {
	bao := baotest.Start(t)
	rec := record(t, bao.Addr, vaultWord)
	seedVault(t, bao)
	lister := readers + "\n" + `path "secret/metadata/*" { capabilities = ["list"] }`
	list := guide(t, bao, rec.URL, "lister", lister, nil)
	read := guide(t, bao, rec.URL, "reader", readers, nil)
	narrow := guide(t, bao, rec.URL, "narrow", `path "secret/data/variables/*" { capabilities = ["read"] }`, nil)
	wide := guide(t, bao, rec.URL, "wide", `path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }`, nil)
	with := func(kwargs map[string]any, name string, v any) map[string]any {
		out := map[string]any{name: v}
		for k, old := range kwargs {
			if k != name {
				out[k] = old
			}
		}
		return out
	}
	env := []string{"AIRFLOW_VAR_SHARED=" + canary + "2", "AIRFLOW_VAR_GOOD=" + canary}
	tests := []struct {
		name   string
		kwargs map[string]any
		env    []string
		wants  []string
		found  []string
	}{
		{"all is well", read, nil, []string{"variable:good", "connection:good", "connection:fields", "variable:optional?"}, nil},
		{"nobody has it", read, nil, []string{"variable:none"}, []string{"live-missing warning 1|secret/data/variables/none|airlock variables set none"}},
		{"under a connection's path", list, nil, []string{"variable:misplaced"},
			[]string{"live-misnamed error 1|secret/data/connections/misplaced|move it from"}},
		{"that without the right to list", read, nil, []string{"variable:misplaced"}, []string{"live-misnamed error 1|that is where connections are"}},
		{"misspelt", list, nil, []string{"variable:my_tokn"}, []string{"live-misnamed warning 1|secret/data/variables/my_token"}},
		{"the field has another name", read, nil, []string{"variable:field"}, []string{`live-wrong-field error 1|the fields "password"|value=`}},
		{"a connection of other fields", read, nil, []string{"connection:odd"}, []string{`live-wrong-field error 1|"hostname", "passwd"|conn_uri`}},
		{"deleted", read, nil, []string{"variable:gone"}, []string{"live-no-version error 1|vault kv undelete -mount=secret -versions=1 variables/gone"}},
		{"a line break", read, nil, []string{"variable:line"}, []string{"live-whitespace warning 1"}},
		{"a URI that does not parse", read, nil, []string{"connection:broken"}, []string{"live-connection error 1|secret/data/connections/broken"}},
		{"a URI that loses a part", read, nil, []string{"connection:lossy"}, []string{"live-connection-loses-part warning 1|airlock connections lint lossy"}},
		{"hidden", read, env, []string{"variable:shared", "variable:good"},
			[]string{"live-hidden warning 1|different content|AIRFLOW_VAR_SHARED", "live-hidden note 2|the same content"}},
		{"no policy for connections", narrow, nil, []string{"variable:good", "connection:good"},
			[]string{"live-permission error 2|read on secret/data/connections/good|path \"secret/data/connections/good\" {\n  capabilities = [\"read\"]\n}"}},
		{"no policy for what has a default", narrow, nil, []string{"connection:good?"}, []string{"live-permission warning 1|secret/data/connections/good"}},
		{"no policy, and the environment answers", narrow, []string{"AIRFLOW_CONN_GOOD=postgres://" + canary + "@old"}, []string{"connection:good"},
			[]string{"live-permission error 1", "live-passed-over warning 1|environment answers in its place"}},
		{"a policy that lets one write", wide, nil, []string{"variable:good"}, []string{"live-grant-too-wide warning 0|create, update, delete|secret/data/variables/good"}},
		{"a root token", map[string]any{"url": rec.URL, "mount_point": "secret", "token": "root"}, nil, []string{"variable:good"},
			[]string{"live-grant-too-wide warning 0|root token"}},
		{"version 1 of version 2", with(read, "kv_engine_version", 1), nil, []string{"variable:good"},
			[]string{"live-kv-version error 0|\"kv_engine_version\": 2"}},
		{"another mount", with(read, "mount_point", "airflow"), nil, []string{"variable:good"},
			[]string{"live-mount error 0|\"mount_point\": \"secret\""}},
		{"a wrong secret_id", with(read, "secret_id", canary), nil, []string{"variable:good"},
			[]string{"live-login error 0|vault write -f auth/approle/role/ROLE/secret-id", "live-skipped note 0"}},
		{"a wrong token", map[string]any{"url": rec.URL, "mount_point": "secret", "token": canary}, nil, []string{"variable:good"},
			[]string{"live-login error 0", "live-skipped note 0"}},
		{"no such log-in", with(read, "auth_mount_point", "nowhere"), nil, []string{"variable:good"},
			[]string{"live-login error 0|auth_mount_point", "live-skipped note 0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, vaultClass, tt.kwargs, tt.env, tt.wants...)
			rec.calls = nil
			expect(t, run(t, o), tt.found...)
		})
	}
}

// TestVaultCalls: what is asked is what the plan says, in its order.
func TestVaultCalls(t *testing.T) {
	bao := baotest.Start(t)
	rec := record(t, bao.Addr, vaultWord)
	put(t, bao, "variables/good", map[string]any{"value": canary})
	put(t, bao, "connections/good", map[string]any{"conn_uri": "postgres://me:" + canary + "@db/schema"})
	for name, policy := range map[string]string{"reader": readers, "lister": readers + "\n" + `path "secret/metadata/*" { capabilities = ["list"] }`} {
		kwargs := guide(t, bao, rec.URL, name, policy, nil)
		for _, wants := range [][]string{nil, {"variable:good", "connection:good", "variable:good"}, {"variable:good", "variable:none"}} {
			t.Run(fmt.Sprint(name, wants), func(t *testing.T) {
				o := options(t, vaultClass, kwargs, nil, wants...)
				always, _ := planned(o)
				if len(rec.calls) > 0 {
					t.Fatalf("the plan asks %q", rec.calls)
				}
				run(t, o)
				calls := rec.calls
				rec.calls = nil
				sameCalls(t, o, calls)
				if len(wants) != 2 && len(calls) != len(always) {
					t.Errorf("%d calls, %d planned: %q", len(calls), len(always), calls)
				}
			})
		}
	}
}

// TestVaultToken: a token that is given ends some day.
func TestVaultToken(t *testing.T) {
	bao := baotest.Start(t)
	put(t, bao, "variables/good", map[string]any{"value": canary})
	bao.MustDo(t, "PUT", "/v1/sys/policies/acl/reader", map[string]any{"policy": readers})
	for _, tt := range []struct {
		name  string
		token map[string]any
		found []string
	}{
		{"soon", map[string]any{"ttl": "2h"}, []string{"live-token warning 0|ends in 2h0m0s|vault token renew"}},
		{"later", map[string]any{"ttl": "700h"}, nil},
		{"periodic", map[string]any{"period": "768h"}, nil},
		{"few uses", map[string]any{"ttl": "700h", "num_uses": 20}, []string{"live-token warning 0|times more"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.token["policies"] = []string{"reader"}
			answer := bao.MustDo(t, "POST", "/v1/auth/token/create", tt.token)
			token, _ := answer["auth"].(map[string]any)["client_token"].(string)
			o := options(t, vaultClass, map[string]any{"url": bao.Addr, "mount_point": "secret", "token": token}, nil, "variable:good")
			expect(t, run(t, o), tt.found...)
		})
	}
}

// TestVaultClock: a server of another time.
func TestVaultClock(t *testing.T) {
	bao := baotest.Start(t)
	put(t, bao, "variables/good", map[string]any{"value": canary})
	late := record(t, bao.Addr, vaultWord)
	inner := late.Config.Handler
	late.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(dated{w}, r)
	})
	kwargs := guide(t, bao, late.URL, "reader", readers, nil)
	expect(t, run(t, options(t, vaultClass, kwargs, nil, "variable:good")), "live-clock note 0|ahead of the server's|set-ntp")
}

// dated answers with the time of an hour ago.
type dated struct{ http.ResponseWriter }

func (d dated) WriteHeader(status int) {
	d.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
	d.ResponseWriter.WriteHeader(status)
}

// TestMostIDs: what is over the bound is said, not asked.
func TestMostIDs(t *testing.T) {
	bao := baotest.Start(t)
	rec := record(t, bao.Addr, vaultWord)
	var wants []string
	for i := range live.MostIDs + 7 {
		wants = append(wants, fmt.Sprintf("variable:v%d?", i))
	}
	o := options(t, vaultClass, guide(t, bao, rec.URL, "reader", readers, nil), nil, wants...)
	steps := 0
	o.Progress = func(done, of int) {
		if done > of || done != steps+1 {
			t.Errorf("step %d of %d after %d", done, of, steps)
		}
		steps = done
	}
	expect(t, run(t, o), "live-skipped note 0|7 ids more than 500")
	if len(rec.calls) > live.MostIDs+10 {
		t.Errorf("%d calls", len(rec.calls))
	}
}

// TestVaultEngines: version 1, the mount in the id, a namespace of another's.
func TestVaultEngines(t *testing.T) {
	bao := baotest.Start(t)
	rec := record(t, bao.Addr, vaultWord)
	bao.MustDo(t, "POST", "/v1/sys/mounts/old", map[string]any{"type": "kv", "options": map[string]any{"version": "1"}})
	bao.MustDo(t, "POST", "/v1/old/variables/good", map[string]any{"value": canary})
	bao.MustDo(t, "POST", "/v1/sys/mounts/keys", map[string]any{"type": "transit"})
	put(t, bao, "variables/good", map[string]any{"value": canary})
	bao.MustDo(t, "POST", "/v1/sys/namespaces/team", nil)
	bao.MustDo(t, "POST", "/v1/team/sys/mounts/secret", map[string]any{"type": "kv", "options": map[string]any{"version": "2"}})
	bao.MustDo(t, "POST", "/v1/team/secret/data/variables/good", map[string]any{"data": map[string]any{"value": canary}})
	policy := readers + "\n" + `path "old/variables/*" { capabilities = ["read"] }
path "keys/*" { capabilities = ["read"] }`
	kwargs := func(more map[string]any) map[string]any { return guide(t, bao, rec.URL, "engines", policy, more) }
	for _, tt := range []struct {
		name   string
		kwargs map[string]any
		wants  []string
		found  []string
	}{
		{"version 1", kwargs(map[string]any{"mount_point": "old", "kv_engine_version": 1}), []string{"variable:good"}, nil},
		{"version 1 taken for 2", kwargs(map[string]any{"mount_point": "old"}), []string{"variable:good"}, []string{`live-kv-version error 0|"kv_engine_version": 1`}},
		{"no permission in version 1", kwargs(map[string]any{"mount_point": "old", "kv_engine_version": 1}), []string{"connection:good"},
			[]string{`live-permission error 1|path "old/connections/good" {`}},
		{"the mount in the id", kwargs(map[string]any{"mount_point": nil}), []string{"variable:secret/good"}, nil},
		{"no mount in the id", kwargs(map[string]any{"mount_point": nil}), []string{"variable:good"}, []string{"live-missing warning 1|mount_point is null"}},
		{"another engine", kwargs(map[string]any{"mount_point": "keys"}), []string{"variable:good"}, []string{`live-mount error 0|of type "transit"`}},
		{"a namespace", map[string]any{"url": rec.URL, "mount_point": "secret", "token": "root", "namespace": "team"}, []string{"variable:good"},
			[]string{"live-grant-too-wide warning 0|root token"}},
		{"no such namespace", kwargs(map[string]any{"namespace": "other"}), []string{"variable:good"}, []string{"live-login error 0|namespace", "live-skipped note 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(t, vaultClass, tt.kwargs, nil, tt.wants...)
			rec.calls = nil
			expect(t, run(t, o), tt.found...)
		})
	}
}
