// Package diskfile opens files by names that settings, folders and people give.
// What it opens is a regular file: a pipe, a socket or a device can keep its
// reader for ever, have no end, or do something when it is opened. No open
// waits, and every read has a bound.
//
// A file system that does not answer cannot be told from a slow one: whoever
// reads from it waits, and the signal handler of internal/cli ends the process.
package diskfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/airlock-secrets/airlock/internal/wait"
)

// ErrNotRegular is the cause for a pipe, a socket or a device. A folder is
// syscall.EISDIR.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a regular file for reading. Errors are *fs.PathError.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

// OpenFile is os.OpenFile for regular files: it opens nothing else, and neither
// waits for another process nor takes a terminal. Errors are *fs.PathError.
func OpenFile(path string, flag int, mode fs.FileMode) (*os.File, error) {
	look := os.Stat
	if flag&(syscall.O_NOFOLLOW|os.O_EXCL) != 0 {
		look = os.Lstat
	}
	// The first look spares what must not even be opened; only the second one
	// counts, because the name may lead to another file by then.
	if info, err := look(path); err == nil && info.Mode().Type() != fs.ModeSymlink && flag&os.O_EXCL == 0 {
		if err := regular(path, info, nil); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, flag|syscall.O_NONBLOCK|syscall.O_NOCTTY, mode)
	return checked(path, f, err)
}

// OpenIn opens a regular file for reading by way of a folder that is open: no
// link leads out of it.
func OpenIn(root *os.Root, path string) (*os.File, error) {
	info, err := root.Stat(path)
	if err == nil {
		err = regular(path, info, nil)
	}
	if err != nil {
		return nil, err
	}
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	return checked(path, f, err)
}

func checked(path string, f *os.File, err error) (*os.File, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err = regular(path, info, err); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func regular(path string, info fs.FileInfo, err error) error {
	switch {
	case err != nil || info.Mode().IsRegular():
		return err
	case info.IsDir():
		err = syscall.EISDIR
	default:
		err = ErrNotRegular
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}

// CheckRead is the error with which Read refuses what is at path, without
// opening it; nil where nothing is there. It is for files that a library reads
// whole, whatever their size.
func CheckRead(path string, limit int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // the library says what is wrong
	}
	if err = regular(path, info, nil); err == nil && info.Size() > limit {
		err = &TooLargeError{limit}
	}
	return err
}

// Check is the error with which Open refuses what is at path, without opening
// it; nil where nothing is there. It is for files that a library opens.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // the library says what is wrong
	}
	return regular(path, info, nil)
}

// TooLargeError is a file of more than Limit bytes.
type TooLargeError struct{ Limit int64 }

// Error names the limit.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the file is larger than %d bytes", e.Limit)
}

// Read reads a regular file of at most limit bytes. A larger one is a
// *TooLargeError; other errors are *fs.PathError.
func Read(path string, limit int64) ([]byte, error) {
	defer wait.For(path)() // a file system of the network may not answer
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return rest(f, limit)
}

// ReadIn is Read by way of a folder that is open.
func ReadIn(root *os.Root, path string, limit int64) ([]byte, error) {
	defer wait.For(path)()
	f, err := OpenIn(root, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return rest(f, limit)
}

func rest(from io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, &TooLargeError{limit}
	}
	return b, err
}

// ReadTyped is Read for a path that the user typed as an argument: it may be a
// pipe, as the shell's <(...) is, for which it waits until ctx ends.
func ReadTyped(ctx context.Context, path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		return Read(path, limit)
	}
	type answer struct {
		text []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() { // both the open and the read wait for the writer
		f, err := os.Open(path)
		if err != nil {
			read <- answer{nil, err}
			return
		}
		defer f.Close()
		text, err := rest(f, limit)
		read <- answer{text, err}
	}()
	select {
	case a := <-read:
		return a.text, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// OpenDir opens a folder, which its caller locks or syncs, and nothing else.
func OpenDir(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
}

// OpenDirIn is OpenDir by way of a folder that is open.
func OpenDirIn(root *os.Root, path string) (*os.File, error) {
	return root.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
}

// SyncDir makes the names in a folder durable.
func SyncDir(path string) error {
	d, err := OpenDir(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
