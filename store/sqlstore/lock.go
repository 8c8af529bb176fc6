package sqlstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/store"
)

// FolderLock is held by the one daemon that serves a data folder. The
// operating system frees it when the process ends, however it ends.
type FolderLock struct{ f *os.File }

// Lock takes the lock of the data folder dir (empty: DefaultDir), which it
// makes where it is missing. While another process holds it the error is
// Unavailable and wraps an *InUseError. Commands that only read and write the
// store do not need it: SQLite keeps them apart.
func Lock(dir string) (*FolderLock, error) {
	dir = Options{Dir: dir}.dir()
	label := "data folder " + dir
	if err := makeDir(dir); err != nil {
		return nil, fail(label, "lock", "", err)
	}
	f, err := diskfile.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		err = &cause{code: store.Invalid, hint: "remove it; a file is made in its place", err: fmt.Errorf("%s is a link", filepath.Join(dir, lockFile))}
	}
	if err != nil {
		return nil, fail(label, "lock", "", err)
	}
	if err := lockExclusively(f); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = &cause{code: store.Unavailable, hint: "stop that process, or name another folder with --data-dir",
				err: &InUseError{Dir: dir, PID: holder(f)}}
		}
		return nil, fail(label, "lock", "", err)
	}
	if err := writePID(f); err != nil {
		f.Close()
		return nil, fail(label, "lock", "", err)
	}
	return &FolderLock{f}, nil
}

// lockExclusively tries for a moment, because InUse holds the lock while it
// looks.
func lockExclusively(f *os.File) error {
	for try := 0; ; try++ {
		err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || try == 20 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Close gives the lock back. A second Close is a no-op.
func (l *FolderLock) Close() error {
	if l.f == nil {
		return nil
	}
	f := l.f
	l.f = nil
	_ = f.Truncate(0) // the lock goes with the descriptor, not with the text
	return f.Close()
}

// InUseError says which process holds a data folder.
type InUseError struct {
	Dir string
	// PID is the holder's process id, 0 where it has not written it yet.
	PID int
}

// Error names the folder and the process.
func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is in use by another airlock serve", e.Dir)
	}
	return fmt.Sprintf("%s is in use by another airlock serve (process %d)", e.Dir, e.PID)
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func holder(f *os.File) int {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return pid
}

// flock is flock(2), again after a signal.
func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
