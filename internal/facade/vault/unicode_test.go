package vault_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
)

// notText are strings of JSON that are no Unicode text, and what is said of
// each.
var notText = map[string]string{
	"\"a\xff\"": "not UTF-8", "\"\xc3\"": "not UTF-8", "\"\xed\xa0\x80\"": "not UTF-8", "\"\xc0\x80\"": "not UTF-8",
	`"\ud800"`: "half of a surrogate pair", `"\uDC00x"`: "half of a surrogate pair", `"\ud800\ud800"`: "half of a surrogate pair",
	`"\ud800\\udc00"`: "half of a surrogate pair", `"\ud83dx\ude00"`: "half of a surrogate pair",
}

// isText are strings of JSON that look like those and are well.
var isText = []string{`"\ud83d\ude00"`, `"\\ud800"`, `"\\\\xff"`, `"☃😀"`, `"\u0000"`, `"\"\\"`, `"\ufffd"`, "\"\ufffd\""}

func TestWhatIsNoUnicodeIsRefused(t *testing.T) {
	r := newRig(t, nil)
	for _, path := range []string{"secret/data/x", "kv/y"} {
		if status, body := r.ask(t, "POST", path, `{"data": {"a": "b"}}`); status != 200 && status != 204 {
			t.Fatalf("%s: %d %s", path, status, body)
		}
	}
	for text, says := range notText {
		for _, c := range []struct{ method, path, body string }{
			{"POST", "secret/data/x", `{"data": {"k": TEXT}}`}, {"POST", "secret/data/x", `{"data": {TEXT: 1}}`},
			{"PUT", "secret/data/variables/v", `{"data": {"value": [1, {"k": TEXT}]}}`}, {"PATCH", "secret/data/x", `{"data": {"k": TEXT}}`},
			{"POST", "kv/y", `{"k": TEXT}`}, {"POST", "kv/connections/c", `{TEXT: "k"}`},
			{"POST", "secret/metadata/x", `{"custom_metadata": {"k": TEXT}}`}, {"PATCH", "secret/metadata/x", `{"custom_metadata": {TEXT: "k"}}`},
			{"POST", "auth/approle/login", `{"role_id": TEXT, "secret_id": "x"}`}, {"POST", "sys/capabilities-self", `{"paths": [TEXT]}`},
		} {
			status, body := r.patch(t, c.method, c.path, strings.ReplaceAll(c.body, "TEXT", text))
			if status != 400 || !strings.Contains(body, says+" at byte ") {
				t.Errorf("%s %s with %q: %d %s", c.method, c.path, text, status, body)
			}
		}
	}
	if _, body := r.ask(t, "POST", "kv/y", `{"k": "abc`+"\xff"+`"}`); !strings.Contains(body, "at byte 11") {
		t.Errorf("the place: %s", body)
	}
	if status, body := r.ask(t, "GET", "secret/data/x", ""); status != 200 || !strings.Contains(body, `"data":{"a":"b"}`) || !strings.Contains(body, `"version":1`) {
		t.Errorf("what was there: %d %s", status, body)
	}
	for _, text := range isText {
		if status, body := r.ask(t, "POST", "secret/data/x", `{"data": {"k": `+text+`}}`); status != 200 {
			t.Errorf("%s: %d %s", text, status, body)
		}
		if status, body := r.ask(t, "GET", "secret/data/x", ""); status != 200 || !strings.Contains(body, `{"k":`+text+`}`) {
			t.Errorf("%s comes back as %d %s", text, status, body)
		}
	}
}

// patch is ask with the content type that a PATCH needs.
func (r *rig) patch(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	res := exchange{method: method, path: path, body: body, header: [2]string{"Content-Type", mergePatch}}.send(t, r.url, r.token)
	return res.status, string(res.body)
}

// TestWhatWasKeptRawIsNotAnswered is of a store that took such a body once.
func TestWhatWasKeptRawIsNotAnswered(t *testing.T) {
	r := newRig(t, nil)
	for _, name := range []string{"variable//raw", "connection//raw", "plain/vault/raw"} {
		r.put(t, name, store.Secret{Payload: []byte("{\"value\":\"CANARY\xff\",\"conn_uri\":\"http://\xff\"}"), Form: store.Object})
	}
	for _, path := range []string{"secret/data/variables/raw", "kv/variables/raw", "secret/data/connections/raw", "kv/raw", "secret/data/raw", "secret/subkeys/raw"} {
		status, body := r.ask(t, "GET", path, "")
		if status != 500 || !json.Valid([]byte(body)) || !utf8.ValidString(body) || strings.Contains(body, "CANARY") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, body := r.patch(t, "PATCH", "secret/data/raw", `{"data": {"k": "v"}}`); status != 500 {
		t.Errorf("patch: %d %s", status, body)
	}
	if status, body := r.ask(t, "LIST", "secret/metadata", ""); status != 200 || !strings.Contains(body, `"raw"`) {
		t.Errorf("list: %d %s", status, body)
	}
	if status, body := r.ask(t, "POST", "secret/data/raw", `{"data": {"k": "v"}}`); status != 200 {
		t.Errorf("a new version: %d %s", status, body)
	}
}

// TestOpenBaoReplacesWhatIsNoUnicode is what the facade does otherwise, on
// purpose.
func TestOpenBaoReplacesWhatIsNoUnicode(t *testing.T) {
	bao := baotest.Start(t)
	for text := range notText {
		res := exchange{method: "POST", path: "secret/data/x", body: `{"data": {"k": ` + text + `}}`}.send(t, bao.Addr, bao.Token)
		if res.status != 200 {
			t.Errorf("%q: %d %s", text, res.status, res.body)
		}
		res = exchange{method: "GET", path: "secret/data/x"}.send(t, bao.Addr, bao.Token)
		if res.status != 200 || !strings.Contains(string(res.body), "\ufffd") {
			t.Errorf("%q comes back as %d %s", text, res.status, res.body)
		}
	}
}
