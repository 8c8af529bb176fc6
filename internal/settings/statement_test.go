package settings

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
)

// statementLines shows a statement with what stands at its ranges.
func statementLines(text string, list []Statement) []string {
	var lines []string
	for _, s := range list {
		line := fmt.Sprintf("%d %s=%s | %s | %s | %s", s.Line, s.Name, s.Value, s.Key.in(text), s.Text.in(text), s.Whole.in(text))
		switch {
		case s.Refused != "":
			line += " | refused"
		case !s.Set:
			line += " | unset"
		case !s.Known:
			line += " | unknown"
		}
		lines = append(lines, line)
	}
	return lines
}

func (r Range) in(text string) string {
	if r.Start < 0 || r.Start > r.End || r.End > len(text) {
		return "OUT OF THE TEXT"
	}
	return text[r.Start:r.End]
}

func TestReadDotEnv(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"plain", "A=1\n  B = two words # c\n", []string{"1 A=1 | A | 1 | A=1", "2 B=two words | B | two words | B = two words # c"}},
		{"quotes", "export A='x' # c\nB=\"y\\n\"", []string{"1 A=x | A | 'x' | export A='x'", "2 B=y\n | B | \"y\\n\" | B=\"y\\n\""}},
		{"windows lines", "A='1\r\n2'\r\nB=3\r\n", []string{"1 A=1\r\n2 | A | '1\r\n2' | A='1\r\n2'", "3 B=3 | B | 3 | B=3"}},
		{"an empty value", "A=\nB=1\n", []string{"1 A= | A |  | A=", "2 B=1 | B | 1 | B=1"}},
		{"a comment for a value", "A= # secret\n", []string{"1 A=# secret | A | # secret | A= # secret"}},
		{"a name alone", "A\nIN\n", []string{"1 A= | A |  | A | unset", "2 IN=in | IN |  | IN"}},
		{"a variable that is not set", "A=$B\nC=${B:-d}\n", []string{"1 A= | A | $B | A=$B | unknown", "2 C=d | C | ${B:-d} | C=${B:-d}"}},
		{"refused, and what is behind", "A B=1\nC=2\n", []string{"1 A B= | A B | 1 | A B=1 | refused", "2 C=2 | C | 2 | C=2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := statementLines(c.text, ReadDotEnv(c.text, func(name string) (string, bool) { return "in", name == "IN" }))
			if !slices.Equal(got, c.want) {
				t.Errorf("ReadDotEnv:\n%q\nwant:\n%q", got, c.want)
			}
		})
	}
}

func TestReadDockerfile(t *testing.T) {
	for _, c := range []struct {
		name, text    string
		want, refused []string
	}{
		{"pairs", "FROM x\nENV A=1 B=\"2 3\" \\\n # c\n  C='$A'\n", []string{
			"2 A=1 | A | 1 | A=1", "2 B=2 3 | B | \"2 3\" | B=\"2 3\"", "4 C=$A | C | '$A' | C='$A'",
		}, nil},
		{"one pair is the instruction", "FROM x\n  ENV A=1  \n", []string{"2 A=1 | A | 1 | ENV A=1"}, nil},
		{"a value over two lines", "FROM x\nENV A='1\\\n2' B=\n", []string{"2 A=12 | A | '1\\\n2' | A='1\\\n2'", "3 B= | B |  | B="}, nil},
		{"the old form", "FROM x\nENV A b  c\n", []string{"2 A=b  c | A | b  c | ENV A b  c"}, nil},
		{"the old form with a comment", "FROM x\nENV A b # c\n", []string{"2 A=b # c | A | b # c | ENV A b # c"}, []string{"2 A=b # c | A | # c | ENV A b # c | refused"}},
		{"a comment", "FROM x\nENV A=\"1\" # c d\nENV B=2\n", []string{"2 A=1 | A | \"1\" | ENV A=\"1\" # c d", "3 B=2 | B | 2 | ENV B=2"},
			[]string{"2 = |  | # c d | ENV A=\"1\" # c d | refused"}},
		{"the same name in a value", "FROM x\nENV A=B=1 B=1\n", []string{"2 A=B=1 | A | B=1 | A=B=1", "2 B=1 | B | 1 | B=1"}, nil},
		{"a variable that is not set", "FROM x\nENV A=$Z\n", []string{"2 A= | A | $Z | ENV A=$Z | unknown"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			image := ReadDockerfile(c.text)
			if got := statementLines(c.text, image.Env); !slices.Equal(got, c.want) {
				t.Errorf("Env:\n%q\nwant:\n%q", got, c.want)
			}
			if got := statementLines(c.text, image.Refused); !slices.Equal(got, c.refused) {
				t.Errorf("Refused:\n%q\nwant:\n%q", got, c.refused)
			}
		})
	}
}

func TestReadDockerfileInstructions(t *testing.T) {
	const text = "FROM x AS one\nRUN a \\\n  b\nFROM y\nRUN other\nFROM one\nRUN c\n"
	image := ReadDockerfile(text)
	var got []string
	for _, i := range append(image.Froms, image.Runs...) {
		got = append(got, i.Text+" | "+i.Whole.in(text)+" | "+i.Of(0, 1).in(text)+" | "+i.Of(len(i.Text)-1, len(i.Text)).in(text))
	}
	want := []string{
		"x AS one | FROM x AS one | x | e", "one | FROM one | o | e", "a   b | RUN a \\\n  b | a | b", "c | RUN c | c | c",
	}
	if !slices.Equal(got, want) {
		t.Errorf("instructions:\n%q\nwant:\n%q", got, want)
	}
}

func TestReadConfig(t *testing.T) {
	const text = "[secrets]\r\nbackend = a\r\n# c\r\n  kwargs: {\r\n    x}\r\n\r\n[b]\r\nempty =\r\nbad = %x\r\n[DEFAULT]\r\nd = 1\r\n"
	options, err := ReadConfig("airflow.cfg", text)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range options {
		got = append(got, fmt.Sprintf("%s=%s %v | %s | %s | %s", o.Home, o.Value, o.Known, o.Key.in(text), o.Text.in(text), o.Whole.in(text)))
	}
	want := []string{
		"secrets/backend=a\nkwargs: {\nx} true | backend | a\r\n# c\r\n  kwargs: {\r\n    x} | backend = a\r\n# c\r\n  kwargs: {\r\n    x}",
		"b/empty= true | empty |  | empty =", "b/bad= false | bad | %x | bad = %x",
	}
	if !slices.Equal(got, want) {
		t.Errorf("ReadConfig:\n%q\nwant:\n%q", got, want)
	}
	_, err = ReadConfig("airflow.cfg", "[a]\nb = 1\nb = 2\n")
	if line, reason := LineOf(err); line != 3 || !strings.Contains(reason, "second time") {
		t.Errorf("LineOf = %d, %q", line, reason)
	}
}

// FuzzStatements compares what is read statement by statement with what
// docker compose reads of the text as a whole.
func FuzzStatements(f *testing.F) {
	f.Add("A=1\nexport B='x\ny' # c\nC=\"$A\"\nD\n")
	f.Add("FROM x\nENV A=1 \\\n# c\n B=2\nENV C d # e\nENV A=\"1\" # c\n")
	f.Add("[a]\nb = c\n  d\n\n%e: f\n")
	f.Fuzz(func(t *testing.T, text string) {
		unset := func(string) (string, bool) { return "", false }
		list := ReadDotEnv(text, unset)
		image := ReadDockerfile(text)
		options, _ := ReadConfig("airflow.cfg", text)
		for _, s := range slices.Concat(list, image.Env, image.Refused) {
			for _, r := range []Range{s.Key, s.Text, s.Whole} {
				if r.in(text) == "OUT OF THE TEXT" {
					t.Errorf("%+v of %d bytes", r, len(text))
				}
			}
		}
		for _, o := range options {
			for _, r := range []Range{o.Key, o.Text, o.Whole} {
				if r.in(text) == "OUT OF THE TEXT" {
					t.Errorf("%+v of %d bytes", r, len(text))
				}
			}
		}
		whole, err := dotenv.UnmarshalWithLookup(text, unset)
		if err != nil || strings.Contains(text, "$") {
			return
		}
		own := map[string]string{"": whole[""]}
		for _, s := range list {
			if s.Set {
				own[s.Name] = s.Value
			}
		}
		for name, value := range whole {
			if own[name] != value {
				t.Errorf("%q = %q, docker compose has %q", name, own[name], value)
			}
		}
	})
}
