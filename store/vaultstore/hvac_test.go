package vaultstore_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// ask reads every name with hvac as _VaultClient does and prints whether it
// was found missing.
const ask = `
import json, sys, hvac
plan = json.load(sys.stdin)
for base in plan["bases"]:
    client = hvac.Client(url=plan["url"] + base, token="t")
    for mount in plan["mounts"]:
        for name in plan["names"]:
            for kv in (client.secrets.kv.v1.read_secret, client.secrets.kv.v2.read_secret):
                try:
                    more = {} if kv == client.secrets.kv.v1.read_secret else {"raise_on_deleted_version": True}
                    kv(path=name, mount_point=mount, **more)
                except hvac.exceptions.InvalidPath:
                    pass
`

// TestRequestsAsHvac compares the bytes of the request line with hvac's own.
func TestRequestsAsHvac(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		lines = append(lines, r.Method+" "+r.RequestURI+" "+r.Header.Get("X-Vault-Token")+r.Header.Get("X-Vault-Request"))
		mu.Unlock()
		answer(w, http.StatusNotFound, `{"errors": []}`)
	})
	plan := map[string]any{
		"url":    server.URL,
		"bases":  []string{"", "/", "/vault", "/va ult//x/", "/a%20b/../c"},
		"mounts": []string{"secret", "/airflow/kv/", "k v", "é", "a/../b"},
		"names": []string{
			"x", "variables/x", "/variables/x/", "a//b", "///", "", "../x", "../../../../x", "a/./b", "a/..", "a/.", "..", ".",
			"my key", " ", "a?b#c", "a%20b", "%2e%2e/x", "a%2Fb", "a+b", "a&b=c", "a:b@c", "a;b,c", `a"b'c\d`, "a*b|c", "<a>", "[a]{b}^`~!$()",
			"clé/日本/😀", "e\u0301", "a\tb", "a\nb", "-._~", "x.", "x..", "...", "https://h/x",
		},
	}
	input, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), baotest.Tool(t, "python"), "-c", ask)
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("hvac: %v\n%s", err, out)
	}
	want := slices.Clone(lines)
	lines = nil
	for _, base := range plan["bases"].([]string) {
		for _, mount := range plan["mounts"].([]string) {
			for _, name := range plan["names"].([]string) {
				for version := 1; version <= 2; version++ {
					s := open(t, vaultstore.Options{URL: server.URL + base, Mount: mount, KVVersion: version, Auth: vaultstore.Token{Token: "t"}})
					if _, err := s.Get(t.Context(), name); err == nil {
						t.Errorf("Get(%q) succeeds", name)
					}
				}
			}
		}
	}
	if len(want) != len(lines) {
		t.Fatalf("hvac sent %d requests, we %d", len(want), len(lines))
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("sent %q, hvac %q", lines[i], want[i])
		}
	}
}
