package sqlstore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/wait"
	"github.com/airlock-secrets/airlock/store"
)

// Identity is what tells the store of a data folder (empty: DefaultDir) from
// every other: a digest of its key file, which is random, and without which
// nobody can make a database that opens. It is "" where the folder holds no
// database. A digest gives nothing of the key away.
//
// The folder may be somebody else's: Identity changes nothing in it, follows no
// link of it, and reads of the database no more than what file it is. While another process makes the store it waits.
// A key that is missing, unusable or open to others fails as with Open.
func Identity(dir string) (string, error) {
	dir = Options{Dir: dir}.dir()
	label := "data folder " + dir
	d, err := diskfile.OpenDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fail(label, "identify", "", err)
	}
	defer d.Close() // gives the lock back
	done := wait.For("another process, which makes the store in " + dir)
	err = flock(d, syscall.LOCK_SH)
	done()
	if err != nil {
		return "", fail(label, "identify", "", err)
	}
	id, err := identity(dir)
	return id, fail(label, "identify", "", err)
}

func identity(dir string) (string, error) {
	if err := checkWhole(dir); err != nil || !Exists(dir) {
		return "", err
	}
	for _, name := range []string{databaseFile, keyFile} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err == nil && !info.Mode().IsRegular() {
			return "", &cause{code: store.Invalid, err: fmt.Errorf("%s is not a regular file", filepath.Join(dir, name)),
				hint: "name the folder with --data-dir if it is yours"}
		}
	}
	if err := checkHeader(filepath.Join(dir, databaseFile)); err != nil {
		return "", err
	}
	_, text, err := loadKey(dir)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(append([]byte("airlock data folder 1\x00"), text...))
	return hex.EncodeToString(digest[:16]), nil
}

// tellMade hands the identity of a store that was just made to who asked.
func (o Options) tellMade(dir string) error {
	if o.Made == nil || o.Key != nil {
		return nil
	}
	id, err := identity(dir)
	if err == nil {
		o.Made(id)
	}
	return err
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
