package project

import (
	"testing"
)

// checkSpans fails where anything found does not stand within its file.
func checkSpans(t *testing.T, p *Project) {
	t.Helper()
	known := map[*File]bool{}
	for _, f := range p.Files {
		known[f] = true
	}
	check := func(what string, s Span) {
		if s.File == nil {
			return
		}
		if !known[s.File] {
			t.Errorf("%s: its file is not one of the project", what)
		}
		if s.Start < 0 || s.Start > s.End || s.End > len(s.File.Text) {
			t.Errorf("%s: bytes %d to %d of %d", what, s.Start, s.End, len(s.File.Text))
		}
	}
	for _, env := range p.Environments {
		for _, s := range env.Settings {
			check("key", s.Key)
			check("text", s.Text)
			check("whole", s.Whole)
			if s.Exact && (s.Start < s.Text.Start || s.Start+len(s.Value) > len(s.Text.File.Text) || s.Text.File.Text[s.Start:s.Start+len(s.Value)] != s.Value) {
				t.Errorf("%s is not exact", s.Name)
			}
		}
	}
	for _, e := range p.Entries {
		check("entry", e.Span)
		check("entry's name", e.At)
	}
	for _, c := range p.Commands {
		check("command", c.Span)
		for _, w := range c.Words {
			check("word", w.Span)
		}
		for _, w := range c.Assigns {
			check("assignment", w.Span)
		}
		if c.Input != nil {
			check("input", c.Input.Span)
		}
	}
	for _, policy := range p.Policies {
		check("policy", policy.Span)
		for _, g := range policy.Rules {
			check("grant", g.Span)
		}
	}
	for _, r := range p.Requirements {
		check("requirement", r.Span)
	}
	for _, problem := range p.Problems {
		check("problem", problem.Span)
	}
}

// FuzzRead reads a text under every kind of name.
func FuzzRead(f *testing.F) {
	names := []string{
		".env", "Dockerfile", "airflow.cfg", "requirements.txt", "values.yaml", "pod.yaml", "airflow_settings.yaml", "docker-compose.override.yml",
		"deployment.yaml", "connections.json", "variables.yaml", "policy.json", "policy.hcl", "a.sh", "a.md", "anything",
	}
	for _, text := range []string{
		"A='1' # x\nexport B=\"$A\\n\"\nC", "FROM x AS y\nENV A=1 B=\"2\" \\\n# c\n C=3\nENV D e # f\nRUN pip install x",
		"[a]\nb = %(c)s\n  d\nc: e\n", "a[b]==1 # c\n-r x\nb @ c\n", "env: &e\n- {name: AIRFLOW_A, value: |-\n    b}\nextraEnv: |\n  - {name: AIRFLOW_B, value: 'x'}\nx: *e\n",
		"apiVersion: v1\nkind: Secret\ndata: {AIRFLOW_A: eA==}\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{env: [{name: AIRFLOW_B}]}]}\n",
		"airflow:\n  connections:\n  - conn_id: a\n    conn_extra: {b: c}\n", "services: {a: {environment: [AIRFLOW_A=$B]}}\n",
		"deployment: {environment_variables: [{key: a, value: \"b\\u00e9\"}]}\n", "{\"a\": \"b://\", \"c\": {\"conn_type\": \"\"}}",
		"{\"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"a\"}]}", "path \"a\" { capabilities = [\"read\"] }\n",
		"export AIRFLOW_A=1\nvault kv put -mount=a b c=d <<E\nx\nE\necho a | gcloud secrets versions add b --data-file=-\n",
		"  ```sh\n  vault policy write a - <<E\n  path \"b\" {}\n  E\n  ```\n~~~console\n$ a\nb\n~~~\n", "a: >\n\u2028 b\n\u0085c: |2\n   d\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range names {
			checkSpans(t, readText(t, name, text))
		}
	})
}

// readText reads one file without a folder.
func readText(t *testing.T, name, text string) *Project {
	r := &reader{project: &Project{}, order: map[*File]int{}}
	kind, certain := kindOf(name, "")
	if kind == "" {
		kind, certain = unknown, true
	}
	r.file(&File{Path: name, Kind: kind, Text: text}, listed{path: name, kind: kind, certain: certain})
	r.finish()
	return r.project
}
