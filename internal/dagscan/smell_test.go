package dagscan_test

import (
	"testing"
)

func TestPrints(t *testing.T) {
	runSnippets(t, []snippet{
		{"the value of a variable", `
from airflow.sdk import Variable
import json, logging
log = logging.getLogger(__name__)
def f(ti):
    v = Variable.get("a")
    print(v)
    print("x", f"is {v}")
    logging.info("is %s", v)
    log.warning("is " + str(v).upper())
    text = "{}".format(json.dumps({"k": v}))
    ti.log.error(text)
`, `
5:9 variable a Variable.get
6:5 prints-secret print() of variable a
7:5 prints-secret print() of variable a
8:5 prints-secret logging of variable a
9:5 prints-secret logging of variable a
11:5 prints-secret logging of variable a
`},
		{"what says nothing of it", `
from airflow.sdk import Variable, BaseHook
def f():
    v = Variable.get("a")
    print(len(v), bool(v), v == "x", v is None, "there" if v else "missing")
    send(v)
    v = "gone"
    print(v)
    c = BaseHook.get_connection("b")
    print(c.host, c.port, c.login, c.conn_id)
    cfg = Variable.get("c", deserialize_json=True)
    print(cfg["bucket"], cfg.get("region"))
    print(c.extra_dejson["region"])
    print(c.extra_dejson.pop("url", "none"))
    print(v, c.password[:2] + "***")
`, `
3:9 variable a Variable.get
8:9 connection b BaseHook.get_connection
10:11 variable c Variable.get
`},
		{"the parts of a connection", `
from airflow.hooks.base import BaseHook
from airflow.providers.postgres.hooks.postgres import PostgresHook
def f():
    c = BaseHook.get_connection("b")
    print(c.password)
    print(c.get_uri())
    print(c.extra)
    print(c.extra_dejson.get("api_key"))
    print(c)
    print(PostgresHook(postgres_conn_id="pg").get_uri())
`, `
4:9 connection b BaseHook.get_connection
10:41 connection pg conn_id=
5:5 prints-secret print() of the password of connection b
6:5 prints-secret print() of the URI of connection b
7:5 prints-secret print() of the extra of connection b
8:5 prints-secret print() of a field of connection b
9:5 prints-secret print() of all of connection b
10:5 prints-secret print() of the URI of connection pg
`},
		{"across functions", `
from airflow.sdk import Variable
TOKEN = Variable.get("module")
def secret(): return Variable.get("own")
def f():
    print(TOKEN)
    print(secret())
def g(TOKEN):
    print(TOKEN)
`, `
2:9 variable module Variable.get import
3:22 variable own Variable.get
5:5 prints-secret print() of variable module
6:5 prints-secret print() of variable own
`},
		{"shell commands", `
from airflow.providers.standard.operators.bash import BashOperator
BashOperator(task_id="a", bash_command="echo {{ var.value.a }}")
BashOperator(task_id="b", bash_command="echo {{ conn.b.password }} | docker login --password-stdin")
BashOperator(task_id="c", bash_command="curl -u {{ conn.b.login }}:{{ conn.b.password }} https://x && echo {{ conn.b.host }}")
BashOperator(task_id="d", bash_command="echo {{ var.value.d }} > /run/file")
`, `
2:49 variable a template
3:49 connection b template
4:52 connection b template
4:71 connection b template
4:111 connection b template
5:49 variable d template
2:40 prints-secret bash_command of variable a
`},
	})
}

func TestOtherSmells(t *testing.T) {
	runSnippets(t, []snippet{
		{"schedule_interval", `
from airflow import DAG
from airflow.decorators import dag
import other
with DAG("a", schedule_interval="@daily"):
    pass
@dag(
    schedule_interval = None,
)
def b(): ...
other.DAG("c", schedule_interval=1)
`, `
4:15 schedule-interval DAG
7:5 schedule-interval dag
`},
		{"imports", `
from airflow.operators.python_operator import PythonOperator
from airflow.operators.python import PythonOperator
from airflow.contrib.hooks.ssh_hook import SSHHook
import airflow.hooks.base_hook
from airflow.utils.dates import days_ago, cron_presets
from airflow.hooks.base import BaseHook
from airflow.operators.our_plugin import Own
try:
    from airflow.sdk import dag
except ImportError:
    from airflow.operators.dummy import DummyOperator
if AIRFLOW_V_2:
    from airflow.datasets import Dataset
from contextlib import suppress
with suppress(ImportError):
    from airflow.datasets import Dataset
def f():
    from airflow.datasets import Dataset
def g():
    if AIRFLOW_V_3:
        return
    from airflow.datasets import Dataset
`, `
1:1 old-import airflow.operators.python_operator.PythonOperator
3:1 old-import airflow.contrib.hooks.ssh_hook.SSHHook
4:1 old-import airflow.hooks.base_hook
5:1 old-import airflow.utils.dates.days_ago
18:5 old-import airflow.datasets.Dataset
`},
	})
}
