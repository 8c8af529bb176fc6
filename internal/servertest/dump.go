package servertest

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver that the own store uses
)

// Dump is every row of every table of the database in a data folder, as it is
// on the disk: two dumps are equal where nothing was changed in between. A
// folder without a database is "".
func Dump(t testing.TB, dataDir string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(dataDir, "airlock.db"))
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(path); found == nil {
		return ""
	}
	name := url.URL{Scheme: "file", Path: path, RawQuery: "mode=rw&_query_only=on"}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out strings.Builder
	for _, table := range rows(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		fmt.Fprintln(&out, table)
		for _, row := range rows(t, db, fmt.Sprintf("SELECT * FROM %q ORDER BY rowid", table)) {
			fmt.Fprintln(&out, row)
		}
	}
	return out.String()
}

// rows are what a query answers, each as one text.
func rows(t testing.TB, db *sql.DB, query string) []string {
	t.Helper()
	found, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for found.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%x", values)
		if len(values) == 1 {
			text = fmt.Sprint(values[0])
		}
		all = append(all, text)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
