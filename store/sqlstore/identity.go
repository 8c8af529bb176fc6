package sqlstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/airlock-secrets/airlock/store"
)

// Identity is what tells the store of a data folder (empty: DefaultDir) from
// every other: a digest of its canary, which is sealed with a random nonce when
// the store is made, stays the same as long as its key does, and opens with
// that key only. It is "" where the folder holds no database.
//
// The folder may be somebody else's: Identity changes nothing in it, follows no
// link of it, needs no key, and has SQLite read one table that is as we make it.
// While another process makes the store it waits. A database that is damaged
// or another program's fails as with Open.
func Identity(ctx context.Context, dir string) (string, error) {
	dir = Options{Dir: dir}.dir()
	label := "data folder " + dir
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fail(label, "identify", "", err)
	}
	defer d.Close() // gives the lock back
	if err := flock(d, syscall.LOCK_SH); err != nil {
		return "", fail(label, "identify", "", err)
	}
	if err := checkWhole(dir); err != nil {
		return "", fail(label, "identify", "", err)
	}
	if !Exists(dir) {
		return "", nil
	}
	id, err := identity(ctx, filepath.Join(dir, databaseFile))
	return id, fail(label, "identify", "", err)
}

// identity is that of a database file. Its canary is in the file itself since
// it was made, so that the log need not be read.
func identity(ctx context.Context, path string) (string, error) {
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, invalid("%s is not a regular file", path))
	}
	if err := checkHeader(path); err != nil {
		return "", err
	}
	db, err := openSQLite(path, untouched)
	if err != nil {
		return "", err
	}
	defer db.Close()
	// A view or a virtual table of that name could run for ever.
	var made string
	err = db.QueryRowContext(ctx, "SELECT sql FROM sqlite_schema WHERE name = 'canary' AND length(sql) < 1000").Scan(&made)
	if err != nil {
		return "", fmt.Errorf("finding the canary: %w", err)
	}
	if !strings.Contains(migrations()[0].sql, made+";") {
		return "", corrupt("%s has a canary that airlock has not made", path)
	}
	var sealed []byte
	err = db.QueryRowContext(ctx, "SELECT substr(sealed, 1, 1000) FROM canary WHERE id = 1").Scan(&sealed)
	if err != nil {
		return "", fmt.Errorf("reading the canary: %w", err)
	}
	digest := sha256.Sum256(append([]byte("airlock data folder 1\x00"), sealed...))
	return hex.EncodeToString(digest[:16]), nil
}

// leaveUntouched makes the settings of a handle that reads the file as it
// stands, without its log, and writes nothing beside it.
func leaveUntouched(query url.Values) {
	query.Set("mode", "ro")
	query.Set("immutable", "1")
	query.Set("_query_only", "on")
	query.Del("_journal_mode")
	query.Del("_synchronous")
}

// Vacant reports whether a folder holds nothing that a store to be made there
// would use: at most the two files that a daemon leaves that could not start.
func Vacant(dir string) (bool, error) {
	entries, err := os.ReadDir(Options{Dir: dir}.dir())
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fail("data folder "+dir, "look into", "", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || e.Name() != ".gitignore" && e.Name() != lockFile {
			return false, nil
		}
	}
	return true, nil
}

// tellMade hands the identity of a store that was just made to who asked.
func (o Options) tellMade(ctx context.Context, path string) error {
	if o.Made == nil {
		return nil
	}
	id, err := identity(ctx, path)
	if err != nil {
		return &cause{code: store.Corrupt, err: err, hint: hintBackup}
	}
	o.Made(id)
	return nil
}
