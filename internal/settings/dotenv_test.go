package settings

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"

	"github.com/airlock-secrets/airlock/store"
)

func nothing(string) (string, bool) { return "", false }

func TestDotEnv(t *testing.T) {
	process := func(name string) (string, bool) { return "from-process", name == "IN_PROCESS" }
	for _, c := range []struct {
		name, text string
		want       []entry
	}{
		{"plain", "A=1\nB=two words\n", []entry{{"A", "1", 1}, {"B", "two words", 2}}},
		{"no newline at the end", "A=1", []entry{{"A", "1", 1}}},
		{"blank lines and comments", "\n# c\n\n  # d = e\n A = 1 # tail\n", []entry{{"A", "1", 5}}},
		{"export", "export A=1\n  export\tB=2\n", []entry{{"A", "1", 1}, {"B", "2", 2}}},
		{"windows lines", "A=1\r\nB='2'\r\nC=\r\n", []entry{{"A", "1", 1}, {"B", "2", 2}, {"C", "", 3}}},
		{"single quotes keep everything", `A='{"a": "$X # \n"}'`, []entry{{"A", `{"a": "$X # \n"}`, 1}}},
		{"double quotes", `A="a\"b\n$IN_PROCESS"`, []entry{{"A", "a\"b\nfrom-process", 1}}},
		{"json without quotes", `A={"a": "b", "c": null}`, []entry{{"A", `{"a": "b", "c": null}`, 1}}},
		{"json in double quotes without escapes", "A=\"{\\\"a\\\": 1}\"\nB=2", []entry{{"A", `{"a": 1}`, 1}, {"B", "2", 2}}},
		{"several lines in quotes", "A=\"one\ntwo\"\nB=3\n", []entry{{"A", "one\ntwo", 1}, {"B", "3", 3}}},
		{"yaml style", "A: 1\n", []entry{{"A", "1", 1}}},
		{"earlier variable", "A=1\nB=${A}2\nC=${D:-x}\n", []entry{{"A", "1", 1}, {"B", "12", 2}, {"C", "x", 3}}},
		{"dollar twice", "A=a$$b\n", []entry{{"A", "a$b", 1}}},
		{"a name alone takes the process's value", "IN_PROCESS\nNOT_THERE\n", []entry{{"IN_PROCESS", "from-process", 1}}},
		{"the seed's line", "AIRFLOW__SECRETS__BACKEND=\"airflow.contrib.secrets.hashicorp_vault.VaultBackend\"\n",
			[]entry{{"AIRFLOW__SECRETS__BACKEND", "airflow.contrib.secrets.hashicorp_vault.VaultBackend", 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, err := parseDotEnv(".env", c.text, process)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(c.want) {
				t.Fatalf("parseDotEnv = %+v, want %+v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("entry %d = %+v, want %+v", i, got[i], c.want[i])
				}
			}
		})
	}
}

func TestDotEnvErrors(t *testing.T) {
	for _, c := range []struct{ name, text, at, says string }{
		{"an open quote", "A=1\n\nB='s3cret\nC=2\n", ".env:3", "not closed"},
		{"a lone dollar", "A=1\nB=s3cret${ x\n", ".env:2", "starts no variable"},
		{"a bad name", "A=1\n\"s3cret\"=2\n", ".env:2", "name"},
		{"a Dockerfile line", "ENV A=s3cret\n", ".env:1", "space"},
		{"a required variable", "A=${B:?s3cret}\n", ".env:1", "requires"},
		{"lines that double each other", doubling(), "", "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := parseDotEnv(".env", c.text, nothing)
			if store.CodeOf(err) != store.Invalid || !strings.Contains(err.Error(), c.at) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("parseDotEnv = %v, want an error at %s that says %q", err, c.at, c.says)
			}
			if strings.Contains(err.Error()+store.Hint(err), "s3cret") {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
}

// doubling is a small file whose values would take all memory.
func doubling() string {
	var b strings.Builder
	b.WriteString("A00=0123456789\n")
	for i := range 60 {
		b.WriteString(strings.NewReplacer("N", itoa(i+1), "P", itoa(i)).Replace("AN=${AP}${AP}\n"))
	}
	return b.String()
}

func itoa(i int) string { return string([]byte{byte('0' + i/10), byte('0' + i%10)}) }

func TestDotEnvNotesUnsetVariables(t *testing.T) {
	entries, notes, err := parseDotEnv(".env", "A=1\nPASSWORD=pa$word\n", nothing)
	if err != nil || len(entries) != 2 || entries[1].value != "pa" {
		t.Fatalf("parseDotEnv = %+v, %v", entries, err)
	}
	if len(notes) != 1 || notes[0].Origin.Line != 2 || strings.Contains(notes[0].Text, "word names") {
		t.Errorf("notes = %v", notes)
	}
}

// FuzzDotEnv proves that cutting a file into statements changes nothing of
// what compose reads.
func FuzzDotEnv(f *testing.F) {
	for _, seed := range []string{
		"A=1\nB='2'\n", "export A=\"x\ny\" # c\nB=${A:-z}", "A: b\n#c\n\nC", "export\nA=1", "A='a\\'b' B=2\n", "A=$", "A B=1",
		"\"A\"=1", "A=1\r\nB=\r\n", "[a.b-c]=1\n=x\n", "A=\"\\\\\"\nB=1", "A=\u00a0\u0085 x", "A=${B:+c}${A}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 || strings.Count(text, "$") > 20 {
			return
		}
		want, wantErr := dotenv.UnmarshalWithLookup(text, nil)
		delete(want, "")
		got, _, err := parseDotEnv(".env", text, nothing)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("error is %v, compose's is %v", err, wantErr)
		}
		if err != nil {
			return
		}
		values := map[string]string{}
		for _, e := range got {
			values[e.name] = e.value
		}
		if len(values) != len(want) {
			t.Fatalf("variables are %q, compose's are %q", values, want)
		}
		for name, v := range want {
			if values[name] != v {
				t.Errorf("%s is %q, compose's is %q", name, values[name], v)
			}
		}
	})
}
