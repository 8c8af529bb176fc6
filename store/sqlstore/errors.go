package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/airlock-secrets/airlock/store"
)

// The hints that more than one failure shares.
const (
	hintBackup = "nothing was changed: put the whole data folder back from a backup, or name another one with --data-dir"
	hintFull   = "free some space on the disk that holds the data folder; nothing that was stored before is lost"
)

// cause is a failure whose code is known where it happens; fail adds what was
// being done, and to what.
type cause struct {
	code store.Code
	hint string
	err  error
}

func (c *cause) Error() string { return c.err.Error() }
func (c *cause) Unwrap() error { return c.err }

func invalid(format string, args ...any) error {
	return &cause{code: store.Invalid, err: fmt.Errorf(format, args...)}
}

func corrupt(format string, args ...any) error {
	return &cause{code: store.Corrupt, hint: hintBackup, err: fmt.Errorf(format, args...)}
}

// fail turns any failure into a *store.Error.
func (db *DB) fail(op, name string, err error) error { return fail(db.label, op, name, err) }

func fail(label, op, name string, err error) error {
	if err == nil {
		return nil
	}
	e := &store.Error{Op: op, Store: label, Name: name, Err: err}
	var known *cause
	var failed *sqlite.Error
	switch {
	case errors.As(err, &known):
		e.Code, e.Hint = known.code, known.hint
	case errors.Is(err, sql.ErrNoRows):
		e.Code, e.Err, e.Absent = store.NotFound, nil, true
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		e.Code = store.Unavailable
	case errors.As(err, &failed):
		e.Code, e.Hint = sqliteCode(failed.Code())
	default:
		e.Code, e.Hint = systemCode(err)
	}
	return e
}

// sqliteCode is the table of SQLite's result codes.
func sqliteCode(code int) (store.Code, string) {
	if code == sqlite3.SQLITE_IOERR_SHORT_READ { // the file ends too early
		return store.Corrupt, hintBackup
	}
	switch code & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT,
		// Our statements are fixed: what they do not find, or may not change, is
		// a table or a column that is gone or is another one.
		sqlite3.SQLITE_ERROR, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
		return store.Corrupt, hintBackup
	case sqlite3.SQLITE_FULL:
		return store.Unavailable, hintFull
	case sqlite3.SQLITE_IOERR:
		return store.Unavailable, "the disk that holds the data folder fails or is full: check it and its free space; " +
			"nothing that was stored before is lost"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return store.Unavailable, "another process holds the database: try again"
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH:
		return store.Denied, "the data folder and its files must belong to the user who runs airlock"
	case sqlite3.SQLITE_CANTOPEN:
		return store.Unavailable, "the data folder and its files must be there and belong to the user who runs airlock"
	case sqlite3.SQLITE_TOOBIG:
		return store.Invalid, ""
	}
	return store.Unavailable, ""
}

// systemCode is the table of the operating system's errors.
func systemCode(err error) (store.Code, string) {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return store.Denied, "the data folder and its files must belong to the user who runs airlock"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return store.Unavailable, hintFull
	case errors.Is(err, syscall.EROFS):
		return store.Denied, "mount the disk of the data folder for writing, or name another folder with --data-dir"
	case errors.Is(err, syscall.ENOTDIR):
		return store.Invalid, "the data folder must be a folder: name another one with --data-dir"
	}
	return store.Unavailable, ""
}
