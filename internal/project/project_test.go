package project

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folderOf writes files into a new folder.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func readFolder(t testing.TB, files map[string]string) *Project {
	t.Helper()
	p, err := Read(t.Context(), Options{Path: folderOf(t, files)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// where says where a span is, and what stands there.
func where(s Span) string {
	line, column := s.Position()
	return fmt.Sprintf("%s:%d:%d %s", s.Path(), line, column, s.Text())
}

func settingLines(env *Environment) []string {
	var lines []string
	for _, s := range env.Settings {
		exact := ""
		if s.Exact {
			exact = fmt.Sprintf(" exact@%d", s.Start-s.Text.Start)
		}
		value := s.Value
		if !s.Known {
			value = "?"
		}
		lines = append(lines, fmt.Sprintf("%s=%s%s | %s", s.Name, value, exact, where(s.Text)))
	}
	return lines
}

func problemLines(p *Project) []string {
	var lines []string
	for _, problem := range p.Problems {
		line, column := problem.Span.Position()
		lines = append(lines, fmt.Sprintf("%s:%d:%d %s: %s", problem.Span.Path(), line, column, problem.Rule, problem.Text))
	}
	return lines
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestAstroProject(t *testing.T) {
	p := readFolder(t, map[string]string{
		".env": "A=1\nB='{\"x\": 1}' # why\nexport C=\"a\\\"b\"\nD=$NOWHERE\nA=2\n",
		"Dockerfile": "FROM --platform=a x:1 AS b\nENV A=\"9\" Z=1\nENV AZURE_CLIENT_ID=\"abc\" # Found on the page\n" +
			"RUN pip install --no-cache-dir \\\n  'apache-airflow-providers-hashicorp>=3' apache_airflow[amazon]\n",
		"airflow.cfg":      "[secrets]\nbackend = a.b.C\nbackend_kwargs = {\"x\":\n  1}\n",
		"requirements.txt": "# none\nApache.Airflow-Providers_Google==1.0 # why\n-r x.txt\n./wheels/my_pkg-1.0-py3-none-any.whl\n",
		"dags/a.py":        "x",
		"include/b.py":     "x",
	})
	if len(p.Environments) != 1 || p.Environments[0].Kind != DotEnv {
		t.Fatalf("environments: %+v", p.Environments)
	}
	compare(t, "settings", settingLines(p.Environments[0]), []string{
		`A=2 exact@0 | .env:5:3 2`,
		`D=? | .env:4:3 $NOWHERE`,
		`C=a"b | .env:3:10 "a\"b"`,
		`B={"x": 1} exact@1 | .env:2:3 '{"x": 1}'`,
		`A=1 exact@0 | .env:1:3 1`,
		`AZURE_CLIENT_ID=abc exact@1 | Dockerfile:3:21 "abc"`,
		`Z=1 exact@0 | Dockerfile:2:13 1`,
		`A=9 exact@1 | Dockerfile:2:7 "9"`,
		`AIRFLOW__SECRETS__BACKEND=a.b.C exact@0 | airflow.cfg:2:11 a.b.C`,
		"AIRFLOW__SECRETS__BACKEND_KWARGS={\"x\":\n1} | airflow.cfg:3:18 {\"x\":\n  1}",
	})
	compare(t, "problems", problemLines(p), []string{
		"Dockerfile:3:27 comment-on-env-line: docker build refuses this ENV line, so it is ignored: a comment needs a line of its own, " +
			"after a value its words are taken for more name=value pairs",
	})
	var packages []string
	for _, r := range p.Requirements {
		packages = append(packages, r.Name+"|"+r.Spec+"|"+where(r.Span))
	}
	compare(t, "requirements", packages, []string{
		"apache-airflow-providers-hashicorp|>=3|Dockerfile:5:3 'apache-airflow-providers-hashicorp>=3'",
		"apache-airflow|[amazon]|Dockerfile:5:43 apache_airflow[amazon]",
		"apache-airflow-providers-google|==1.0|requirements.txt:2:1 Apache.Airflow-Providers_Google==1.0",
		"my-pkg||requirements.txt:4:1 ./wheels/my_pkg-1.0-py3-none-any.whl",
	})
	if got := where(p.Base.Span); p.Base.Image != "x:1" || got != "Dockerfile:1:19 x:1" {
		t.Errorf("base = %s at %s", p.Base.Image, got)
	}
	var files []string
	for _, f := range p.Files {
		files = append(files, f.Path+" "+string(f.Kind))
	}
	compare(t, "files", files, []string{
		".env .env", "Dockerfile Dockerfile", "airflow.cfg airflow.cfg", "dags/a.py DAG", "requirements.txt requirements",
	})
}
