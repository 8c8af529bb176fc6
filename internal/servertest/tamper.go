package servertest

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "modernc.org/sqlite" // the driver of the embedded store
)

// Tamper runs one statement, which must change something, on the database of a
// data folder behind the store's back.
func Tamper(t testing.TB, dataDir, statement string) {
	t.Helper()
	if Execute(t, dataDir, statement) == 0 {
		t.Fatal("no row was changed")
	}
}

// Execute runs one statement and returns how many rows it changed.
func Execute(t testing.TB, dataDir, statement string) int64 {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dataDir, "airlock.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	done, err := db.Exec(statement)
	if err != nil {
		t.Fatal(err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FlipPayload changes the last byte of what is kept under a name.
func FlipPayload(t testing.TB, dataDir, name string) {
	t.Helper()
	Tamper(t, dataDir, `UPDATE version SET sealed = CAST(substr(sealed, 1, length(sealed) - 1) ||
		CASE WHEN substr(sealed, -1) = x'00' THEN x'01' ELSE x'00' END AS BLOB)
		WHERE record IN (SELECT id FROM record WHERE name = CAST('`+name+`' AS BLOB))`)
}
