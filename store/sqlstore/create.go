package sqlstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/wait"
	"github.com/airlock-secrets/airlock/store"
)

// prepare makes sure that the folder holds a database, and returns the key
// that opens it. It makes a folder, a key and a database only where there is
// none, whole or not at all, and changes nothing that is there.
func prepare(ctx context.Context, o Options) (tink.AEADWithContext, error) {
	dir := o.dir()
	if err := checkWhole(dir); err != nil {
		return nil, err
	}
	if o.MustExist && !Exists(dir) {
		return nil, &cause{code: store.NotFound, err: fmt.Errorf("there is no store in %s", dir),
			hint: "name the folder with --data-dir, or make one by storing something in it"}
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	unlock, err := lockCreation(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	path := filepath.Join(dir, databaseFile)
	exists := Exists(dir)
	if exists {
		if err := checkHeader(path); err != nil {
			return nil, err
		}
	}
	kek, err := o.Key, error(nil)
	if kek == nil {
		kek, err = readKey(dir)
		if errors.Is(err, fs.ErrNotExist) && !exists {
			kek, err = makeKey(dir)
		}
	}
	if err != nil || exists {
		return kek, err
	}
	if err := create(ctx, path, kek); err != nil {
		return nil, err
	}
	return kek, o.tellMade(dir)
}

// checkWhole refuses what is no folder, and a folder that had a database: a
// daemon makes its own files after it. A key alone may have been put there for
// a store to come.
func checkWhole(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return &os.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	case Exists(dir):
		return nil
	}
	for _, name := range []string{"audit.log", "dev-token"} {
		// The second look is for a store that was made since the first.
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil && !Exists(dir) {
			return &cause{code: store.Corrupt, hint: "nothing was changed: put the whole data folder back from a backup; " +
				"to begin anew, name another folder with --data-dir or move this one away",
				err: fmt.Errorf("%s is gone but %s beside it is there", filepath.Join(dir, databaseFile), name)}
		}
	}
	return nil
}

// ignore keeps a data folder out of git. Nothing is locked yet: whoever else
// makes the folder at the same time writes the same two bytes.
func ignore(dir string) error {
	f, err := diskfile.OpenFile(filepath.Join(dir, ".gitignore"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString("*\n")
	return errors.Join(err, f.Close())
}

// makeDir makes a data folder for its owner alone. An existing one is left as
// it is, and refused where others could put files into it.
func makeDir(dir string) error {
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		return ignore(dir)
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return &os.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	case info.Mode().Perm()&0o002 != 0: // the owner may share it with a group
		return &cause{code: store.Invalid, hint: "chmod 700 " + dir,
			err: fmt.Errorf("other users can write in the data folder %s (mode %04o)", dir, info.Mode().Perm())}
	}
	return nil
}

// lockCreation keeps two processes from making the same store. It locks the
// folder itself, which the lock of a daemon leaves alone.
func lockCreation(dir string) (unlock func(), err error) {
	d, err := diskfile.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	done := wait.For("another process, which makes the store in " + dir)
	err = flock(d, syscall.LOCK_EX)
	done()
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return func() { d.Close() }, nil
}

// headerSize is the size of SQLite's file header, applicationAt the place of
// the application id in it (https://www.sqlite.org/fileformat2.html#the_database_header).
const (
	headerSize    = 100
	applicationAt = 68
	applicationID = 0x414c434b // "ALCK"
	magic         = "SQLite format 3\x00"
)

// checkHeader refuses a file that is no database of ours before SQLite, which
// might write to it, has seen it.
func checkHeader(path string) error {
	f, err := diskfile.Open(path)
	if err != nil {
		return notRegular(path, err)
	}
	defer f.Close()
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(f, header); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return corrupt("%s is cut short", path)
		}
		return err
	}
	if string(header[:len(magic)]) != magic {
		return corrupt("%s is not a SQLite database", path)
	}
	if id := binary.BigEndian.Uint32(header[applicationAt:]); id != applicationID {
		return &cause{code: store.Invalid, hint: "name another folder with --data-dir; nothing was changed",
			err: fmt.Errorf("%s is a database of another program (application id %#x)", path, id)}
	}
	return nil
}

// notRegular is err, which says more where something else than a file has the
// name of a file of the store.
func notRegular(path string, err error) error {
	if !errors.Is(err, diskfile.ErrNotRegular) && !errors.Is(err, syscall.EISDIR) {
		return err
	}
	return &cause{code: store.Invalid, err: fmt.Errorf("%s is not a regular file", path),
		hint: "nothing was changed: move it away, and put the files of the data folder back from a backup"}
}

// create builds a database beside path and moves it there once it is whole.
func create(ctx context.Context, path string, kek tink.AEADWithContext) error {
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return corrupt("%s is gone but its log %s-wal is there", path, path)
	}
	next := path + ".new"
	for _, leftover := range []string{next, next + "-journal", next + "-wal", next + "-shm"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := diskfile.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := fill(ctx, next, kek); err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return diskfile.SyncDir(filepath.Dir(path))
}

// fill writes the first contents of a database: its schema and the canary.
func fill(ctx context.Context, path string, kek tink.AEADWithContext) error {
	db, err := openSQLite(path, writing)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return err
	}
	if err := migrate(ctx, db, migrations()); err != nil {
		return err
	}
	sealed, err := kek.EncryptWithContext(ctx, []byte(canaryText), boundTo("canary"))
	if err != nil {
		return fmt.Errorf("sealing the canary: %w", err)
	}
	if _, err := db.ExecContext(ctx, "INSERT INTO canary (id, sealed) VALUES (1, ?)", sealed); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return err
	}
	return db.Close()
}
