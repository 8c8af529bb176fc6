package settings

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/airlock-secrets/airlock/internal/diskfile"
)

// mostBytes bounds each file, and mostExpanded what variables may add to it:
// both come from whoever wrote the folder.
const (
	mostBytes    = 1 << 20
	mostExpanded = 16 << 20
)

var errNUL = errors.New("the file holds a NUL byte")

// readFile returns the text of a file without a byte order mark, and whether
// it exists. Only regular files are read: a pipe would block for ever.
func readFile(path string) (text string, bom, ok bool, err error) {
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // HOME may be /dev/null
		return "", false, false, nil
	}
	if err != nil {
		return "", false, false, unreadable(path, err)
	}
	b, err := diskfile.Read(path, mostBytes)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return "", false, false, unreadable(path, diskfile.ErrNotRegular)
	case errors.As(err, new(*diskfile.TooLargeError)):
		return "", false, false, fileError(path, 0, "", err)
	case err != nil:
		return "", false, false, unreadable(path, err)
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		line := 1 + bytes.Count(b[:i], []byte("\n"))
		return "", false, false, fileError(path, line, "save the file as UTF-8 text", errNUL)
	}
	b, bom = bytes.CutPrefix(b, []byte("\ufeff"))
	return string(b), bom, true, nil
}

func unreadable(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // the path is named already
	}
	return fileError(path, 0, "make the file readable, or run airlock in another folder", err)
}

// budget counts what variables add to a file's values, so that a few lines
// that double each other cannot fill the memory.
type budget struct{ left int }

// spend takes the length of value from the budget and reports whether there
// was enough.
func (b *budget) spend(value string) bool {
	b.left -= len(value)
	return b.left >= 0
}
