package metadbstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/airlock-secrets/airlock/store"
)

// fail turns any failure into a *store.Error of this store.
func (s *Store) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	e := &store.Error{Op: op, Store: s.engine.label, Name: name, Err: err}
	var known *store.Error
	var failed *sqlite.Error
	switch {
	case errors.As(err, &known):
		e.Code, e.Hint, e.Err = known.Code, known.Hint, known.Err
	case errors.Is(err, sql.ErrNoRows):
		e.Code, e.Err = store.NotFound, nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Code = store.Unavailable
	case errors.As(err, &failed):
		s.explain(e, failed)
	default:
		e.Code = store.Unavailable
	}
	return e
}

// explain is the table of SQLite's result codes.
func (s *Store) explain(e *store.Error, failed *sqlite.Error) {
	switch failed.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		e.Code = store.Corrupt
		e.Hint = "check that [database] sql_alchemy_conn names Airflow's database, and that the file is whole"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		e.Code, e.Hint = store.Unavailable, "Airflow is writing: try again"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR:
		s.unreadable(e)
	case sqlite3.SQLITE_ERROR:
		e.Code = store.Unavailable
		if message := failed.Error(); strings.Contains(message, "no such table") || strings.Contains(message, "no such column") {
			e.Code = store.Invalid
			e.Err = fmt.Errorf("it is no metadata database of Airflow: %w", failed)
			e.Hint = "check [database] sql_alchemy_conn; `airflow db migrate` makes the tables"
		}
	default:
		e.Code = store.Unavailable
	}
}

// unreadable says why a file cannot be opened, which SQLite does not.
func (s *Store) unreadable(e *store.Error) {
	e.Code, e.Hint = store.Unavailable, "check [database] sql_alchemy_conn, and that airlock may read the file and its folder"
	info, err := os.Stat(s.engine.path)
	var f *os.File
	if err == nil {
		f, err = os.Open(s.engine.path)
		_ = f.Close() // a nil file answers with an error, which changes nothing
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Err = errors.New("there is no such file")
		e.Hint = "check [database] sql_alchemy_conn; `airflow db migrate` makes the database"
	case errors.Is(err, fs.ErrPermission):
		e.Code, e.Err = store.Denied, errors.New("the file may not be read")
	case err == nil && info.IsDir():
		e.Code, e.Err = store.Invalid, errors.New("it is a folder, not a file")
	}
}
