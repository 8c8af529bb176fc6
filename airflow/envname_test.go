package airflow

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

func TestEnvNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{VariableEnv("key"), "AIRFLOW_VAR_KEY"},
		{VariableEnv("My-Key.a b"), "AIRFLOW_VAR_MY-KEY.A B"},
		{VariableEnv("straße"), "AIRFLOW_VAR_STRASSE"},
		{VariableEnv("éǰﬃΐŉ"), "AIRFLOW_VAR_ÉJ\u030cFFI\u0399\u0308\u0301\u02bcN"},
		{VariableEnv("ı\xff\xed\xa0\x80i"), "AIRFLOW_VAR_I\xff\xed\xa0\x80I"},
		{ConnectionEnv("aws_default"), "AIRFLOW_CONN_AWS_DEFAULT"},
		{ConnectionEnv(""), "AIRFLOW_CONN_"},
		{VariableTeamEnv("team_a", "key"), "AIRFLOW_VAR__TEAM_A___KEY"},
		{ConnectionTeamEnv("ß", "id"), "AIRFLOW_CONN__SS___ID"},
		{ConnectionTeamEnv("", "id"), ""},
		{OptionEnv("core", "fernet_key"), "AIRFLOW__CORE__FERNET_KEY"},
		{OptionEnv("kubernetes.executor", "a.b"), "AIRFLOW__KUBERNETES_EXECUTOR__A.B"},
		{TeamOptionEnv("team_a", "celery", "broker_url"), "AIRFLOW__TEAM_A___CELERY__BROKER_URL"},
		{KwargEnvPrefix("secrets", "backend_kwargs"), "AIRFLOW__SECRETS__BACKEND_KWARG__"},
		{KwargEnvPrefix("workers", "secrets_backend_kwargs"), "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARG__"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestEnvRefuses(t *testing.T) {
	for _, c := range []struct {
		id        string
		multiTeam bool
		want      bool
	}{
		{"a___b", true, true},
		{"_a___b", true, true},
		{"a___b", false, false},
		{"a__b", true, false},
	} {
		if got := EnvRefuses(c.id, c.multiTeam); got != c.want {
			t.Errorf("EnvRefuses(%q, %v) = %v", c.id, c.multiTeam, got)
		}
	}
}

// TestCaseOfPython compares the case mappings with Python's for every
// character that both sides' Unicode tables have, and capital sigma in its
// surroundings.
func TestCaseOfPython(t *testing.T) {
	out, err := exec.Command(baotest.Tool(t, "python"), "-c", `
import json, unicodedata
r = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
sigma = ["aΣ", "Σ", "aΣb", "a'Σ.", "aΣ\u0301b", "1Σ", "AΣ Σ", "\u02b0Σ", "İΣΣ", "aΣ:b", "\ud800Σ", "a\ud800Σ"]
print(json.dumps({
  "upper": {chr(c): chr(c).upper() for c in r if chr(c).upper() != chr(c)},
  "lower": {chr(c): chr(c).lower() for c in r if chr(c).lower() != chr(c)},
  "sigma": {s: s.lower() for s in sigma},
  "space": "".join(chr(c) for c in range(0x110000) if chr(c).isspace()),
  "disguise": "".join(chr(c) for c in range(0x80, 0x110000) if set(unicodedata.normalize("NFKC", chr(c))) & set("/?#@:")),
}))`).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := decodeObject(t, json.RawMessage(out))
	for name, f := range map[string]func(string) string{"upper": upper, "lower": lower, "sigma": lower} {
		table := member(want, name)
		for _, s := range table.Keys() {
			if w, _ := table.Get(s); f(s) != w {
				t.Errorf("%s(%q) = %q, Python has %q", name, s, f(s), w)
			}
		}
	}
	for r := rune(0x80); r < 0x30000; r++ {
		if isSurrogate(r) {
			continue
		}
		if _, changes := member(want, "upper").Get(string(r)); !changes && upper(string(r)) != string(r) {
			t.Logf("upper(U+%04X) = %q, which this Python's Unicode does not know", r, upper(string(r)))
		}
	}
	if v, _ := want.Get("disguise"); v != delimitersInDisguise {
		t.Errorf("delimitersInDisguise is %q, Python has %q", delimitersInDisguise, v)
	}
	spaces, _ := want.Get("space")
	for r := range rune(0x30000) {
		if isSpace(r) != strings.ContainsRune(spaces.(string), r) {
			t.Errorf("isSpace(U+%04X) = %v", r, isSpace(r))
		}
	}
}

func TestFullUpperIsWellFormed(t *testing.T) {
	entries := strings.Fields(fullUpper)
	if len(entries) != 102 || fullUpper != " "+strings.Join(entries, " ")+" " {
		t.Errorf("%d entries", len(entries))
	}
	for _, e := range entries {
		if c, u, ok := strings.Cut(e, "="); !ok || len([]rune(c)) != 1 || len([]rune(u)) < 2 {
			t.Errorf("malformed entry %q", e)
		}
	}
}
