package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

// hvac must not be able to tell airlock from OpenBao: the same session, call
// by call, has the same answers.
func TestHvacSessionIsThatOfOpenBao(t *testing.T) {
	t.Parallel()
	bao, d, value := baotest.Start(t), serveDev(t), secret(t)
	session := func(addr, token string) string {
		return tool(t, "python").with("VAULT_ADDR="+addr, "VAULT_TOKEN="+token, "SECRET="+value).
			ok(t, script(t, "hvac_session.py"))
	}
	compareSessions(t, session(bao.Addr, bao.Token), session(d.addr, d.token(t)))
	noSecretAtRest(t, d.dir+"/.airlock")
}

// The same for the command line that people type the guide's commands into.
func TestBaoSessionIsThatOfOpenBao(t *testing.T) {
	t.Parallel()
	bao, d, value := baotest.Start(t), serveDev(t), secret(t)
	want := baoSession(t, baoCLI(t, bao.Addr, bao.Token), value)
	got := baoSession(t, baoCLI(t, d.addr, d.token(t)), value)
	compareSessions(t, want, got)
	noSecretAtRest(t, d.dir+"/.airlock")
}

// compareSessions compares two transcripts line by line.
func compareSessions(t *testing.T, want, got string) {
	t.Helper()
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		var a, b string
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		claim(t, a == b, "OpenBao: %s\nairlock: %s", a, b)
	}
}

// baoSession runs commands of the bao command line and returns, for each, its
// exit code and what stays the same from server to server.
func baoSession(t *testing.T, cli program, value string) string {
	t.Helper()
	var transcript strings.Builder
	for _, line := range []string{
		"kv put secret/variables/guide value=" + value,
		"kv get secret/variables/guide",
		"kv get -field=value secret/variables/guide",
		"kv put secret/connections/guide conn_uri=http://airflow:" + value + "@example.com",
		"kv get secret/connections/guide",
		"kv put -cas=0 secret/variables/guide value=lost",
		"kv put -cas=1 secret/variables/guide value=" + value + "00",
		"kv get -version=1 secret/variables/guide",
		"kv patch secret/variables/guide note=kept",
		"kv patch -method=rw secret/variables/guide note=again",
		"kv get secret/variables/guide",
		"kv list secret/",
		"kv list secret/variables",
		"kv list secret/nowhere",
		"kv delete secret/variables/guide",
		"kv get secret/variables/guide",
		"kv undelete -versions=4 secret/variables/guide",
		"kv get secret/variables/guide",
		"kv destroy -versions=1,2 secret/variables/guide",
		"kv get -version=1 secret/variables/guide",
		"kv rollback -version=3 secret/variables/guide",
		"kv metadata put -custom-metadata=owner=data secret/variables/guide",
		"kv metadata get secret/variables/guide",
		"kv get -mount=secret variables/guide",
		"kv metadata delete secret/variables/guide",
		"kv get secret/variables/guide",
		"kv get nowhere/variables/guide",
		"token lookup",
		"status",
	} {
		r := cli.with("BAO_FORMAT=json").revealing().run(t, strings.Fields(line)...)
		fmt.Fprintf(&transcript, "%s -> %d %s\n", masked(line), r.code, stableAnswer(r.stdout))
	}
	return transcript.String()
}

// stableAnswer is a JSON answer without what differs from server to server,
// or the digest of any other text.
func stableAnswer(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		if text == "" {
			return ""
		}
		return digest(text)
	}
	b, _ := json.Marshal(stable(v))
	return string(b)
}

// stable drops members that differ from run to run and hides values.
func stable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, sealed := v["sealed"]; sealed {
			return map[string]any{"sealed": v["sealed"], "initialized": v["initialized"]}
		}
		if data, ok := v["data"].(map[string]any); ok && data["policies"] != nil {
			return map[string]any{"has an id": data["id"] != nil}
		}
		out := map[string]any{}
		for key, member := range v {
			switch key {
			case "request_id", "lease_id", "lease_duration", "renewable", "warnings", "created_time", "updated_time", "mount_type":
			case "deletion_time":
				out["deleted"] = member != ""
			default:
				out[key] = stable(member)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = stable(v[i])
		}
		return out
	case string:
		if strings.Contains(v, canary) {
			return digest(v)
		}
	}
	return v
}
