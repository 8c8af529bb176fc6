package dialect_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

// writeRows has Airflow's own models write rows.
const writeRows = `
from airflow.models import Connection, Variable
from airflow.utils.session import create_session
Variable.set("plain_word", "hello \u00fc")
Variable.set("an/id with #", {"a": [1, 2.5, None]}, serialize_json=True)
Variable.set("empty", "")
with create_session() as session:
    session.add(Connection(conn_id="warehouse", conn_type="postgres", description="d", host="db.example.com", login="airflow",
                           password="p@ss/word", schema="public", port=5432, extra='{"sslmode": "require"}'))
    session.add(Connection(conn_id="bare", conn_type="fs"))
`

// TestDatabaseThatAirflowMade reads what real Airflow wrote, with the key it
// wrote with.
func TestDatabaseThatAirflowMade(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "airflow.db")
	run := func(tool string, args ...string) {
		t.Helper()
		cmd := exec.Command(baotest.Tool(t, tool), args...)
		cmd.Dir = home
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + home, "AIRFLOW_HOME=" + home, "AIRFLOW__CORE__LOAD_EXAMPLES=false",
			"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///" + path, "AIRFLOW__CORE__FERNET_KEY=" + fernetKey,
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", tool, err, out)
		}
	}
	run("airflow", "db", "migrate")
	run("python", "-c", writeRows)

	s, err := metadbstore.Open(metadbstore.Options{Conn: "sqlite:///" + path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	d := dialect.MetaDB{FernetKey: fernetKey}
	read := func(ref airflow.Ref) dialect.Value {
		t.Helper()
		secret, err := s.Get(t.Context(), d.Names(ref).Names[0])
		if err != nil {
			t.Fatal(err)
		}
		v, err := d.Decode(ref, secret)
		if err != nil {
			t.Fatalf("Decode(%s): %v", ref, err)
		}
		if wrong, err := (dialect.MetaDB{FernetKey: "MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI="}).Decode(ref, secret); err == nil && ref.ID != "bare" {
			t.Errorf("%s decrypts with another key: %v", ref, wrong.Data != nil)
		}
		return v
	}
	for id, want := range map[string]string{
		"plain_word": "hello ü", "an/id with #": "{\n  \"a\": [\n    1,\n    2.5,\n    null\n  ]\n}", "empty": "",
	} {
		if got := read(airflow.Ref{Kind: airflow.KindVariable, ID: id}); got.Data != want {
			t.Errorf("variable %q = %q, want %q", id, got.Data, want)
		}
	}
	for id, want := range map[string]string{
		"warehouse": "postgres://airflow:p%40ss%2Fword@db.example.com:5432/public?sslmode=require", "bare": "fs://",
	} {
		got, err := read(airflow.Ref{Kind: airflow.KindConnection, ID: id}).Connection.URI()
		if err != nil || got != want {
			t.Errorf("connection %q = %q, %v, want %q", id, got, err, want)
		}
	}
	if _, err := s.Get(t.Context(), "variable/PLAIN_WORD"); store.CodeOf(err) != store.NotFound {
		t.Errorf("an id of another case: %v, want not found", err)
	}
}
