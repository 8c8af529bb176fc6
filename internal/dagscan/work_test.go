package dagscan

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const imports = "from airflow.sdk import DAG, Variable\nfrom airflow.operators.bash import BashOperator\nimport os\n"

// hostile are files that make some part of the script do all it can, by about
// how many bytes they have. Those of the first list are read to their end.
func hostile() (linear, bounded map[string]func(n int) string) {
	many := strings.Repeat
	numbered := func(n int, line string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(line, "NR", fmt.Sprint(i)))
		}
		return b.String()
	}
	linear = map[string]func(n int) string{
		"braces":           func(n int) string { return "x = '" + many("{", n) + "'\n" },
		"percent signs":    func(n int) string { return "x = '" + many("{%", n/2) + "'\n" },
		"both":             func(n int) string { return "x = '" + many("{{{%", n/4) + "'\n" },
		"braces in a task": func(n int) string { return imports + "BashOperator(bash_command='" + many("{", n) + "')\n" },
		"quotes":           func(n int) string { return `x = """{{` + many("conn['", n/6) + `}}"""` },
		"blanks":           func(n int) string { return `x = """{{ conn[` + many(" ", n) + ` }}"""` },
		"empty lines": func(n int) string {
			return imports + many(`BashOperator(bash_command="""`+many("\n", 4000)+`""")`+"\n", n/4000)
		},
		"templates":   func(n int) string { return `x = """` + many("{{ var.value.a }}\n", n/18) + `"""` },
		"a line":      func(n int) string { return imports + many("Variable.get('a');", n/18) },
		"lambdas":     func(n int) string { return many("x = lambda a: a\n", n/16) },
		"short lines": func(n int) string { return many("a\n", n/2) },
		"deep braces": func(n int) string { return many("{", n) },
	}
	bounded = map[string]func(n int) string{
		"a string that doubles": func(n int) string { return "a = 'aaaa'\n" + many("a = f'{a}{a}'\n", n/14) },
		"strings of several":    func(n int) string { return "a = 'a' if x else 'b'\nb = a\n" + many("a = a + b\n", n/10) },
		"a list that grows":     func(n int) string { return "a = [1]\n" + many("a = a + [1]\n", n/12) },
		"look-ups":              func(n int) string { return "d = {" + numbered(n/20, "'kNR': 1, ") + "}\n" + many("d['k']\n", n/14) },
		"branches":              func(n int) string { return numbered(n/18, "vNR = 1\n") + many("if x:\n a = 1\n", n/28) },
		"formats":               func(n int) string { return "a = '" + many("{", 3900) + "'\n" + many("a.format(1)\n", n/12) },
		"percent formats":       func(n int) string { return "a = '" + many("%(", 2000) + "'\n" + many("a % 1\n", n/6) },
		"lists of themselves":   func(n int) string { return imports + "a = [1]\n" + many("a = [a, a]\n", 60) + many("print(a)\n", n/9) },
		"a long list again":     func(n int) string { return "a = [" + many("1,", n/4) + "]\n" + many("[x for x in a]\n", n/30) },
	}
	return linear, bounded
}

// A file costs in proportion to its size, or what any file may cost at most.
func TestTheWorkOfAFile(t *testing.T) {
	const most = 100_000
	linear, bounded := hostile()
	p := asking(t, "")
	for name, text := range linear {
		small, large := p(text(20_000)), p(text(80_000))
		if unfinished(small) || unfinished(large) || large.Steps > 5*small.Steps {
			t.Errorf("%s: %d steps, and %d for four times as much: %v", name, small.Steps, large.Steps, large.Smells)
		}
	}
	p = asking(t, fmt.Sprint(most))
	for name, text := range bounded {
		if a := p(text(80_000)); !unfinished(a) || a.Steps > most+most/2 {
			t.Errorf("%s: %d steps, %v", name, a.Steps, a.Smells)
		}
	}
}

// What stands after many braces is found.
func TestTemplatesAfterBraces(t *testing.T) {
	a := asking(t, "")("x = '" + strings.Repeat("{%{{", 10_000) + " var.value.a }} {% if conn.b %} {{ {{ conn.c }} {{'\n")
	var ids []string
	for _, u := range a.Uses {
		ids = append(ids, u.ID)
	}
	if got := strings.Join(ids, " "); got != "a b c" {
		t.Errorf("found %q", got)
	}
}

// asking starts a process that is asked about files one by one, each of which
// may cost so many steps; "" is what they may otherwise.
func asking(t *testing.T, most string) func(text string) answer {
	t.Helper()
	source, err := script()
	if err != nil {
		t.Fatal(err)
	}
	if most != "" {
		changed := strings.Replace(source, "MOST_STEPS = 4000000", "MOST_STEPS = "+most, 1)
		if changed == source {
			t.Fatal("the script has no MOST_STEPS")
		}
		source = changed
	}
	p, _, err := startFirst(t.Context(), Options{Dir: t.TempDir(), Environ: os.Environ()}, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop() })
	return func(text string) answer {
		a, err := p.ask([]byte(text), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

func unfinished(a answer) bool { return len(a.Smells) == 1 && a.Smells[0].What == Unfinished }

// Each part of the budget ends the reading of the files that are left, each of
// which is named.
func TestTheBudgetOfAllFiles(t *testing.T) {
	const text = "from airflow.sdk import Variable\nVariable.get('a')\n"
	dir := t.TempDir()
	var files []string
	for i := range 12 {
		files = append(files, fmt.Sprintf("%02d.py", i))
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		budget Budget
		read   int
	}{
		{"the usual one", Budget{}, 12},
		{"bytes", Budget{Bytes: int64(3*len(text)) - 1}, 3},
		{"steps", Budget{Steps: 1}, 1},
		{"time", Budget{Time: 1}, 0},
	} {
		r, err := Scan(t.Context(), Options{Dir: dir, Files: files, Environ: os.Environ(), Budget: tt.budget})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Uses) != tt.read || len(r.Smells) != len(files)-tt.read {
			t.Errorf("%s: %d files are read, %d are not", tt.name, len(r.Uses), len(r.Smells))
		}
		for i, s := range r.Smells {
			if s.What != Unfinished || s.Place.File != files[tt.read+i] {
				t.Errorf("%s: %+v", tt.name, s)
			}
		}
	}
}
