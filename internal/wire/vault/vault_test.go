package vault_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/wire/vault"
)

// TestShapesOfOpenBao reads real answers into the shapes and writes them out
// again: whatever is written must be what the server said.
func TestShapesOfOpenBao(t *testing.T) {
	server := baotest.Start(t)
	roleID, secretID := server.AppRole(t, "reader", `path "secret/data/*" { capabilities = ["read"] }`)
	login, err := json.Marshal(vault.AppRoleLogin{RoleID: roleID, SecretID: secretID})
	if err != nil {
		t.Fatal(err)
	}
	five := int64(5)
	lost, err := json.Marshal(vault.KVWrite{Data: json.RawMessage(`{}`), Options: &vault.KVOptions{CAS: &five}})
	if err != nil {
		t.Fatal(err)
	}
	metadata, err := json.Marshal(vault.KVMetadataWrite{MaxVersions: &five, CustomMetadata: map[string]string{"owner": "me"}})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		method, path, body string
		status             int
		envelope           bool
		shape              any // of data in the envelope, else of the whole
	}{
		{method: "POST", path: "secret/data/a/x", body: `{"data": {"value": "v"}}`, status: 200, envelope: true, shape: &vault.KVVersion{}},
		{method: "POST", path: "secret/metadata/a/x", body: string(metadata), status: 204},
		{method: "GET", path: "secret/data/a/x", status: 200, envelope: true, shape: &vault.KVData{}},
		{method: "GET", path: "secret/metadata/a/x", status: 200, envelope: true, shape: &vault.KVMetadata{}},
		{method: vault.MethodList, path: "secret/metadata/", status: 200, envelope: true, shape: &vault.KeyList{}},
		{method: "POST", path: "secret/data/a/x", body: string(lost), status: 400, shape: &vault.ErrorResponse{}},
		{method: "GET", path: "secret/data/missing", status: 404, shape: &vault.ErrorResponse{}},
		{method: "GET", path: "nope/data/x", status: 404, shape: &vault.ErrorResponse{}},
		{method: "POST", path: "auth/approle/login", body: string(login), status: 200, envelope: true},
		{method: "GET", path: "auth/token/lookup-self", status: 200, envelope: true, shape: &vault.TokenInfo{}},
		{method: "GET", path: "sys/health", status: 200, shape: &vault.Health{}},
		{method: "GET", path: "sys/seal-status", status: 200, shape: &vault.SealStatus{}},
		{method: "GET", path: "sys/internal/ui/mounts/secret", status: 200, envelope: true, shape: &vault.Mount{}},
		{method: "DELETE", path: "secret/data/a/x", status: 204},
		{method: "GET", path: "secret/data/a/x", status: 404, shape: &vault.Response{}},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			status, body := ask(t, server, tt.method, tt.path, tt.body)
			if status != tt.status {
				t.Fatalf("status %d, want %d: %s", status, tt.status, body)
			}
			if tt.envelope {
				var res vault.Response
				same(t, body, &res)
				body = res.Data
			}
			if tt.shape != nil {
				same(t, body, tt.shape)
			}
		})
	}
	t.Run("texts", func(t *testing.T) { testTexts(t, server, string(lost)) })
}

func testTexts(t *testing.T, server *baotest.Server, lost string) {
	if _, body := ask(t, server, "POST", "secret/data/a/x", lost); !strings.Contains(string(body), vault.CASMismatch) {
		t.Errorf("a lost check-and-set write is answered %s", body)
	}
	if _, body := ask(t, server, "GET", "secret/a/x", ""); !strings.Contains(string(body), vault.InvalidVersionedPath) {
		t.Errorf("a version 1 path on a version 2 mount is answered %s", body)
	}
}

func ask(t *testing.T, server *baotest.Server, method, path, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.Addr+"/v1/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(vault.TokenHeader, server.Token)
	req.Header.Set(vault.RequestHeader, "true")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b
}

// same reads body into shape and checks that each member which shape writes
// has the server's value; one that the server left out has to be zero.
func same(t *testing.T, body []byte, shape any) {
	t.Helper()
	if err := json.Unmarshal(body, shape); err != nil {
		t.Fatalf("%s is not a %T: %v", body, shape, err)
	}
	b, err := json.Marshal(shape)
	if err != nil {
		t.Fatal(err)
	}
	var ours, theirs map[string]any
	if json.Unmarshal(b, &ours) != nil || json.Unmarshal(body, &theirs) != nil {
		t.Fatalf("%s is not an object", body)
	}
	contained(t, "", ours, theirs)
}

func contained(t *testing.T, where string, ours, theirs map[string]any) {
	t.Helper()
	for name, v := range ours {
		other, ok := theirs[name]
		inner, isObject := v.(map[string]any)
		otherInner, otherIsObject := other.(map[string]any)
		switch {
		case isObject && otherIsObject:
			contained(t, where+"."+name, inner, otherInner)
		case !ok && (v == nil || reflect.ValueOf(v).IsZero()):
		case !reflect.DeepEqual(v, other):
			t.Errorf("%s.%s is written as %v, the server says %v (there: %v)", where, name, v, other, ok)
		}
	}
}
