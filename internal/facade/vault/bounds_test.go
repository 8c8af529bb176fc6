package vault_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// times is a JSON list of n items, or the inside of an object of n members.
func times(n int, item func(i int) string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = item(i)
	}
	return strings.Join(all, ",")
}

func one(int) string         { return "1" }
func number(i int) string    { return fmt.Sprint(i + 1) }
func onPath(i int) string    { return fmt.Sprintf(`"secret/data/variables/v%d"`, i) }
func member(i int) string    { return fmt.Sprintf(`"k%d":1`, i) }
func parameter(i int) string { return fmt.Sprintf("p%d=1", i) }

// TestWorkOfARequestIsBounded has for each bound a request that keeps it and
// one that does not. What is refused has changed nothing and says the bound.
func TestWorkOfARequestIsBounded(t *testing.T) {
	const bytes = 1<<20 - 100
	for _, c := range []struct {
		name, method, path string
		kept, beyond       string // the bodies
		status             int    // of the first
		says               string
	}{
		{"undelete", "POST", "secret/undelete/variables/k", `{"versions":[` + times(100, number) + `]}`, `{"versions":[` + times(101, number) + `]}`, 204, "versions: at most 100"},
		{"delete", "POST", "secret/delete/variables/k", `{"versions":[` + times(100, one) + `]}`, `{"versions":[` + times(101, one) + `]}`, 204, "versions: at most 100"},
		{"destroy", "PUT", "secret/destroy/variables/k", `{"versions":[2]}`, `{"versions":[` + times(bytes/2, one) + `]}`, 204, "versions: at most 100"},
		{"versions as text", "PUT", "secret/undelete/variables/k", `{"versions":"1,2"}`, `{"versions":"` + times(bytes/2, one) + `"}`, 204, "versions: at most 100"},
		{"capabilities", "POST", "sys/capabilities-self", `{"paths":[` + times(256, onPath) + `]}`, `{"paths":[` + times(257, onPath) + `]}`, 200, "paths: at most 256"},
		{"both words of capabilities", "POST", "sys/capabilities-self", `{"paths":[` + times(128, onPath) + `],"path":[` + times(128, onPath) + `]}`,
			`{"paths":[` + times(256, onPath) + `],"path":"secret/data/x"}`, 200, "paths: at most 256"},
		{"capabilities on a long path", "POST", "sys/capabilities-self", `{"path":"` + strings.Repeat("a", 15<<10) + `"}`, `{"path":"` + strings.Repeat("a", 15<<10+1) + `"}`, 200, "longer than 15360 bytes"},
		{"members of a secret", "POST", "secret/data/variables/w", `{"data":{` + times(10_000, member) + `}}`, `{"data":{` + times(10_001, member) + `}}`, 200, "in data: at most 10000"},
		{"items inside of a secret", "POST", "secret/data/variables/w", `{"data":{"a":[` + times(9_999, one) + `]}}`, `{"data":{"a":[[` + times(9_999, one) + `]]}}`, 200, "in data: at most 10000"},
		{"a secret of version 1", "POST", "kv/variables/w", `{` + times(10_000, member) + `}`, `{` + times(10_001, member) + `}`, 204, "at most 10000"},
		{"items of version 1", "POST", "kv/variables/w", `{"a":[` + times(9_999, one) + `]}`, `{"a":[` + times(10_000, one) + `]}`, 204, "at most 10000"},
		{"members that nobody reads", "POST", "secret/undelete/variables/k", `{"versions":[1],` + times(9_999, member) + `}`, `{"versions":[1],` + times(10_000, member) + `}`, 204, "members: at most 10000"},
		{"custom metadata", "POST", "secret/metadata/variables/k", `{"custom_metadata":{"a":"b"}}`, `{"custom_metadata":{` + times(65, member) + `}}`, 204, "at most 64 keys"},
		{"versions that are kept", "POST", "secret/metadata/variables/k", `{"max_versions":10000}`, `{"max_versions":10001}`, 204, "at most 10000"},
		{"levels", "POST", "secret/data/variables/w", `{"data":{"a":` + strings.Repeat("[", 498) + strings.Repeat("]", 498) + `}}`,
			`{"data":{"a":` + strings.Repeat("[", 499) + strings.Repeat("]", 499) + `}}`, 200, "more than 500 levels"},
		{"bytes", "POST", "secret/data/variables/w", `{"data":{"a":"` + strings.Repeat("x", 1<<19) + `"}}`, `{"data":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`, 200, "at most 1048576 bytes"},
		{"bytes of a login", "POST", "auth/approle/login", "", `{"role_id":"` + strings.Repeat("x", 16<<10) + `"}`, 0, "at most 16384 bytes"},
		{"bytes about a token", "POST", "auth/token/lookup", "", `{"token":"` + strings.Repeat("x", 16<<10) + `"}`, 0, "at most 16384 bytes"},
		{"parameters", "GET", "secret/data/variables/k?" + strings.ReplaceAll(times(64, parameter), ",", "&"), "", "", 200, ""},
		{"too many parameters", "GET", "secret/data/variables/k?" + strings.ReplaceAll(times(65, parameter), ",", "&"), "", "", 400, "parameters: at most 64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, nil)
			r.put(t, "variable//k", store.Secret{Payload: []byte("one")})
			r.put(t, "variable//k", store.Secret{Payload: []byte("two")})
			says := ""
			if c.kept == "" && c.beyond == "" {
				says = c.says
			}
			if c.beyond != "" {
				wantBeyond(t, r, c.method, c.path, c.beyond, c.says)
			}
			if status, body := r.ask(t, c.method, c.path, c.kept); c.status != 0 && (status != c.status || !strings.Contains(body, says)) {
				t.Errorf("status %d, %.300s, want %d and %q", status, body, c.status, says)
			}
		})
	}
}

// wantBeyond wants a request refused before anything is changed.
func wantBeyond(t *testing.T, r *rig, method, path, body, says string) {
	t.Helper()
	status, answer := r.ask(t, method, path, body)
	if status != 400 && status != 413 || !strings.Contains(answer, says) {
		t.Errorf("beyond: status %d, %.300s, want 400 or 413 and %q", status, answer, says)
	}
	v, err := store.Versions(r.own)
	if err != nil {
		t.Fatal(err)
	}
	record, err := v.Record(t.Context(), "variable//k")
	if err != nil || len(record.Versions) != 2 || record.Attributes != nil {
		t.Fatalf("the record is %+v, %v", record, err)
	}
	for _, v := range record.Versions {
		if v.Destroyed || !v.Hidden.IsZero() {
			t.Errorf("version %+v was changed", v)
		}
	}
	if _, err := r.own.Get(t.Context(), "variable//w"); store.CodeOf(err) != store.NotFound {
		t.Errorf("a secret was written: %v", err)
	}
}
