package airflow_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"sort"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/baotest"
)

// installed is what testdata/options.py finds in the installed Airflow.
type installed struct {
	Options   string      `json:"options"`
	Moved     [][4]string `json:"moved"`
	Sensitive []string    `json:"sensitive"`
}

func askAirflow(t *testing.T) installed {
	t.Helper()
	cmd := exec.Command(baotest.Tool(t, "python"), "testdata/options.py")
	cmd.Env = append(os.Environ(), "AIRFLOW_HOME="+t.TempDir())
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("options.py: %v", err)
	}
	var got installed
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestOptionsOfAirflow compares the catalogue, and the two tables kept in Go
// beside it, with the installed Airflow.
func TestOptionsOfAirflow(t *testing.T) {
	want := askAirflow(t)
	have, err := os.ReadFile("options.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want.Options {
		t.Error("options.json is not what testdata/options.py --write options.json makes")
	}
	compareMoves(t, want.Moved)
	compareSensitive(t, want.Sensitive)
}

// compareMoves asks for every option of Airflow's table by both of its names.
// By an old name the last move of it counts, and an option that is at once a
// new home and an old one is taken as the old one.
func compareMoves(t *testing.T, moves [][4]string) {
	t.Helper()
	moved := map[string][4]string{} // :: old home -> its last move
	for _, m := range moves {
		moved[m[2]+"/"+m[3]] = m
	}
	check := func(section, key string, m [4]string) {
		home, old := airflow.ResolveOption(section, key)
		if home.String() != m[0]+"/"+m[1] || old == nil || old.String() != m[2]+"/"+m[3] {
			t.Errorf("ResolveOption(%s, %s) = %v, %v; want %s/%s, once %s/%s", section, key, home, old, m[0], m[1], m[2], m[3])
		}
	}
	for _, m := range moves {
		check(m[2], m[3], moved[m[2]+"/"+m[3]])
		if _, both := moved[m[0]+"/"+m[1]]; !both {
			check(m[0], m[1], m)
		}
	}
}

func compareSensitive(t *testing.T, want []string) {
	t.Helper()
	for _, name := range want {
		section, key, _ := strings.Cut(name, "/")
		if !airflow.SensitiveOption(section, key) {
			t.Errorf("SensitiveOption(%s) = false", name)
		}
	}
	options, err := airflow.Options()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range options {
		name := o.Section + "/" + o.Key
		i := sort.SearchStrings(want, name)
		listed := i < len(want) && want[i] == name
		if airflow.SensitiveOption(o.Section, o.Key) != listed || o.Sensitive != listed {
			t.Errorf("%s: sensitive is %v here, %v in the catalogue, %v in Airflow",
				name, airflow.SensitiveOption(o.Section, o.Key), o.Sensitive, listed)
		}
	}
}

func TestLookupOption(t *testing.T) {
	for _, c := range []struct {
		section, key, want string
		known, has         bool
	}{
		{"core", "dags_folder", "/h/dags", true, true},
		{"core", "parallelism", "32", true, true},
		{"core", "fernet_key", "", true, true},
		{"core", "default_timezone", "utc", true, true},
		{"database", "sql_alchemy_conn", "sqlite:////h/airflow.db", true, true},
		{"database", "sql_alchemy_conn_async", "", true, false},
		{"api", "secret_key", "K", true, true},
		{"core", "no_such_option", "", false, false},
		{"", "", "", false, false},
		{"core\"", "x\n", "", false, false},
	} {
		o, known := airflow.LookupOption(c.section, c.key)
		if known != c.known || o.HasDefault != c.has || o.DefaultWith("/h", "K") != c.want {
			t.Errorf("LookupOption(%q, %q) = %+v, %v; want default %q", c.section, c.key, o, known, c.want)
		}
	}
}

// TestLookupOptionFindsAll proves that the short cut of finding one line
// agrees with decoding the whole catalogue.
func TestLookupOptionFindsAll(t *testing.T) {
	options, err := airflow.Options()
	if err != nil {
		t.Fatal(err)
	}
	if len(options) < 300 {
		t.Fatalf("only %d options", len(options))
	}
	for _, want := range options {
		if got, ok := airflow.LookupOption(want.Section, want.Key); !ok || got != want {
			t.Errorf("LookupOption(%q, %q) = %+v, %v; want %+v", want.Section, want.Key, got, ok, want)
		}
	}
}

func TestResolveOption(t *testing.T) {
	for _, c := range []struct{ section, key, home, old string }{
		{"core", "parallelism", "core/parallelism", ""},
		{"database", "sql_alchemy_conn", "database/sql_alchemy_conn", "core/sql_alchemy_conn"},
		{"core", "sql_alchemy_conn", "database/sql_alchemy_conn", "core/sql_alchemy_conn"},
		// An option that is at once a new home and an old one is taken as the old one.
		{"api", "page_size", "api/fallback_page_limit", "api/page_size"},
		{"webserver", "page_size", "api/page_size", "webserver/page_size"},
	} {
		home, old := airflow.ResolveOption(c.section, c.key)
		was := ""
		if old != nil {
			was = old.String()
		}
		if home.String() != c.home || was != c.old {
			t.Errorf("ResolveOption(%s, %s) = %v, %q; want %v, %q", c.section, c.key, home, was, c.home, c.old)
		}
	}
}

func BenchmarkLookupOption(b *testing.B) {
	for b.Loop() {
		airflow.LookupOption("workers", "secrets_backend_kwargs")
	}
}
