package sqlstore

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// misled changes a table while SQLite does not know of its index, which then
// says what was true before.
func misled(t *testing.T, dir, table, statement string) {
	t.Helper()
	path := filepath.Join(dir, databaseFile)
	index := "sqlite_autoindex_" + table + "_1"
	unique := map[string]string{"record": "UNIQUE (namespace, name)", "version": "PRIMARY KEY (record, version)"}[table]
	var root int
	for _, steps := range [][]string{
		{"DELETE FROM sqlite_schema WHERE name = '" + index + "'",
			"UPDATE sqlite_schema SET sql = replace(sql, '" + unique + "', 'CHECK (1)') WHERE name = '" + table + "'"},
		{statement},
		{"UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (1)', '" + unique + "') WHERE name = '" + table + "'",
			"INSERT INTO sqlite_schema (type, name, tbl_name, rootpage) VALUES ('index', '" + index + "', '" + table + "', ?)"},
	} {
		h, err := sql.Open("sqlite", path) // openSQLite's handles refuse this
		if err != nil {
			t.Fatal(err)
		}
		h.SetMaxOpenConns(1)
		if root == 0 {
			if err := h.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", index).Scan(&root); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range append([]string{"PRAGMA foreign_keys = off", "PRAGMA writable_schema = on"}, steps...) {
			var args []any
			if s[len(s)-2] == '?' {
				args = append(args, root)
			}
			if _, err := h.Exec(s, args...); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnIndexThatLeadsElsewhere asks for rows of which the index says another
// thing than the table: what is answered is damage, and nothing is changed.
func TestAnIndexThatLeadsElsewhere(t *testing.T) {
	const other = "other"
	for _, c := range []struct{ name, table, sql string }{
		{"two names", "record", `UPDATE record SET name = CASE name WHEN CAST('a' AS BLOB) THEN CAST('b' AS BLOB) ELSE CAST('a' AS BLOB) END
			WHERE namespace = 1`},
		{"two namespaces", "record", `UPDATE record SET namespace = 3 - namespace`},
		{"two versions", "version", `UPDATE version SET version = 3 - version`},
		{"two records", "version", `UPDATE version SET record = 3 - record`},
		{"rows that are gone", "record", `DELETE FROM record`},
		{"versions that are gone", "version", `DELETE FROM version`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, dir := context.Background(), t.TempDir()
			db := openTest(t, dir)
			for _, of := range []string{"first ", "second "} {
				for _, name := range []string{"a", "b"} {
					mustPut(t, db.Namespace(DefaultNamespace), name, of+name)
				}
			}
			mustPut(t, db.Namespace(other), "a", "of another")
			db.Close()
			misled(t, dir, c.table, c.sql)
			s := openTest(t, dir).Namespace(DefaultNamespace)
			_, err := s.Get(ctx, "a")
			wantCode(t, "Get", err, store.Corrupt)
			_, err = s.GetVersion(ctx, "a", 1)
			wantCode(t, "GetVersion", err, store.Corrupt)
			r, err := s.Record(ctx, "a")
			if c.table == "record" {
				wantCode(t, "Record", err, store.Corrupt)
				_, err = s.List(ctx, "")
				wantCode(t, "List", err, store.Corrupt)
				wantCode(t, "SetAttributes", s.SetAttributes(ctx, "a", "x", map[string]string{"k": "v"}), store.Corrupt)
				wantCode(t, "Delete", s.Delete(ctx, "a"), store.Corrupt)
				_, err = s.Put(ctx, "a", &store.Secret{Payload: []byte("new")}, nil)
				wantCode(t, "Put", err, store.Corrupt)
			} else if err != nil || len(r.Versions) != 2 || !r.Versions[0].Damaged || !r.Versions[1].Damaged {
				t.Errorf("Record = %+v, %v", r, err)
			} else if names, err := s.List(ctx, ""); err != nil || len(names) != 2 {
				t.Errorf("List = %q, %v", names, err)
			}
			wantCode(t, "Destroy", s.Destroy(ctx, "a", 1), store.Corrupt)
			wantCode(t, "Hide", s.Hide(ctx, "a", "x"), store.Corrupt)
		})
	}
}

// TestALatestVersionThatIsNotTheLast is a record that a flipped bit leads to a
// version that was replaced.
func TestALatestVersionThatIsNotTheLast(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	db := openTest(t, dir)
	for _, value := range []string{"old", "new"} {
		mustPut(t, db.Namespace(DefaultNamespace), "a", value)
	}
	db.Close()
	tamper(t, dir, `UPDATE record SET latest = 1`)
	_, err := openTest(t, dir).Namespace(DefaultNamespace).Get(ctx, "a")
	wantCode(t, "Get", err, store.Corrupt)
}
