package sqlstore

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

func TestMigrationsRunOnceAndInOrder(t *testing.T) {
	ctx := context.Background()
	dir := made(t)
	db, err := openSQLite(filepath.Join(dir, databaseFile), writing)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	steps := append(migrations(),
		migration{"a table", "CREATE TABLE extra (x INTEGER)"},
		migration{"a row", "INSERT INTO extra VALUES (1)"})
	for range 2 {
		if err := migrate(ctx, db, steps); err != nil {
			t.Fatal(err)
		}
	}
	var rows, at int
	if err := db.QueryRow("SELECT (SELECT count(*) FROM extra), (SELECT max(version) FROM schema_version)").Scan(&rows, &at); err != nil {
		t.Fatal(err)
	}
	if rows != 1 || at != len(steps) {
		t.Errorf("%d rows at schema %d, want 1 row at schema %d", rows, at, len(steps))
	}
}

func TestFailedMigrationLeavesTheOldSchema(t *testing.T) {
	ctx := context.Background()
	dir := made(t)
	db, err := openSQLite(filepath.Join(dir, databaseFile), writing)
	if err != nil {
		t.Fatal(err)
	}
	steps := append(migrations(), migration{"half of it", "CREATE TABLE extra (x INTEGER); INSERT INTO nowhere VALUES (1)"})
	if err := migrate(ctx, db, steps); err == nil || !strings.Contains(err.Error(), "half of it") {
		t.Errorf("migrate: %v, want it to name the step", err)
	}
	if at, err := schemaVersion(ctx, db); err != nil || at != len(migrations()) {
		t.Errorf("schema %d after a failed step, %v", at, err)
	}
	db.Close()
	wantValue(t, openTest(t, dir).Namespace(DefaultNamespace), "x", "v")
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := made(t)
	tamper(t, dir, "INSERT INTO schema_version (version, what, applied) VALUES (99, 'a later step', 0)")
	_, err := Open(context.Background(), Options{Dir: dir})
	wantCode(t, "Open", err, store.Unsupported)
	if !strings.Contains(err.Error(), "schema 99") || store.Hint(err) == "" {
		t.Errorf("Open: %v (hint %q)", err, store.Hint(err))
	}
}
