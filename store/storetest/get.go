package storetest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

func getTests() []testCase {
	return []testCase{
		{"what was stored is found", func(t *testing.T, s *suite) {
			want := s.sample("hello")
			s.seed(t, "name", want)
			wantSecret(t, s.get(t, "name"), want)
		}},
		{"a missing name is not found", func(t *testing.T, s *suite) {
			s.seed(t, "name", s.sample("hello"))
			for _, name := range []string{"nam", "name2", "another"} {
				s.gone(t, name)
			}
		}},
		{"an error says which name", func(t *testing.T, s *suite) {
			_, err := s.Store.Get(s.ctx, "missing")
			wantCode(t, "Get", err, store.NotFound)
			if !strings.Contains(err.Error(), `"missing"`) {
				t.Errorf("Get(missing) = %v, want the name in it", err)
			}
		}},
		{"the secret belongs to the caller", testOwned},
		{"an empty payload is found", testEmpty},
		{"every form comes back", func(t *testing.T, s *suite) {
			for _, f := range s.forms() {
				want := secretOf(f, "form "+f.String())
				s.seed(t, s.below("form/"+f.String()), want)
				wantSecret(t, s.get(t, s.below("form/"+f.String())), want)
			}
		}},
		{"every payload comes back to the byte", testPayloads},
		{"a long payload comes back", func(t *testing.T, s *suite) {
			n := 1_000_000
			if s.Limits.MaxPayload > 0 {
				n = s.Limits.MaxPayload
			}
			want := s.sample(strings.Repeat("x", n-len(s.sample("").Payload)))
			s.seed(t, "long", want)
			wantSecret(t, s.get(t, "long"), want)
		}},
		{"every name is its own", testNames},
		{"a long name", testLongName},
		{"secrets and errors are redacted", testRedacted},
	}
}

func testOwned(t *testing.T, s *suite) {
	want := s.sample("hello")
	s.seed(t, "name", want)
	got := s.get(t, "name")
	for i := range got.Payload {
		got.Payload[i] = 'x'
	}
	got.Attributes = map[string]map[string]string{"x": {"x": "x"}}
	wantSecret(t, s.get(t, "name"), want)
}

func testEmpty(t *testing.T, s *suite) {
	if s.Limits.NoEmpty {
		if !s.Limits.ReadOnly {
			_, err := store.Put(s.ctx, s.Store, "empty", &store.Secret{Form: s.forms()[0]}, nil)
			wantCode(t, "Put", err, store.Invalid)
		}
		return
	}
	for _, f := range s.forms() {
		if f == store.Object {
			continue // the empty text is no object
		}
		want := &store.Secret{Form: f, Payload: []byte{}}
		s.seed(t, "empty", want)
		wantSecret(t, s.get(t, "empty"), want)
	}
}

func testPayloads(t *testing.T, s *suite) {
	texts := []string{
		" ", " a\n", "line\r\nline\n", "tab\there", `"quoted"`, `back\slash`, "null", "{}", `{"a": 1}`, "%41 + &=?",
		"clé € 日本 😀", "e\u0301", "\u00a0", "<script>&amp;", "{{ template }}", "$HOME `id`", "' OR 1=1 --",
	}
	for _, f := range s.forms() {
		for i, text := range texts {
			name := s.below(fmt.Sprintf("%s/%d", f, i))
			want := secretOf(f, text)
			s.seed(t, name, want)
			wantSecret(t, s.get(t, name), want)
		}
	}
	if s.hasForm(store.Binary) {
		all := make([]byte, 256)
		for i := range all {
			all[i] = byte(i)
		}
		want := &store.Secret{Form: store.Binary, Payload: all}
		s.seed(t, s.below("binary/all"), want)
		wantSecret(t, s.get(t, s.below("binary/all")), want)
	}
	if s.hasForm(store.Object) {
		n := "12345678901234567890"
		if s.Limits.NoBigIntegers {
			n = "1234567890"
		}
		want := &store.Secret{Form: store.Object, Payload: []byte(`{"n": ` + n + `, "f": 1.5, "null": null, "list": [1, {"a": "b"}], "": ""}`)}
		s.seed(t, s.below("object/types"), want)
		wantSecret(t, s.get(t, s.below("object/types")), want)
	}
}

// awkward are names that services and their clients are known to confuse.
func awkward() []string {
	return []string{
		"a", "A", "a/b", "a/b/c", "a-b", "a_b", "a.b", "a b", "a  b", "a+b", "a%b", "a%20b", "a?b", "a#b", "a&b=c", "a:b", "a@b",
		"a;b", "a,b", `a"b`, "a'b", `a\b`, "a*b", "a|b", "é", "e\u0301", "日本/語", "😀", "ß", "ss", "a\u00a0b", "--", "___", "null",
		"AIRFLOW_VAR_X", "airflow/variables/x", "projects/p/secrets/s/versions/latest",
	}
}

// awkward are those of the awkward names that the store tells apart.
func (s *suite) awkward() []string {
	names := awkward()
	if !s.Limits.CaseBlind {
		return names
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(names, func(name string) bool {
		folded := strings.ToLower(name)
		twice := seen[folded]
		seen[folded] = true
		return twice
	})
}

func testNames(t *testing.T, s *suite) {
	var held []string
	for _, name := range s.awkward() {
		if !s.holds(name) {
			_, err := s.Store.Get(s.ctx, name)
			s.wantUnheld(t, fmt.Sprintf("Get(%q)", name), err)
			continue
		}
		s.seed(t, name, s.sample("value of "+name))
		held = append(held, name)
	}
	for _, name := range held {
		wantSecret(t, s.get(t, name), s.sample("value of "+name))
	}
}

// wantUnheld checks the error of a Get of a name that cannot be held.
func (s *suite) wantUnheld(t *testing.T, what string, err error) {
	t.Helper()
	if s.Limits.NamesUnchecked && store.CodeOf(err) == store.NotFound {
		return
	}
	wantCode(t, what, err, store.Invalid)
}

func testLongName(t *testing.T, s *suite) {
	n := 10_000
	if s.Limits.MaxName > 0 {
		n = s.Limits.MaxName
	}
	longest := strings.Repeat("n", n)
	s.seed(t, longest, s.sample("hello"))
	wantSecret(t, s.get(t, longest), s.sample("hello"))
	if s.Limits.MaxName == 0 {
		return
	}
	_, err := s.Store.Get(s.ctx, longest+"n")
	s.wantUnheld(t, "Get of a name that is too long", err)
	if len(err.Error()) > 2000 {
		t.Errorf("the error repeats the whole name: %d bytes", len(err.Error()))
	}
}

func testRedacted(t *testing.T, s *suite) {
	const marker = "hunter2"
	s.seed(t, "name", s.sample(marker))
	got := s.get(t, "name")
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("secret", "secret", got)
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s %q %x %d", got, got, got, got, got, got, got),
		fmt.Sprintf("%v %+v %#v", []*store.Secret{got}, struct{ S *store.Secret }{got}, map[string]*store.Secret{"s": got}),
		log.String(),
	} {
		if strings.Contains(text, marker) || strings.Contains(text, fmt.Sprintf("%x", marker)) {
			t.Errorf("a printed secret holds its payload: %s", text)
		}
	}
	if b, err := json.Marshal(got); err == nil {
		t.Errorf("a secret is encoded as JSON: %d bytes", len(b))
	}
	_, err := s.Store.Get(s.ctx, "missing")
	wantRedacted(t, err, marker)
	if !s.Limits.ReadOnly {
		wrong := int64(77)
		_, err := store.Put(s.ctx, s.Store, "name", s.sample(marker), &store.PutOptions{IfVersion: &wrong})
		wantRedacted(t, err, marker)
	}
}
