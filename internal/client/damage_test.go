package client_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// folder is a data folder with the clients good and bad.
type folder struct {
	dir       string
	good, bad *client.Credentials
}

func (f *folder) open(t *testing.T) (*sqlstore.Namespace, *client.Registry) {
	t.Helper()
	s, err := sqlstore.OpenStore(t.Context(), sqlstore.Options{Dir: f.dir, Namespace: sqlstore.SystemNamespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r, err := client.Open(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	f := &folder{dir: t.TempDir()}
	_, r := f.open(t)
	f.good = create(t, r, client.Spec{Name: "good", AppRole: true})
	f.bad = create(t, r, client.Spec{Name: "bad", AppRole: true, Rules: []acl.Rule{{Actions: []acl.Action{acl.Read}}}})
	return f
}

// rewrite stores the record of bad as change leaves it, by the store's own key.
func (f *folder) rewrite(change func(map[string]any)) func(*testing.T) {
	return func(t *testing.T) {
		f.record(t, "client/bad", func(b []byte) []byte {
			var o map[string]any
			if err := json.Unmarshal(b, &o); err != nil {
				t.Fatal(err)
			}
			change(o)
			b, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			return b
		})
	}
}

func (f *folder) record(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	s, err := sqlstore.OpenStore(t.Context(), sqlstore.Options{Dir: f.dir, Namespace: sqlstore.SystemNamespace})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	old, err := s.Get(t.Context(), "client/bad")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), name, &store.Secret{Payload: change(old.Payload), Form: store.Object}, nil); err != nil {
		t.Fatal(err)
	}
}

// tamper changes the file behind the store's back.
func (f *folder) tamper(statement string) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		servertest.Tamper(t, f.dir, statement)
	}
}

func (f *folder) damages() map[string]func(*testing.T) {
	const ofBad = ` WHERE record = (SELECT id FROM record WHERE name = CAST('client/bad' AS BLOB))`
	set := func(member string, v any) func(*testing.T) {
		return f.rewrite(func(o map[string]any) { o[member] = v })
	}
	return map[string]func(*testing.T){
		"a byte of the payload is flipped": f.tamper(`UPDATE version SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) ||
			CASE WHEN substr(sealed, -1) = x'00' THEN x'01' ELSE x'00' END AS BLOB)` + ofBad),
		"the payload is empty":            f.tamper(`UPDATE version SET sealed = x''` + ofBad),
		"the payload is text":             f.tamper(`UPDATE version SET sealed = 'text'` + ofBad),
		"the form is unknown":             f.tamper(`UPDATE version SET form = 77` + ofBad),
		"the form is text":                f.tamper(`UPDATE version SET form = 'text'` + ofBad),
		"the time is text":                f.tamper(`UPDATE version SET created = 'text'` + ofBad),
		"the attributes are damaged":      f.tamper(`UPDATE record SET attributes = x'0102' WHERE name = CAST('client/bad' AS BLOB)`),
		"an object that is no record":     f.rewrite(func(o map[string]any) { clear(o) }),
		"a member is of another type":     set("rules", "text"),
		"no version":                      set("version", 0),
		"another client's name":           set("name", "good"),
		"no token":                        set("token_hash", strings.Repeat("0", 64)),
		"half a token":                    set("token_hash", "abcd"),
		"no hash of the secret id":        f.rewrite(func(o map[string]any) { delete(o, "secret_hash") }),
		"a negative number of uses":       set("secret_uses", -1),
		"a time that is none":             set("expires", "soon"),
		"a time before there were any":    set("created", "0001-01-01T00:00:00Z"),
		"an expiry before there were any": set("expires", "1815-12-10T00:00:00Z"),
		"an action that is none":          set("rules", []any{map[string]any{"actions": []string{"peek"}}}),
		"a pattern that is too long":      set("rules", []any{map[string]any{"ids": []string{strings.Repeat("x", 2000)}}}),
		"the token of another client": func(t *testing.T) {
			s, _ := f.open(t)
			good, err := s.Get(t.Context(), "client/good")
			if err != nil {
				t.Fatal(err)
			}
			var o struct {
				Hash string `json:"token_hash"`
			}
			if err := json.Unmarshal(good.Payload, &o); err != nil {
				t.Fatal(err)
			}
			set("token_hash", o.Hash)(t)
		},
	}
}

func TestADamagedRecordIsOneClientThatIsRefused(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys((&folder{}).damages())) {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			_, before := f.open(t)
			accepted(t, before, f.bad.Token, "bad")
			f.damages()[name](t)
			s, r := f.open(t)
			if err := before.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, r := range []*client.Registry{r, before} {
				refused(t, r, f.bad.Token)
				_, _, err := r.Login(t.Context(), f.bad.RoleID, f.bad.SecretID)
				code(t, err, store.Unauthenticated)
				accepted(t, r, f.good.Token, "good")
				login(t, r, f.good)
				l := r.List()
				if len(l) != 2 || l[0].Name != "bad" || store.CodeOf(l[0].Damage) != store.Corrupt || l[1].Damage != nil {
					t.Fatalf("List() = %+v", l)
				}
				if hint := store.Hint(l[0].Damage); !strings.Contains(hint, "airlock client revoke bad") {
					t.Errorf("hint %q", hint)
				}
			}
			_, err := r.Rotate(t.Context(), "bad", nil)
			code(t, err, store.Corrupt)
			code(t, r.Extend(t.Context(), "bad", time.Time{}), store.Corrupt)
			_, err = r.Create(t.Context(), client.Spec{Name: "bad"})
			code(t, err, store.Conflict)
			create(t, r, client.Spec{Name: "more"})
			if err := client.Revoke(t.Context(), s, "bad"); err != nil {
				t.Fatal(err)
			}
			_, r = f.open(t)
			if l := r.List(); len(l) != 2 || l[0].Name != "good" || l[1].Name != "more" {
				t.Errorf("List() = %+v", l)
			}
			create(t, r, client.Spec{Name: "bad"})
		})
	}
}

func TestTheRecordOfANewerAirlockIsLeftAlone(t *testing.T) {
	f := &folder{}
	for name, change := range map[string]func(*testing.T){
		"a version to come":          f.rewrite(func(o map[string]any) { o["version"], o["rules"] = 2, "words to come" }),
		"a member to come":           f.rewrite(func(o map[string]any) { o["networks"] = []string{"10.0.0.0/8"} }),
		"a member of a rule to come": f.rewrite(func(o map[string]any) { o["rules"] = []any{map[string]any{"hours": "9-17"}} }),
	} {
		t.Run(name, func(t *testing.T) {
			*f = *newFolder(t)
			change(t)
			s, r := f.open(t)
			before, err := s.Get(t.Context(), "client/bad")
			if err != nil {
				t.Fatal(err)
			}
			refused(t, r, f.bad.Token)
			accepted(t, r, f.good.Token, "good")
			if l := r.List(); len(l) != 2 || store.CodeOf(l[0].Damage) != store.Unsupported {
				t.Fatalf("List() = %+v", l)
			}
			_, err = r.Create(t.Context(), client.Spec{Name: "bad"})
			code(t, err, store.Conflict)
			_, err = r.Rotate(t.Context(), "bad", nil)
			code(t, err, store.Unsupported)
			code(t, r.Revoke(t.Context(), "bad"), store.Unsupported)
			after, err := s.Get(t.Context(), "client/bad")
			if err != nil || after.Version != before.Version || string(after.Payload) != string(before.Payload) {
				t.Errorf("the record was changed (%v)", err)
			}
			if err := client.Revoke(t.Context(), s, "bad"); err != nil { // the owner's own word
				t.Fatal(err)
			}
		})
	}
}

func TestADamagedNameCanBeRevoked(t *testing.T) {
	for _, name := range []string{"", "a/b", "x y", "\xff", "\x1b[31m", `"quoted"`, strings.Repeat("x", 65)} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			f := newFolder(t)
			f.record(t, "client/"+name, func(b []byte) []byte { return b })
			s, r := f.open(t)
			l := slices.DeleteFunc(r.List(), func(i client.Info) bool { return i.Damage == nil })
			if len(l) != 1 || l[0].Name != name {
				t.Fatalf("damaged: %+v", l)
			}
			shown := client.Shown(name)
			_, word, _ := strings.Cut(store.Hint(l[0].Damage), "airlock client revoke ")
			typed, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+word).Output()
			if err != nil || string(typed) != shown || strings.IndexByte(shown, 0x1b) >= 0 || strings.IndexByte(shown, 0xff) >= 0 {
				t.Errorf("hint %q", store.Hint(l[0].Damage))
			}
			if err := client.Revoke(t.Context(), s, shown); err != nil {
				t.Fatal(err)
			}
			accepted(t, r, f.good.Token, "good")
			code(t, client.Revoke(t.Context(), s, shown), store.Invalid)
		})
	}
}
