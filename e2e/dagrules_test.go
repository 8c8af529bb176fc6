package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// parsed is what parse_dags.py prints of one folder.
type parsed struct {
	Errors map[string]string
	Asked  []string
}

// parseProjects lets Airflow parse the DAGs of projects of the corpus of
// `airlock check`.
func parseProjects(t *testing.T, names ...string) []parsed {
	t.Helper()
	args := []string{script(t, "parse_dags.py")}
	for _, name := range names {
		args = append(args, dagsOf(t, name))
	}
	out := newAirflow(t).program(t, "python").
		with("AIRFLOW__SECRETS__BACKEND=recording_backend.Recording", "PYTHONPATH="+filepath.Dir(args[0])).ok(t, args...)
	got := lastLine[[]parsed](t, out)
	if len(got) != len(names) {
		t.Fatalf("there are %d answers for %d projects", len(got), len(names))
	}
	return got
}

// dagsOf is a folder with the DAG files of a project.
func dagsOf(t *testing.T, project string) string {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("..", "internal", "check", "testdata", "projects", project+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "dags/") {
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.Name)), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// lastLine reads the JSON that a script prints last.
func lastLine[T any](t *testing.T, out string) T {
	t.Helper()
	var got T
	out = strings.TrimSpace(out)
	if err := json.Unmarshal([]byte(out[strings.LastIndexByte(out, '\n')+1:]), &got); err != nil {
		t.Fatalf("reading the answer: %v in\n%s", err, masked(out))
	}
	return got
}

// What the rules about DAGs say that Airflow 3 does not load, it does not.
func TestAirflowDoesNotLoad(t *testing.T) {
	t.Parallel()
	tests := []struct{ project, file, err string }{
		{"dag-schedule-interval", "nightly.py", "TypeError: DAG.__init__() got an unexpected keyword argument 'schedule_interval'"},
		{"guide-test-dag", "example_secrets_dag.py", "TypeError: DAG.__init__() got an unexpected keyword argument 'schedule_interval'"},
		{"dag-old-import", "copy.py", "ModuleNotFoundError: No module named 'airflow.contrib'"},
		{"dag-syntax", "broken.py", "SyntaxError: "},
	}
	var projects []string
	for _, test := range tests {
		projects = append(projects, test.project)
	}
	all := parseProjects(t, projects...)
	for i, test := range tests {
		t.Run(test.project, func(t *testing.T) {
			if got := all[i]; !strings.HasPrefix(got.Errors[test.file], test.err) || len(got.Errors) != 1 {
				t.Errorf("Airflow's import errors: %q, want %q", got.Errors, test.err)
			}
		})
	}
}

// What is said to be asked for at every parse is what a parse asks for, as
// often as that.
func TestAirflowAsksAtImport(t *testing.T) {
	t.Parallel()
	all := parseProjects(t, "dag-reads-at-import", "dag-schedule-interval-airflow-2", "dag-prints-secret")
	got := all[0]
	want := []string{"connection ingest_api", "variable ingest_bucket", "variable ingest_bucket", "variable ingest_owner",
		"variable schedule_acme", "variable schedule_umbrella"}
	if !slices.Equal(got.Asked, want) || len(got.Errors) != 0 {
		t.Errorf("parsing asked for %q, want %q (errors: %q)", got.Asked, want, got.Errors)
	}
	if got := all[1]; len(got.Errors) != 1 {
		t.Errorf("a DAG for Airflow 2: errors %q", got.Errors)
	}
	if got := all[2]; len(got.Asked) != 0 || len(got.Errors) != 0 {
		t.Errorf("DAGs that ask in tasks ask for %q when parsed (errors: %q)", got.Asked, got.Errors)
	}
}

// The list of old imports: none works, and what is named instead does.
func TestOldImports(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile(filepath.Join("..", "internal", "dagscan", "imports.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := newAirflow(t).program(t, "python").reading(string(list)).ok(t, script(t, "import_all.py"))
	got := lastLine[struct{ Works, Missing []string }](t, out)
	if len(got.Works) > 0 {
		t.Errorf("Airflow imports %q", got.Works)
	}
	if len(got.Missing) > 0 {
		t.Errorf("Airflow does not import %q", got.Missing)
	}
}
