package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// airflow is an installation of real Airflow: an AIRFLOW_HOME with a SQLite
// metadata database and the guide's DAG.
type airflow struct{ home string }

// template is an AIRFLOW_HOME after `airflow db migrate`, made once because
// the migration takes longer than a DAG run.
var template struct {
	once sync.Once
	home string
}

func newAirflow(t testing.TB) airflow {
	t.Helper()
	template.once.Do(func() { migrate(t) })
	if template.home == "" {
		t.Fatal("there is no migrated AIRFLOW_HOME: see the first test's failure")
	}
	a := airflow{home: t.TempDir()}
	if err := os.CopyFS(filepath.Join(a.home, "dags"), os.DirFS("testdata/dags")); err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(template.home, "airflow.db"), filepath.Join(a.home, "airflow.db"), nil)
	// The file names its own folder, the address of the database among others.
	copyFile(t, filepath.Join(template.home, "airflow.cfg"), filepath.Join(a.home, "airflow.cfg"),
		strings.NewReplacer(template.home, a.home))
	return a
}

func migrate(t testing.TB) {
	t.Helper()
	home, err := os.MkdirTemp(filepath.Dir(binary), "airflow-")
	if err != nil {
		t.Fatal(err)
	}
	airflow{home: home}.program(t, "airflow").ok(t, "db", "migrate")
	template.home = home
}

func copyFile(t testing.TB, from, to string, edit *strings.Replacer) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		b = []byte(edit.Replace(string(b)))
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// program is one of Airflow's programs in this installation.
func (a airflow) program(t testing.TB, name string) program {
	t.Helper()
	return tool(t, name).in(a.home).with("AIRFLOW_HOME="+a.home, "AIRFLOW__CORE__LOAD_EXAMPLES=False")
}

// runDAG runs the guide's DAG, whose task compares both values with want.
func (a airflow) runDAG(t testing.TB, want seeds, env ...string) result {
	t.Helper()
	return a.program(t, "airflow").with(env...).with(
		"EXPECTED_VARIABLE_SHA256="+digest(want.variable),
		"EXPECTED_CONNECTION_SHA256="+digest(want.connection),
	).run(t, "dags", "test", "example_secrets_dag")
}

// mustRunDAG is runDAG that fails the test unless the task found both values
// and said so in its log.
func (a airflow) mustRunDAG(t testing.TB, want seeds, env ...string) {
	t.Helper()
	r := a.runDAG(t, want, env...)
	if r.code != 0 {
		t.Fatalf("the DAG run failed:\n%s", r)
	}
	log := r.stdout + r.stderr
	for _, line := range []string{
		"SHA-256 of my variable is: " + digest(want.variable),
		"SHA-256 of my connection is: " + digest(want.connection),
	} {
		if !strings.Contains(log, line) {
			t.Errorf("the task's log has no line %q:\n%s", line, r)
		}
	}
}

// reading is what a program read: the digest of each value, or the name of an
// error.
type reading struct {
	Variable   string `json:"variable"`
	Connection string `json:"connection"`
}

// serverContext is what the scheduler's classes read.
func (a airflow) serverContext(t testing.TB, env ...string) reading {
	t.Helper()
	out := a.program(t, "python").with(env...).ok(t, script(t, "server_context.py"))
	var got reading
	if err := json.Unmarshal([]byte(out[strings.LastIndexByte(out, '\n')+1:]), &got); err != nil {
		t.Fatalf("reading the answer: %v in\n%s", err, masked(out))
	}
	return got
}

// setRows writes both values to the metadata database; nil deletes them.
func (a airflow) setRows(t testing.TB, s *seeds) {
	t.Helper()
	rows := map[string]string{}
	if s != nil {
		rows["variable"], rows["connection"] = s.variable, s.connection
	}
	in, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	a.program(t, "python").reading(string(in)).ok(t, script(t, "database_row.py"))
}

func script(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}
