package airlock_test

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/mariadbtest"
	"github.com/airlock-secrets/airlock/internal/pgtest"
)

const (
	metadataKey = "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="

	// mysqldb stands for mysqlclient, which is C, is not among PyPI's wheels
	// and without which Airflow does not start on MySQL.
	mysqldb = `import datetime, sys, types
import pymysql, pymysql.converters
pymysql.install_as_MySQLdb()
pymysql.converters.DateTime2literal = lambda value, mapping=None: pymysql.converters.escape_datetime(value, mapping)
sys.modules["MySQLdb.converters"] = pymysql.converters
`

	// writeMetadata has Airflow's own models write rows and read them again.
	writeMetadata = `
import json
from airflow.models import Connection, Variable
from airflow.utils.session import create_session
Variable.set("plain_word", "hello \u00fc \U0001F600")
Variable.set("an/id with #", {"a": [1, 2.5, None]}, serialize_json=True)
Variable.set("empty", "")
with create_session() as session:
    session.add(Connection(conn_id="warehouse", conn_type="postgres", description="d", host="db.example.com", login="airflow",
                           password="p@ss/word", schema="public", port=5432, extra='{"sslmode": "require"}'))
    session.add(Connection(conn_id="bare", conn_type="fs"))
print("ANSWER " + json.dumps({
    "variables": {k: Variable.get(k) for k in ("plain_word", "an/id with #", "empty")},
    "connections": {c: Connection.get_connection_from_secrets(c).get_uri() for c in ("warehouse", "bare")}}))
`
)

// TestMetadataDatabasesOfAirflow reads on each engine what real Airflow wrote
// into a database that it made, through its own setting.
func TestMetadataDatabasesOfAirflow(t *testing.T) {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		p := pgtest.Start(t, nil)
		p.Create(t, "airflow")
		metadataOfAirflow(t, "postgresql+psycopg2://"+escape(pgtest.User)+":"+escape(pgtest.Password)+"@127.0.0.1:"+p.Port+"/airflow?connect_timeout=10")
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		m := mariadbtest.Start(t, nil)
		m.Create(t, "airflow", "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
		metadataOfAirflow(t, "mysql+pymysql://"+escape(mariadbtest.User)+":"+escape(mariadbtest.Password)+"@127.0.0.1:"+m.Port+"/airflow?charset=utf8mb4")
	})
}

func metadataOfAirflow(t *testing.T, conn string) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "sitecustomize.py"), []byte(mysqldb), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := []string{"AIRFLOW_HOME=" + home, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=" + conn, "AIRFLOW__CORE__FERNET_KEY=" + metadataKey}
	run := func(tool string, args ...string) string {
		t.Helper()
		cmd := exec.Command(baotest.Tool(t, tool), args...)
		cmd.Dir = home
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "PYTHONPATH=" + home, "AIRFLOW__CORE__LOAD_EXAMPLES=false",
			"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC="}, settings...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", tool, err, out)
		}
		return string(out)
	}
	run("airflow", "db", "migrate")
	_, answer, _ := strings.Cut(run("python", "-c", writeMetadata), "ANSWER ")
	var want struct{ Variables, Connections map[string]string }
	if err := json.NewDecoder(strings.NewReader(answer)).Decode(&want); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	if len(want.Variables) != 3 || len(want.Connections) != 2 {
		t.Fatalf("Airflow answered %s", answer)
	}
	for _, reading := range []airflow.Reading{airflow.SDK, airflow.ORM} {
		r := open(t, &airlock.EnvironmentOptions{Dir: home, Environ: settings, Reading: reading})
		for id, value := range want.Variables {
			if res, err := lookup(r, airflow.KindVariable, id); err != nil || res.Value.Data != value {
				t.Errorf("%s: variable %q: %v, want %q", reading, id, err, value)
			}
		}
		for id, uri := range want.Connections {
			res, err := lookup(r, airflow.KindConnection, id)
			if err != nil {
				t.Errorf("%s: connection %q: %v", reading, id, err)
				continue
			}
			if got, err := res.Connection.URI(); err != nil || got != uri {
				t.Errorf("%s: connection %q is %q, %v, want %q", reading, id, got, err, uri)
			}
		}
		if res, _ := lookup(r, airflow.KindVariable, "PLAIN_WORD"); !res.Undefined() {
			t.Errorf("%s: an id of another case is found", reading)
		}
	}
	otherKey := append(settings[:2:2], "AIRFLOW__CORE__FERNET_KEY=MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=")
	r := open(t, &airlock.EnvironmentOptions{Dir: home, Environ: otherKey})
	if res, _ := lookup(r, airflow.KindVariable, "plain_word"); !res.Undefined() {
		t.Error("a variable decrypts with another key")
	}
}

// TestMetadataSettings has the database in a schema of its own, the password
// in a variable of libpq, an old scheme and an option that only Python reads.
func TestMetadataSettings(t *testing.T) {
	p := pgtest.Start(t, nil)
	if _, err := p.Create(t, "airflow").Exec(`CREATE SCHEMA meta; CREATE TABLE meta.variable (key TEXT, val TEXT); INSERT INTO meta.variable VALUES ('k', 'v')`); err != nil {
		t.Fatal(err)
	}
	o := project(t, map[string]string{".env": "PGPASSWORD='" + pgtest.Password + "'\n" +
		"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgres://" + pgtest.User + "@127.0.0.1:" + p.Port + "/airflow\n" +
		"AIRFLOW__DATABASE__SQL_ALCHEMY_SCHEMA=meta\nAIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS=airflow_local_settings.connect_args\n"})
	res, err := lookup(open(t, o), airflow.KindVariable, "k")
	if err != nil || res.Value.Data != "v" {
		t.Fatalf("Lookup: %v", err)
	}
	at := res.Attempts[2]
	notes := strings.Join(at.Notes, "\n")
	if !strings.Contains(notes, "sql_alchemy_connect_args") {
		t.Errorf("notes are %q", notes)
	}
	if text := encode(t, res.Explain(false)); strings.Contains(text, pgtest.Password) || !strings.Contains(text, "sql_alchemy_connect_args") {
		t.Errorf("explain: %s", text)
	}
}
