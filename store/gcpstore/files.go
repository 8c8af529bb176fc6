package gcpstore

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/airlock-secrets/airlock/internal/route"
)

// open opens a file that a setting names.
func (e Env) open(path string) (*os.File, error) {
	return e.Confined.Open(e.path(path))
}

// exists reports whether there is a file at path. One that must not be read
// counts as there, so that opening it says why.
func (e Env) exists(path string) bool {
	_, err := e.Confined.Stat(e.path(path))
	if err == nil || e.Confined == nil {
		return err == nil
	}
	if _, err := os.Lstat(e.path(path)); err != nil {
		return false // also for text that is no path at all
	}
	f, err := e.Confined.Open(e.path(path))
	if err == nil {
		_ = f.Close()
	}
	return err == nil || withheld(err)
}

// withheld reports whether a confined driver was refused what it wanted.
func withheld(err error) bool { return errors.Is(err, route.ErrWithheld) }

// absolute is a path as route.Setting has it; "" stays.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return full
}
