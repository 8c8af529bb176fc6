// Package datafolder says which folder may be opened as a data folder, before
// anything in it is opened, made or removed. A folder that airlock finds in the
// current one may be the work of whoever wrote the project; one that the user
// names is the user's word.
package datafolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/airlock-secrets/airlock/store"
)

// Found checks the folder path, relative to the folder dir that airlock found it
// by. No part of path may be a link, and the last must be a folder of the
// user's without access for anybody else. There may be nothing at all. What is
// wrong is an error of code Denied.
func Found(dir, path string) error {
	for at := dir; path != ""; {
		var part string
		part, path, _ = strings.Cut(filepath.ToSlash(path), "/")
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return denied(at, err.Error())
		case info.Mode().Type() == fs.ModeSymlink:
			return denied(at, "it is a link")
		case !info.IsDir():
			return denied(at, "it is not a folder")
		case path == "":
			return private(at, info)
		}
	}
	return nil
}

// private checks the folder itself.
func private(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch own := os.Geteuid(); {
	case !ok:
		return denied(path, "its owner cannot be told")
	case int64(stat.Uid) != int64(own):
		return denied(path, fmt.Sprintf("user %d owns it, and airlock runs as user %d", stat.Uid, own))
	case info.Mode().Perm()&0o077 != 0:
		return denied(path, fmt.Sprintf("other users can use it (mode %04o)", info.Mode().Perm()))
	}
	return nil
}

func denied(path, why string) error {
	return &store.Error{Op: "open", Store: "data folder " + path, Code: store.Denied, Err: errors.New(why)}
}

// Named checks a folder that the user names. Links are followed, and its owner
// and group are the user's affair; others may have no access. There may be
// nothing at all. What is wrong is an error of code Invalid.
//
// systemd makes the state folder of a unit with DynamicUser=yes a link into
// /var/lib/private, which nobody but root enters, with the mode 0755: a folder
// that is reached through a link counts as closed where others cannot get to it.
func Named(path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o007 == 0 {
		return nil // what is no folder fails where it is opened
	}
	if info.Mode().Perm()&0o002 == 0 && linked(path) && hidden(path) {
		return nil
	}
	return &store.Error{Op: "open", Store: "data folder " + path, Code: store.Invalid,
		Err:  fmt.Errorf("other users can use it (mode %04o)", info.Mode().Perm()),
		Hint: "chmod o-rwx " + path}
}

func linked(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().Type() == fs.ModeSymlink
}

// hidden reports whether a folder stands below one that others cannot enter.
func hidden(path string) bool {
	at, err := filepath.EvalSymlinks(path)
	if err == nil {
		at, err = filepath.Abs(at)
	}
	if err != nil {
		return false
	}
	for parent := filepath.Dir(at); parent != at; at, parent = parent, filepath.Dir(parent) {
		if info, err := os.Stat(parent); err == nil && info.Mode().Perm()&0o001 == 0 {
			return true
		}
	}
	return false
}
