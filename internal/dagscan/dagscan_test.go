package dagscan_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/dagscan"
)

// scanFiles scans files by name, written to a folder of their own.
func scanFiles(t *testing.T, files map[string]string, names ...string) *dagscan.Result {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := dagscan.Scan(context.Background(), dagscan.Options{Dir: dir, Files: names, Environ: []string{"PATH=" + os.Getenv("PATH")}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Skipped != "" {
		t.Fatal(r.Skipped)
	}
	return r
}

// told is a result, a line for each thing found:
//
//	LINE:COLUMN KIND ID VIA [import] [default]
//	LINE:COLUMN WHAT TEXT [ID]
//
// PREFIX... stands for an id whose rest is made at run time.
func told(r *dagscan.Result) string {
	var b strings.Builder
	for _, u := range r.Uses {
		id := u.ID
		if id == "" {
			id = u.Prefix + "..."
		}
		fmt.Fprintf(&b, "%d:%d %s %s %s", u.Place.Line, u.Place.Column, u.Kind, id, u.Via)
		if u.Import {
			b.WriteString(" import")
		}
		if u.Default {
			b.WriteString(" default")
		}
		b.WriteString("\n")
	}
	for _, s := range r.Smells {
		fmt.Fprintf(&b, "%d:%d %s %s", s.Place.Line, s.Place.Column, s.What, s.Text)
		if s.ID != "" {
			b.WriteString(" " + s.ID)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// snippet is a file and what is found in it.
type snippet struct{ name, source, want string }

func runSnippets(t *testing.T, tests []snippet) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := told(scanFiles(t, map[string]string{"dag.py": strings.TrimPrefix(test.source, "\n")}, "dag.py"))
			if want := strings.TrimPrefix(test.want, "\n"); got != want {
				t.Errorf("got:\n%swant:\n%s", got, want)
			}
		})
	}
}

func TestUses(t *testing.T) {
	runSnippets(t, []snippet{
		{"Variable.get by every import", `
from airflow.models import Variable
from airflow.sdk import Variable as V
import airflow.models as m
import airflow.models.variable
def f():
    Variable.get("a")
    V.get(key="b", default=None)
    m.Variable.get("c", default_var=1)
    airflow.models.variable.Variable.get("d", "positional")
    Variable.setdefault("e", 1)
`, `
6:5 variable a Variable.get
7:5 variable b Variable.get default
8:5 variable c Variable.get default
9:5 variable d Variable.get default
10:5 variable e Variable.setdefault default
`},
		{"not Airflow's", `
from config import Variable, Connection
def f():
    Variable.get("a")
    Connection.get("b")
    pool.get_connection("c")
`, ""},
		{"connections", `
from airflow.hooks.base import BaseHook
from airflow.sdk import Connection
from airflow.providers.postgres.hooks.postgres import PostgresHook
class Own(BaseHook):
    def conn(self):
        return self.get_connection("own")
def f():
    BaseHook.get_connection("a")
    BaseHook.get_connection(conn_id="b")
    Connection.get("c")
    Connection.get_connection_from_secrets("d")
    PostgresHook("e").get_connection("f")
    PostgresHook(postgres_conn_id="g")
`, `
6:16 connection own BaseHook.get_connection
8:5 connection a BaseHook.get_connection
9:5 connection b BaseHook.get_connection
10:5 connection c Connection.get
11:5 connection d Connection.get_connection_from_secrets
12:5 connection f BaseHook.get_connection
12:18 connection e conn_id=
13:35 connection g conn_id=
`},
		{"conn ids of operators, default_args and parameters", `
from airflow.sdk import DAG, dag, task, Connection
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
ARGS = {"conn_id": "one", "aws_conn_id": "two"}
with DAG("d", default_args=ARGS):
    SQLExecuteQueryOperator(task_id="t", conn_id="three", sql="select 1")
    SQLExecuteQueryOperator(task_id="t", conn_id=None)
    SQLExecuteQueryOperator(task_id="t", conn_id=pick())
Connection(conn_id="made", conn_type="http")
@dag(schedule=None)
def d():
    @task
    def load(pg_conn_id="four"): ...
`, `
3:42 connection two conn_id=
4:28 connection one conn_id=
5:50 connection three conn_id=
12:25 connection four conn_id=
`},
		{"templates", `
"""Docs: {{ var.value.not_this }}"""
from airflow.providers.standard.operators.bash import BashOperator
BashOperator(task_id="a", bash_command="x {{ var.value.a }} {{ var.json.b.c }}",
    doc_md="{{ var.value.nor_this }}",
    env={"K": "{{ var.value.get('d', 'x') }}", "L": "{{ conn.e.host }}", "M": "{% if conn.get('f') %}{% endif %}"})
SQL = """
select {{ conn['g'].login }}
  from {{ var.json.get("h").table | upper }}
"""
name = "i"
q = f"{{{{ var.value.{name} }}}} {{{{ conn.j_{other} }}}}"
plain = "var.value.no and {{ my.var.value.no }} {{ connection.no }}"
`, `
3:46 variable a template
3:64 variable b template
5:19 variable d template default
5:57 connection e template
5:86 connection f template
7:11 connection g template
8:11 variable h template
11:5 variable i template
11:5 connection j_... template
`},
		{"ids through names and parts", `
from airflow.sdk import Variable
ENV = "prod"
NAME = "key_" + ENV
IDS = ["a", "b"]
KEYS = {"c": 1, "d": 2}
def f(x, ti):
    Variable.get(NAME)
    Variable.get(f"{NAME}_x")
    Variable.get("pre_%s" % x)
    Variable.get("fmt_{}_{n}".format(ENV, n=x))
    Variable.get(x)
    [Variable.get(i) for i in IDS]
    for k, v in KEYS.items():
        Variable.get("k_" + k)
    Variable.get("on" if x else "off")
    Variable.get("{{ params.id }}")
`, `
7:5 variable key_prod Variable.get
8:5 variable key_prod_x Variable.get
9:5 variable pre_... Variable.get
10:5 variable fmt_prod_... Variable.get
11:5 variable ... Variable.get
12:6 variable a Variable.get
12:6 variable b Variable.get
14:9 variable k_c Variable.get
14:9 variable k_d Variable.get
15:5 variable on Variable.get
15:5 variable off Variable.get
16:5 variable ... Variable.get
`},
		{"through a function of the file", `
from airflow.sdk import Variable
def setting(name, team="data"):
    return Variable.get(f"{team}_{name}", default=None)
def f():
    setting("a")
    setting("b", team="web")
`, `
5:5 variable data_a Variable.get default
6:5 variable web_b Variable.get default
`},
		{"the environment", `
import os
a = os.environ["AIRFLOW_VAR_REGION"]
b = os.environ.get("AIRFLOW_CONN_PG")
os.environ["AIRFLOW_VAR_SET"] = "x"
c = os.getenv("HOME")
`, `
2:5 variable region os.environ import
3:5 connection pg os.environ import default
`},
	})
}

func TestImportTime(t *testing.T) {
	runSnippets(t, []snippet{
		{"what runs while the file is imported", `
from airflow.sdk import DAG, Variable, dag, task, task_group
A = Variable.get("module")
class C:
    b = Variable.get("class")
    def method(self): Variable.get("r1")
def default(x=Variable.get("default")): ...
def deep(): Variable.get("transitive")
def factory():
    Variable.get("called")
    deep()
with DAG("d"):
    Variable.get("context")
    factory()
@dag(schedule=None)
def d():
    Variable.get("dag body")
    @task
    def t(): Variable.get("r2")
    @task_group
    def g(): Variable.get("group")
    t()
    g()
d()
def callable(): Variable.get("r3")
PythonOperator(task_id="x", python_callable=callable)
PythonOperator(task_id="y", python_callable=lambda: Variable.get("r4"))
if __name__ == "__main__":
    Variable.get("r5")
`, `
2:5 variable module Variable.get import
4:9 variable class Variable.get import
5:23 variable r1 Variable.get
6:15 variable default Variable.get import
7:13 variable transitive Variable.get import
9:5 variable called Variable.get import
12:5 variable context Variable.get import
16:5 variable dag body Variable.get import
18:14 variable r2 Variable.get
20:14 variable group Variable.get import
24:17 variable r3 Variable.get
26:53 variable r4 Variable.get
28:5 variable r5 Variable.get
`},
		{"a task that asks by its parameter runs later", `
from airflow.sdk import Variable, dag, task
@task
def show(key): return len(Variable.get(key))
@dag
def d(): show("a")
d()
`, `
5:10 variable a Variable.get
`},
	})
}
