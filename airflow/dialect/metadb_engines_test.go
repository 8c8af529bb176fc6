package dialect_test

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/internal/mariadbtest"
	"github.com/airlock-secrets/airlock/internal/pgtest"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

// metaEngine makes a database with Airflow's own tables and the given rows.
type metaEngine func(t *testing.T, table string, teams []string, rows []map[string]any) *metadbstore.Store

// metaEngines makes each engine; a server starts with the first case.
func metaEngines() map[string]func(*testing.T) metaEngine {
	return map[string]func(*testing.T) metaEngine{
		"SQLite": func(*testing.T) metaEngine { return metaDatabase },
		"PostgreSQL": func(t *testing.T) metaEngine {
			return metaServer(`"`, func() (*sql.DB, string) {
				p := pgtest.Start(t, nil)
				db := p.Create(t, "airflow")
				metaExec(t, db, strings.ReplaceAll(metaTables(t), "id INTEGER NOT NULL", "id SERIAL NOT NULL"))
				return db, "postgresql://" + pgtest.User + ":" + escapeAll(pgtest.Password) + "@127.0.0.1:" + p.Port + "/airflow"
			})
		},
		"MariaDB": func(t *testing.T) metaEngine {
			return metaServer("`", func() (*sql.DB, string) {
				m := mariadbtest.Start(t, nil)
				db := m.Create(t, "airflow", "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
				metaExec(t, db, strings.NewReplacer(`"`, "`", "schema VARCHAR", "`schema` VARCHAR",
					"id INTEGER NOT NULL", "id INTEGER NOT NULL AUTO_INCREMENT").Replace(metaTables(t)))
				return db, "mysql+pymysql://" + mariadbtest.User + ":" + escapeAll(mariadbtest.Password) + "@127.0.0.1:" + m.Port + "/airflow"
			})
		},
	}
}

// metaTables is the DDL of SQLite.
func metaTables(t *testing.T) string { return strings.Join(header(t), ";\n") }

func escapeAll(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// metaDatabase makes a file with Airflow's own tables and the given rows.
func metaDatabase(t *testing.T, table string, teams []string, rows []map[string]any) *metadbstore.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "airflow.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	metaExec(t, db, metaTables(t))
	metaFill(t, db, `"`, false, table, teams, rows)
	return metaOpen(t, metadbstore.Options{Path: path})
}

// metaServer empties the tables for every case.
func metaServer(quote string, start func() (*sql.DB, string)) metaEngine {
	started := sync.OnceValues(start)
	return func(t *testing.T, table string, teams []string, rows []map[string]any) *metadbstore.Store {
		db, conn := started()
		for _, table := range []string{"variable", "connection", "team"} {
			metaExec(t, db, "DELETE FROM "+table)
		}
		metaFill(t, db, quote, true, table, teams, rows)
		return metaOpen(t, metadbstore.Options{Conn: conn})
	}
}

func metaOpen(t *testing.T, o metadbstore.Options) *metadbstore.Store {
	t.Helper()
	s, err := metadbstore.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func metaExec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// metaFill writes the rows. The cases hold SQLite's numbers for booleans,
// which other engines tell apart.
func metaFill(t *testing.T, db *sql.DB, quote string, booleans bool, table string, teams []string, rows []map[string]any) {
	t.Helper()
	mark := func(n int) string {
		if booleans && quote == `"` {
			return "$" + strconv.Itoa(n)
		}
		return "?"
	}
	for _, team := range teams {
		metaExec(t, db, "INSERT INTO team (name) VALUES ("+mark(1)+")", team)
	}
	for _, row := range rows {
		var columns, marks []string
		var args []any
		for column, v := range row {
			if booleans && strings.HasPrefix(column, "is_") {
				v = v == int64(1) || v == true
			}
			args = append(args, v)
			columns, marks = append(columns, quote+column+quote), append(marks, mark(len(args)))
		}
		metaExec(t, db, "INSERT INTO "+table+" ("+strings.Join(columns, ",")+") VALUES ("+strings.Join(marks, ",")+")", args...)
	}
}
