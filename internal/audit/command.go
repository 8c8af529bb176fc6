package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/airlock-secrets/airlock/store"
)

// Command is the log of a command that opens a data folder itself. Nothing is
// opened before its first change, and the file is locked from each intent to
// its outcome: neither another command nor a daemon that starts comes between.
type Command struct{ path string }

// ForCommand returns the log of the file at path.
func ForCommand(path string) *Command { return &Command{path} }

// Change is that of Log. The error is Denied where the file may not be written,
// else Unavailable where it cannot be opened.
func (c *Command) Change(e *Entry, do func() error) error {
	f, err := openFile(c.path)
	if err != nil {
		return c.unopened(err)
	}
	defer f.Close()
	return (&Log{w: f, file: f, torn: f.torn}).Change(e, do)
}

// unopened says that a change was not made.
func (c *Command) unopened(err error) error {
	e := &store.Error{Op: "audit", Store: "airlock", Code: store.Unavailable, Err: fmt.Errorf("nothing was changed: %w", err), Hint: store.Hint(err)}
	if e.Hint == "" {
		e.Hint = "a change needs its line in the audit log: see to the log's disk and permissions"
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		e.Code = store.Denied
	}
	return e
}
