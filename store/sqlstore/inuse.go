package sqlstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/store"
)

// InUse reports, as Lock would, that a process holds the lock of the data
// folder dir (empty: DefaultDir): the error is Unavailable and wraps an
// *InUseError. It is nil where nobody does, and makes nothing. A command that
// gets no answer from a daemon asks before it opens the database, which the
// daemon believes to be alone with.
func InUse(dir string) error {
	dir = Options{Dir: dir}.dir()
	label := "data folder " + dir
	f, err := diskfile.OpenFile(filepath.Join(dir, lockFile), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) ||
		errors.Is(err, diskfile.ErrNotRegular) || errors.Is(err, syscall.EISDIR) {
		return nil // that is no lock, and Lock refuses it
	}
	if err != nil {
		return fail(label, "lock", "", err)
	}
	defer f.Close() // gives the lock back
	err = flock(f, syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = &cause{code: store.Unavailable, hint: "restart it: without its socket it would not hear of a change",
			err: &InUseError{Dir: dir, PID: holder(f)}}
	}
	return fail(label, "lock", "", err)
}
