package live_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "modernc.org/sqlite" // writes metadata databases

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/live"
)

const localClass = "airflow.secrets.local_filesystem.LocalFilesystemBackend"

// local configures a backend of files.
func local(t *testing.T, environ []string, wants ...string) live.Options {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	kwargs := map[string]any{
		"variables_file_path":   write("variables.json", map[string]any{"good": canary, "shared": canary}),
		"connections_file_path": write("connections.json", map[string]any{"good": "postgres://me:" + canary + "@db/x", "same": "postgres://me:" + canary + "@db/x"}),
	}
	return options(t, localClass, kwargs, environ, wants...)
}

// TestLayers: which layer answers, which hides another, which none has.
func TestLayers(t *testing.T) {
	// The same connection in another form is the same.
	env := []string{"AIRFLOW_VAR_SHARED=other", "AIRFLOW_VAR_ENV=" + canary, `AIRFLOW_CONN_SAME={"conn_type": "postgres", "host": "db", "login": "me", "schema": "x", "password": "` + canary + `"}`}
	o := local(t, env, "variable:good", "variable:env", "variable:shared", "connection:same", "variable:none", "variable:optional?", "variable:none?")
	report := run(t, o)
	expect(t, report, "live-hidden warning 3|different content", "live-hidden note 4|the same content", "live-missing warning 5|AIRFLOW_VAR_NONE|no metadata database")
	var answers []string
	for _, a := range report.Answers {
		answers = append(answers, a.Ref.ID+" "+a.Layer)
	}
	want := []string{"good local files", "env environment", "shared local files", "same local files", "none ", "optional "}
	if !slices.Equal(answers, want) {
		t.Errorf("the answers are %q, want %q", answers, want)
	}
}

// TestDatabaseDown: a layer below that does not answer leaves open what nobody
// else has.
func TestDatabaseDown(t *testing.T) {
	env := []string{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://me:" + canary + "@" + closedPort(t) + "/airflow"}
	report := run(t, local(t, env, "variable:good", "variable:none"))
	expect(t, report, "live-unreachable error 0|metadata database", "live-skipped note 0|2 ids")
	if a := report.Answers; a[0].Layer == "" || !a[1].Unknown || a[1].Layer != "" {
		t.Errorf("the answers are %+v", a)
	}
}

// database is the address of a metadata database with one variable.
func database(t *testing.T, key string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "airflow.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, text := range []string{
		`CREATE TABLE variable (id INTEGER NOT NULL PRIMARY KEY, "key" VARCHAR(250) NOT NULL UNIQUE, val TEXT NOT NULL, is_encrypted BOOLEAN NOT NULL)`,
		`CREATE TABLE connection (id INTEGER NOT NULL PRIMARY KEY, conn_id VARCHAR(250) NOT NULL UNIQUE, conn_type VARCHAR(500) NOT NULL,
			description VARCHAR(5000), host VARCHAR(500), schema VARCHAR(500), login TEXT, port INTEGER, password TEXT,
			extra TEXT, is_encrypted BOOLEAN NOT NULL, is_extra_encrypted BOOLEAN NOT NULL)`,
		`INSERT INTO variable ("key", val, is_encrypted) VALUES ('` + key + `', '` + canary + `', false)`,
	} {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	return "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///" + path
}

// TestDatabase: what nobody has is an error where the database was asked too,
// and a warning where it cannot be seen, since the id may be there.
func TestDatabase(t *testing.T) {
	key := "AIRFLOW__CORE__FERNET_KEY=cryptography_not_found_storing_passwords_in_plain_text"
	seen := run(t, local(t, []string{database(t, "stored"), key}, "variable:stored", "variable:none", "connection:none"))
	expect(t, seen, "live-missing error 2|no layer has variable \"none\" (not found: |airlock variables set none", "live-missing error 3|airlock connections add none")
	if a := seen.Answers; a[0].Layer != "metadata database" || a[1].Unseen {
		t.Errorf("the answers are %+v", a)
	}
	unseen := run(t, local(t, nil, "variable:good", "variable:none", "connection:none"))
	expect(t, unseen, "live-missing warning 2|variable \"none\" may be in Airflow's own database, which cannot be seen from here (no metadata database|look in Airflow's UI", "live-missing warning 3")
	if a := unseen.Answers; a[0].Unseen || !a[1].Unseen {
		t.Errorf("the answers are %+v", a)
	}
	option := local(t, nil)
	option.Wants = []live.Want{{Ref: airflow.Ref{Kind: airflow.KindConfig, ID: "none"}, Place: live.Place{File: ".env", Line: 1, Column: 1}}}
	expect(t, run(t, option), "live-missing error 1|no layer has config \"none\"")
}

// TestInterrupted: a check that is broken off says so.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := live.Check(ctx, local(t, nil, "variable:good")); err == nil {
		t.Error("a check without time ends well")
	}
}

// TestPlaces: what is about a layer stands where it is configured.
func TestPlaces(t *testing.T) {
	o := options(t, vaultClass, map[string]any{"url": "http://" + closedPort(t), "token": canary}, nil, "variable:x")
	o.At = func(src *airlock.Source) live.Place {
		if src.Layer != airlock.LayerBackend {
			t.Errorf("asked for the place of the %s", src.Layer)
		}
		return live.Place{File: ".env", Line: 2, Column: 35}
	}
	for _, f := range run(t, o).Findings {
		if f.File != ".env" || f.Line != 2 || f.Column != 35 {
			t.Errorf("%s stands at %s:%d:%d", f.Rule, f.File, f.Line, f.Column)
		}
	}
}

// TestRules: each has what --list shows, and none of them is found without
// asking.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range live.Rules() {
		if seen[r.ID] || r.Title == "" || r.Why == "" || r.Find != nil || !slices.Contains([]check.Severity{check.Error, check.Warning, check.Note}, r.Severity) {
			t.Errorf("the rule %q is not whole", r.ID)
		}
		seen[r.ID] = true
	}
}

// TestConnectionsThatAreWell: forms that people write and Airflow reads to the
// last part.
func TestConnectionsThatAreWell(t *testing.T) {
	var env, wants []string
	for i, text := range []string{
		"postgres://me:" + canary + "@db.example.com:5432/schema?sslmode=require",
		"postgresql://me:" + canary + "%2F%23@db/schema",
		"google-cloud-platform://?extra__google_cloud_platform__project=p",
		"http://https://api.example.com",
		"aws://AKIA:" + canary + "@/?region_name=eu-west-3",
		"http://:" + canary + "@host?__extra__=%7B%22a%22%3A+%7B%22b%22%3A+1%7D%7D",
		`{"conn_type": "postgres", "host": "DB.example.com", "login": "me", "password": "` + canary + `/#?", "port": 5432, "schema": "x"}`,
		`{"conn_type": "http", "host": "https://api.example.com/v1", "extra": {"timeout": 3, "nested": {"a": [1]}}}`,
		`{"conn_type": "google_cloud_platform", "extra": {"keyfile_dict": "` + canary + `"}}`,
		`{"conn_type": "sqlite", "host": "/tmp/x.db", "description": "a file"}`,
	} {
		env = append(env, fmt.Sprintf("AIRFLOW_CONN_C%d=%s", i, text))
		wants = append(wants, fmt.Sprintf("connection:c%d", i))
	}
	expect(t, run(t, local(t, env, wants...)))
}
