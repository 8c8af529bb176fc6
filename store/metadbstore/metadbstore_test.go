package metadbstore_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/metadbstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// schema is what Airflow 3.3 makes, without the columns that do not matter.
const schema = `
CREATE TABLE variable (id INTEGER NOT NULL PRIMARY KEY, "key" VARCHAR(250) NOT NULL UNIQUE, val TEXT NOT NULL, description TEXT,
	is_encrypted BOOLEAN NOT NULL DEFAULT 0, team_name VARCHAR(50));
CREATE TABLE connection (id INTEGER NOT NULL PRIMARY KEY, conn_id VARCHAR(250) NOT NULL UNIQUE, conn_type VARCHAR(500) NOT NULL,
	host VARCHAR(500), password TEXT, port INTEGER, is_encrypted BOOLEAN NOT NULL DEFAULT 0, team_name VARCHAR(50));`

// database makes a SQLite file and returns a handle that writes to it, as
// Airflow does.
func database(t *testing.T, statements string) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "airflow ?#%41.db")
	db, err := sql.Open("sqlite", "file:"+strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	exec(t, db, statements)
	return path, db
}

func exec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) *metadbstore.Store {
	t.Helper()
	s, err := metadbstore.Open(metadbstore.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// columns returns the row under name.
func columns(t *testing.T, s store.Store, name string) map[string]any {
	t.Helper()
	got, err := s.Get(t.Context(), name)
	if err != nil {
		t.Fatalf("Get(%q): %v", name, err)
	}
	if got.Form != store.Object {
		t.Errorf("Get(%q) has form %s", name, got.Form)
	}
	var row map[string]any
	if err := json.Unmarshal(got.Payload, &row); err != nil {
		t.Fatalf("Get(%q): %v", name, err)
	}
	return row
}

// flat shows the variables that belong to no team under their bare keys, and
// their values as text, so that the suite, which knows no rows, can look at
// them.
type flat struct{ *metadbstore.Store }

func (f flat) Get(ctx context.Context, name string) (*store.Secret, error) {
	s, err := f.Store.Get(ctx, metadbstore.Name("variable", "", name))
	if err != nil {
		var e *store.Error
		if errors.As(err, &e) {
			e.Name = name
		}
		return nil, err
	}
	var row struct{ Val string }
	if err := json.Unmarshal(s.Payload, &row); err != nil {
		return nil, err
	}
	return &store.Secret{Payload: []byte(row.Val)}, nil
}

func (f flat) List(ctx context.Context, prefix string) ([]string, error) {
	names, err := f.Store.List(ctx, "variable/"+prefix)
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], "variable/")
	}
	return names, err
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		path, db := database(t, schema)
		return storetest.Harness{
			Store:   flat{open(t, path)},
			Service: "The metadata database", Dialect: dialect.MetaDB{}, Answers: map[string]func(*testing.T) (store.Store, string){
				"no row of that id": func(*testing.T) (store.Store, string) { return nil, "never" },
				"the table is not there": func(t *testing.T) (store.Store, string) {
					empty, _ := database(t, "CREATE TABLE other (x TEXT)")
					return flat{open(t, empty)}, "x"
				},
			},
			Seed: func(t *testing.T, name string, s *store.Secret) {
				exec(t, db, `INSERT INTO variable ("key", val) VALUES (?, ?) ON CONFLICT ("key") DO UPDATE SET val = excluded.val`,
					name, string(s.Payload))
			},
			Reopen: func(t *testing.T) store.Store { return flat{open(t, path)} },
			Limits: storetest.Limits{
				ReadOnly: true, NoVersions: true, NoConditions: true, NoAttributes: true, NoNumbers: true, Forms: []store.Form{store.Text},
			},
		}
	})
}

func TestRowsComeAsTheyAre(t *testing.T) {
	path, db := database(t, schema)
	exec(t, db, `INSERT INTO connection (conn_id, conn_type, host, port, is_encrypted) VALUES ('c', 't', '', 5432, 1), ('odd', 't', NULL, 'abc', 0)`)
	s := open(t, path)
	got := columns(t, s, "connection/c")
	for column, want := range map[string]any{"conn_id": "c", "conn_type": "t", "host": "", "port": 5432.0, "is_encrypted": 1.0, "password": nil, "team_name": nil} {
		if v, ok := got[column]; !ok || v != want {
			t.Errorf("column %s = %#v (there: %v), want %#v", column, v, ok, want)
		}
	}
	if got := columns(t, s, "connection/odd")["port"]; got != "abc" {
		t.Errorf("text in the integer column = %#v, want abc", got)
	}
}

func TestTeams(t *testing.T) {
	path, db := database(t, schema)
	exec(t, db, `INSERT INTO variable ("key", val, team_name) VALUES ('global', '1', NULL), ('of a', '2', 'a'), ('of A', '3', 'A'), ('of a/b', '4', 'a/b')`)
	s := open(t, path)
	for _, c := range []struct {
		team, id string
		visible  bool
	}{
		{"", "global", true}, {"", "of a", false},
		{"a", "global", true}, {"a", "of a", true}, {"a", "of A", false},
		{"A", "of A", true}, {"A", "of a", false},
		{"a/b", "of a/b", true}, {"a", "of a/b", false},
	} {
		_, err := s.Get(t.Context(), metadbstore.Name("variable", c.team, c.id))
		if c.visible && err != nil || !c.visible && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%q on behalf of team %q: %v, visible: %v", c.id, c.team, err, c.visible)
		}
	}
	names, err := s.List(t.Context(), "")
	want := []string{"variable/global", "variable@A/of A", "variable@a%2Fb/of a/b", "variable@a/of a"}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("List = %q, %v, want %q", names, err, want)
	}
}

func TestIdsAreCaseSensitiveWhateverTheCollation(t *testing.T) {
	path, db := database(t, `CREATE TABLE variable ("key" TEXT COLLATE NOCASE, val TEXT);
		CREATE TABLE connection (conn_id TEXT COLLATE NOCASE, conn_type TEXT)`)
	exec(t, db, `INSERT INTO variable VALUES ('X', 'upper'), ('x', 'lower'), ('Y', 'upper')`)
	s := open(t, path)
	if got := columns(t, s, "variable/x")["val"]; got != "lower" {
		t.Errorf("x = %v, want lower", got)
	}
	if got := columns(t, s, "variable/X")["val"]; got != "upper" {
		t.Errorf("X = %v, want upper", got)
	}
	if _, err := s.Get(t.Context(), "variable/y"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("y: %v, want not found", err)
	}
}

func TestSchemaWithoutTeams(t *testing.T) {
	path, _ := database(t, `CREATE TABLE variable (id INTEGER, "key" VARCHAR(250), val TEXT, is_encrypted BOOLEAN);
		CREATE TABLE connection (id INTEGER, conn_id VARCHAR(250), conn_type TEXT);
		INSERT INTO variable VALUES (1, 'x', 'v', 0)`)
	s := open(t, path)
	for _, name := range []string{"variable/x", "variable@a/x"} {
		if got := columns(t, s, name)["val"]; got != "v" {
			t.Errorf("%s = %v, want v", name, got)
		}
	}
}

func TestReadsWhileAirflowWrites(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE"} {
		t.Run(mode, func(t *testing.T) {
			path, db := database(t, "PRAGMA journal_mode = "+mode+";"+schema)
			db.SetMaxOpenConns(1)
			s := open(t, path)
			for i := range 20 {
				tx, err := db.Begin()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec(`INSERT OR REPLACE INTO variable ("key", val) VALUES ('x', ?)`, i); err != nil {
					t.Fatal(err)
				}
				if i > 0 { // not committed yet
					if got := columns(t, s, "variable/x")["val"]; got != fmt.Sprint(i-1) {
						t.Fatalf("during write %d the value is %v", i, got)
					}
				}
				if err := tx.Commit(); err != nil {
					t.Fatal(err)
				}
				if got := columns(t, s, "variable/x")["val"]; got != fmt.Sprint(i) {
					t.Fatalf("after write %d the value is %v", i, got)
				}
			}
		})
	}
}

func TestUnusableDatabases(t *testing.T) {
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, db := database(t, schema)
	exec(t, db, `INSERT INTO variable ("key", val) VALUES ('x', ?)`, strings.Repeat("v", 20000))
	db.Close()
	content, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := database(t, "CREATE TABLE something (x)")
	otherColumns, _ := database(t, "CREATE TABLE variable (x); CREATE TABLE connection (x)")
	for _, c := range []struct {
		name, path string
		code       store.Code
		says       string
	}{
		{"a missing file", filepath.Join(folder, "missing.db"), store.Unavailable, "no such file"},
		{"a missing folder", filepath.Join(folder, "missing", "airflow.db"), store.Unavailable, "no such file"},
		{"a folder", folder, store.Invalid, "folder"},
		{"a text file", file("text.db", []byte(strings.Repeat("not a database ", 100))), store.Corrupt, "not a database"},
		{"a file cut short", file("cut.db", content[:len(content)/2]), store.Corrupt, "corrupt"},
		{"an empty file", file("empty.db", nil), store.Invalid, "no metadata database"},
		{"another program's database", foreign, store.Invalid, "no metadata database"},
		{"tables of other columns", otherColumns, store.Invalid, "no metadata database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, c.path)
			_, getErr := s.Get(t.Context(), "variable/x")
			_, listErr := s.List(t.Context(), "")
			for op, err := range map[string]error{"Get": getErr, "Check": s.Check(t.Context())} {
				if store.CodeOf(err) != c.code || !strings.Contains(strings.ToLower(err.Error()), c.says) || store.Hint(err) == "" {
					t.Errorf("%s: %v (hint %q), want %q and %q", op, err, store.Hint(err), c.code, c.says)
				}
			}
			if listErr == nil && c.name != "tables of other columns" {
				t.Error("List succeeded")
			}
		})
	}
	for _, name := range []string{"missing.db", "missing"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			t.Errorf("%s was made", name)
		}
	}
	if info, err := os.Stat(filepath.Join(folder, "empty.db")); err != nil || info.Size() != 0 {
		t.Errorf("the empty file was written to: %v, %v", info, err)
	}
}

func TestTextThatIsNotUTF8(t *testing.T) {
	path, db := database(t, schema)
	exec(t, db, `INSERT INTO variable ("key", val) VALUES ('x', CAST(x'736563726574ff' AS TEXT))`)
	_, err := open(t, path).Get(t.Context(), "variable/x")
	if store.CodeOf(err) != store.Corrupt || strings.Contains(err.Error(), "secret") {
		t.Errorf("Get: %v, want corrupt and nothing of the value", err)
	}
}

func TestNamesOfNoRow(t *testing.T) {
	path, _ := database(t, schema)
	s := open(t, path)
	for _, name := range []string{"", "x", "variable", "variable/", "config/x", "variable@/x", "variable@%zz/x", "sqlite_schema/x"} {
		if _, err := s.Get(t.Context(), name); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Get(%q): %v, want invalid", name, err)
		}
	}
	if got, want := store.Locate(s, "variable@a/x"), `table variable, key = "x", team_name = "a" or none`; got != want {
		t.Errorf("Locate = %q, want %q", got, want)
	}
}

func TestConnectionStrings(t *testing.T) {
	path, _ := database(t, schema+`INSERT INTO variable ("key", val) VALUES ('x', 'v')`)
	escaped := strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", " ", "%20").Replace(path)
	for _, conn := range []string{
		"sqlite:///" + escaped, "sqlite+pysqlite:///" + escaped, "sqlite+aiosqlite:///" + escaped, "sqlite:///" + escaped + "?timeout=5",
	} {
		s, err := metadbstore.Open(metadbstore.Options{Conn: conn})
		if err != nil {
			t.Errorf("Open(%s): %v", conn, err)
			continue
		}
		if got := columns(t, s, "variable/x")["val"]; got != "v" {
			t.Errorf("%s: x = %v", conn, got)
		}
		s.Close()
	}
}

func TestConnectionStringsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		conn string
		code store.Code
		says string
	}{
		{"", store.Invalid, "no metadata database"},
		{"/tmp/airflow.db", store.Invalid, "not a URL"},
		{"hunter2://", store.Unsupported, "hunter2"},
		{"user:hunter2@://x", store.Invalid, "not a URL"},
		{"sqlite://", store.Unsupported, "memory"},
		{"sqlite:///:memory:", store.Unsupported, "memory"},
		{"sqlite:///relative/airflow.db", store.Invalid, "relative"},
		{"sqlite://host/airflow.db", store.Invalid, "host"},
		{"mssql+pyodbc://airflow:s3cret@db:1433/airflow", store.Unsupported, "mssql"},
		{"postgresql+pyodbc://airflow:s3cret@db/airflow", store.Invalid, `driver "pyodbc"`},
		{"postgres+psycopg://airflow:s3cret@db/airflow", store.Invalid, "another name"},
		{"postgresql://airflow:s3cret@db:54x2/airflow", store.Invalid, "port"},
		{"postgresql://airflow:s3cret@db:99999/airflow", store.Invalid, "port"},
		{"postgresql://airflow:a@s3cret@db/airflow", store.Invalid, "more than one @"},
		{"postgresql://airflow:s3cret@db1:5432,db2:5432/airflow", store.Invalid, "port"},
		{"postgresql:///airflow?host=a:1&host=b:2&port=3&password=s3cret", store.Invalid, "two ways"},
		{"postgresql:///airflow?host=a,b,c&port=1,2&password=s3cret", store.Invalid, "port"},
		{"postgresql://airflow:s3cret@db/airflow?sslmode=perhaps", store.Invalid, "sslmode"},
		{"postgresql://airflow:s3cret@db/airflow?ssl_mode=require", store.Invalid, `option "ssl_mode"`},
		{"postgresql://airflow:s3cret@db/airflow?sslcrl=/x", store.Unsupported, "sslcrl"},
		{"postgresql://airflow:s3cret@db/airflow?connect_timeout=soon", store.Invalid, "connect_timeout"},
		{"postgresql://airflow:s3cret@db/airflow?target_session_attrs=s3cret", store.Invalid, "target_session_attrs"},
		{"postgresql://airflow:s3cret@db/airflow?service=nosuch&servicefile=/nonexistent", store.Invalid, "refuse"},
		{"mysql+psycopg2://airflow:s3cret@db/airflow", store.Invalid, `driver "psycopg2"`},
		{"mysql://airflow:s3cret@db/airflow?sslmode=require", store.Invalid, `option "sslmode"`},
		{"mysql://airflow:s3cret@db/airflow?read_default_file=/etc/my.cnf", store.Unsupported, "read_default_file"},
		{"mysql://airflow:s3cret@db/airflow?connect_timeout=soon", store.Invalid, "connect_timeout"},
		{"mysql://airflow:s3cret@db/airflow?port=s3cret", store.Invalid, "port"},
		{"mysql://airflow:s3cret@db/airflow?ssl_cert=/nonexistent", store.Invalid, "/nonexistent"},
		{"sqlite:////tmp/airflow.db?uri=true", store.Unsupported, "uri=true"},
	} {
		_, err := metadbstore.Open(metadbstore.Options{Conn: c.conn})
		if store.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) || store.Hint(err) == "" {
			t.Errorf("Open(%s): %v (hint %q), want %q and %q", c.conn, err, store.Hint(err), c.code, c.says)
		}
		if err != nil && (strings.Contains(err.Error()+store.Hint(err), "s3cret") || strings.Contains(err.Error(), "airflow:")) {
			t.Errorf("Open(%s) shows the password: %v", c.conn, err)
		}
	}
}

func TestNamesOfServers(t *testing.T) {
	for conn, want := range map[string]string{
		"postgresql://airflow:s3cret@db:5433/airflow":          "metadata database postgresql at db:5433/airflow",
		"postgresql://airflow:s3cret@db/airflow":               "metadata database postgresql at db/airflow",
		"postgresql://airflow:s3cret@[::1]:5433/airflow":       "metadata database postgresql at [::1]:5433/airflow",
		"postgresql:///airflow?host=/run/pg&user=airflow":      "metadata database postgresql at /run/pg/airflow",
		"postgresql:///airflow?host=a:1&host=b:2&user=airflow": "metadata database postgresql at a,b/airflow",
		"postgresql://air/flow:s3cret@db/airflow":              "metadata database postgresql at air",
		"mysql+pymysql://airflow:s3cret@[::1]/airflow":         "metadata database mysql at [::1]:3306/airflow",
		"mysql+pymysql://airflow:s3cret@db/?db=x":              "metadata database mysql at db:3306/x",
		"mysql://airflow:s3cret@db/airflow?unix_socket=/s":     "metadata database mysql at /s/airflow",
	} {
		s, err := metadbstore.Open(metadbstore.Options{Conn: conn})
		if err != nil {
			t.Errorf("Open(%s): %v", conn, err)
			continue
		}
		if s.Name() != want {
			t.Errorf("%s is called %q, want %q", conn, s.Name(), want)
		}
		s.Close()
	}
}
