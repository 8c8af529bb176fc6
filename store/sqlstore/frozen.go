package sqlstore

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/airlock-secrets/airlock/store"
)

// readOnlyDisk reports whether the file system of a database cannot be
// written, by anybody. There, what is stored can still be read.
func readOnlyDisk(path string) bool {
	return errors.Is(unix.Access(filepath.Dir(path), unix.W_OK), syscall.EROFS)
}

// freeze makes the settings of a handle those of a file that does not change.
// SQLite keeps an index of the log beside the database, which it cannot make
// here: without a log it is told that it needs none, with one it opens the
// database only where the index is there too.
// https://www.sqlite.org/wal.html#read_only_databases
func freeze(query url.Values, path string) {
	query.Set("mode", "ro")
	query.Set("_query_only", "on")
	query.Del("_journal_mode")
	query.Del("_synchronous")
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		query.Set("immutable", "1")
	}
}

// mayChange refuses a change where the disk would.
func (db *DB) mayChange() error {
	if !db.frozen {
		return nil
	}
	return &cause{code: store.Denied, err: syscall.EROFS,
		hint: "it can only be read there: mount the disk of the data folder for writing, or name another folder with --data-dir"}
}
