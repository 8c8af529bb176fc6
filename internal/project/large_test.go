//go:build !race

// One goroutine reads all of this: the race detector would find nothing, and
// take minutes for it.

package project

import (
	"fmt"
	"strings"
	"testing"
)

// TestHostileText reads texts that are made to take long, or to nest deep.
// What takes time with the square of them does not end within the time that a
// test has.
func TestHostileText(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	var containers strings.Builder
	containers.WriteString("apiVersion: v1\nkind: Pod\nspec:\n  x: &e\n")
	for i := range 5000 {
		fmt.Fprintf(&containers, "  - {name: AIRFLOW_%d, value: x}\n", i)
	}
	containers.WriteString("  containers:\n" + strings.Repeat("  - {env: *e}\n", 20_000))
	merges := "x0: &x0 {a: b}\n"
	for i := range 2000 {
		merges += fmt.Sprintf("x%d: &x%d {<<: *x%d, c%d: d}\n", i+1, i+1, i, i)
	}
	for _, c := range []struct{ name, path, text string }{
		{"aliases of aliases", "values.yaml", bomb + "env: *y\nconfig: {a: *y}\n"},
		{"aliases as environments", "pod.yaml", containers.String()},
		{"merges", "values.yaml", merges + "config: {a: *x2000}\nenv: [*x2000]\n"},
		{"brackets", "values.yaml", "env: " + strings.Repeat("[", 500_000)},
		{"closed brackets", "values.yaml", "env: " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000)},
		{"dashes", "values.yaml", "env:\n" + strings.Repeat("- ", 400_000)},
		{"one long line", "variables.json", "{" + strings.Repeat(`"é":"é",`, 90_000) + `"b":1}`},
		{"connections on one line", "connections.json", "{" + strings.Repeat(`"é":{"conn_type":"é"},`, 35_000) + `"b":"a://"}`},
		{"many block scalars", "variables.yaml", strings.Repeat("a: |\n  x\n", 100_000)},
		{"many texts as values", "values.yaml", "extraSecrets:\n" + strings.Repeat("  a:\n    data: |\n      x: y\n", 30_000)},
		{"many documents", "values.yaml", "env: []\n" + strings.Repeat("---\n", 200_000)},
		{"parentheses", "a.sh", strings.Repeat("(", 200_000)},
		{"substitutions", "a.sh", strings.Repeat("$(", 120_000)},
		{"ifs", "a.sh", strings.Repeat("if ", 80_000)},
		{"nots", "a.sh", strings.Repeat("! ", 120_000)},
		{"quotes", "a.sh", strings.Repeat("\"`", 120_000)},
		{"mistakes", "a.sh", strings.Repeat("a )\n", 60_000)},
		{"fences", "a.md", strings.Repeat("```sh\na )\n```\n", 50_000)},
		{"one fence", "a.md", "```sh\n" + strings.Repeat("a b\n", 60_000) + "```\n"},
		{"hcl", "a.hcl", "path \"a\" {\n x = " + strings.Repeat("!", 120_000)},
		{"hcl brackets", "a.hcl", "path \"a\" {\n x = " + strings.Repeat("[", 120_000)},
		{"json", "p.json", `{"Statement": ` + strings.Repeat("[", 500_000)},
		{"statements", "p.json", `{"Statement": [` + strings.Repeat(`{"Effect":"Allow"},`, 50_000) + `{}]}`},
		{"dotenv", ".env", strings.Repeat("A B\n", 200_000)},
		{"dotenv variables", ".env", "A=0123456789\n" + strings.Repeat("A=$A$A\n", 100_000)},
		{"dockerfile", "Dockerfile", "FROM x\n" + strings.Repeat("ENV A=1 \\\n B=2\n", 60_000)},
		{"dockerfile words", "Dockerfile", "FROM x\nENV" + strings.Repeat(" A=1", 250_000)},
		{"config", "airflow.cfg", "[a]\n" + strings.Repeat("b = 1\n", 100_000)},
		{"requirements", "requirements.txt", strings.Repeat("a \\\n", 250_000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkSpans(t, readFolder(t, map[string]string{c.path: c.text}))
		})
	}
}
