package client

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// FuzzRecord stores any text as the record of a client beside a good one: it
// is that client, or it is refused and listed as damaged; it lets in by nobody
// else's token, and the good one stays as it is.
func FuzzRecord(f *testing.F) {
	good, bad := recordsOf(f)
	f.Add(good)
	f.Add(bad)
	for member, values := range map[string][]string{
		"version": {"2", "0", "1.0", `"1"`, "null"}, "name": {`"good"`, `""`, `"a/b"`, `"BAD"`}, "token_hash": {`""`, `"00"`, `"` + strings.Repeat("0", 64) + `"`, "null"},
		"rules": {"null", "[{}]", `[{"deny": true, "ids": null}]`, `[{"actions": ["all"]}]`, `[{"unknown": 1}]`, `[{"IDS": ["a"]}]`}, "more": {"1"}, "Name": {`"good"`},
		"expires": {`"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `"-"`}, "role_id": {`""`, "1"}, "secret_uses": {"-1", "9223372036854775807"}, "ended": {"true"},
	} {
		for _, value := range values {
			f.Add(strings.TrimSuffix(bad, "}") + `,"` + member + `":` + value + "}")
		}
	}
	f.Add("")
	f.Add("null")
	f.Add(bad + "{}")
	f.Fuzz(func(t *testing.T, text string) {
		s := memstore.New("clients")
		stored(t, s, "good", good)
		stored(t, s, "bad", text)
		r, err := Open(t.Context(), s, nil)
		if err != nil {
			t.Fatalf("%q keeps all clients out: %v", text, err)
		}
		if session, err := r.Authenticate("good-token"); err != nil || session.Principal.Name != "good" {
			t.Errorf("beside %q the good client is %+v, %v", text, session, err)
		}
		list := r.List()
		at := slices.IndexFunc(list, func(i Info) bool { return i.Name == "bad" })
		if len(list) != 2 || at < 0 {
			t.Fatalf("beside %q the clients are %+v", text, list)
		}
		session, err := r.Authenticate("bad-token")
		damage := list[at].Damage
		switch code := store.CodeOf(damage); {
		case damage != nil && (session != nil || code != store.Corrupt && code != store.Unsupported || store.Hint(damage) == ""):
			t.Errorf("%q is damaged, %v, and gets in as %+v", text, damage, session)
		case damage == nil && err == nil:
			sameRules(t, text, session.Principal.Rules)
			if session.Principal.Name != "bad" || list[at].Expired {
				t.Errorf("%q gets in as %+v", text, session)
			}
		}
		if damage == nil {
			again(t, text)
		}
		if err := r.Revoke(t.Context(), "bad"); err != nil && store.CodeOf(damage) != store.Unsupported {
			t.Errorf("%q cannot be revoked: %v", text, err)
		}
		if _, err := r.Authenticate("bad-token"); err == nil {
			t.Errorf("%q gets in after it was revoked", text)
		}
	})
}

// recordsOf are two records, of the tokens good-token and bad-token.
func recordsOf(f *testing.F) (good, bad string) {
	for _, r := range []*record{
		{Version: recordVersion, Name: "good", TokenHash: digestOf("good-token"), Accessor: "a", Created: time.Unix(1000, 0)},
		{Version: recordVersion, Name: "bad", TokenHash: digestOf("bad-token"), Accessor: "b", Created: time.Unix(1000, 0), Deployment: "d", RoleID: "r",
			SecretHash: digestOf("s"), SecretUses: 1, Rules: []acl.Rule{{Deny: true, IDs: []string{"x*"}, Kinds: []acl.Kind{acl.Variable}}, {Team: "t"}}},
	} {
		s, err := r.encode()
		if err != nil {
			f.Fatal(err)
		}
		good, bad = bad, string(s.Payload)
	}
	return good, bad
}

func stored(t *testing.T, s store.Store, name, text string) {
	t.Helper()
	if _, err := store.Put(t.Context(), s, prefix+name, &store.Secret{Payload: []byte(text), Form: store.Binary}, nil); err != nil {
		t.Fatal(err)
	}
}

// sameRules holds the rules that count against those that the text has.
func sameRules(t *testing.T, text string, rules []acl.Rule) {
	var said struct{ Rules []json.RawMessage }
	if err := json.Unmarshal([]byte(text), &said); err != nil || len(said.Rules) != len(rules) {
		t.Errorf("%q gets in with the rules %+v, %v", text, rules, err)
	}
}

// again reads what is written of a record that was read.
func again(t *testing.T, text string) {
	first, err := decode(prefix+"bad", &store.Secret{Payload: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	written, err := first.encode()
	if err != nil {
		t.Fatalf("%q cannot be written again: %v", text, err)
	}
	second, err := decode(prefix+"bad", written)
	if err != nil || fmt.Sprintf("%+v", second.info(moment{})) != fmt.Sprintf("%+v", first.info(moment{})) || second.TokenHash != first.TokenHash {
		t.Errorf("%q comes back as %q, %v", text, written.Payload, err)
	}
}
