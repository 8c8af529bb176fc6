// Package trust keeps what the user has said about folders: to which addresses
// a folder may send the user's credentials, and which data folders are the
// user's own.
//
// The list is one JSON file of mode 0600, $XDG_STATE_HOME/airlock/trust.json,
// by default below ~/.local/state. Only the process environment says where it
// is. It holds paths, addresses and ids, and no secret.
package trust

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/wait"
	"github.com/airlock-secrets/airlock/internal/wholefile"
	"github.com/airlock-secrets/airlock/store"
)

// Entry is one address that a folder may send the user's credentials to.
type Entry struct {
	// Dir is the folder's real path: absolute, links followed.
	Dir string `json:"dir"`
	// Host is "host:port".
	Host string `json:"host"`
	// Pin is how the folder has the certificate checked, as route.Point has it;
	// "" where the folder does not say.
	Pin string `json:"pin,omitempty"`
}

// DataFolder is a data folder that the user made, or has agreed to.
type DataFolder struct {
	// Dir is its real path, ID the one that stands in its database.
	Dir string `json:"dir"`
	ID  string `json:"id"`
}

// File is where the list is. The zero value is a list that is empty and
// cannot be written: for a process without a home folder.
type File struct {
	// Dir is the folder of trust.json, made 0700 when the list is first written.
	Dir string
}

// In returns the file of a user: getenv gives XDG_STATE_HOME and HOME of the
// process. An XDG_STATE_HOME that is not absolute does not count (XDG Base
// Directory Specification).
func In(getenv func(name string) string) File {
	state := getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := getenv("HOME")
		if !filepath.IsAbs(home) {
			return File{}
		}
		state = filepath.Join(home, ".local", "state")
	}
	return File{Dir: filepath.Join(state, "airlock")}
}

const name = "trust.json"

// largest bounds the list.
const largest = 4 << 20

// list is what the file holds.
type list struct {
	Version int          `json:"version"`
	Trusted []Entry      `json:"trusted"`
	Data    []DataFolder `json:"data_folders"`
}

// Path is the path of the list, "" where there can be none.
func (f File) Path() string {
	if f.Dir == "" {
		return ""
	}
	return filepath.Join(f.Dir, name)
}

// Entries lists the trusted addresses, sorted by folder and host. A list that
// is not there is empty. One that others may write, or that is damaged, is an
// error of code Invalid.
func (f File) Entries() ([]Entry, error) {
	l, err := f.read()
	return l.Trusted, err
}

// Trusts reports whether the list holds an entry.
func (f File) Trusts(e Entry) (bool, error) {
	l, err := f.read()
	return slices.Contains(l.Trusted, e), err
}

func (e Entry) reaches(o Entry) bool { return e.Dir == o.Dir && e.Host == o.Host }

// Knows reports whether the list holds a data folder.
func (f File) Knows(d DataFolder) (bool, error) {
	l, err := f.read()
	return slices.Contains(l.Data, d), err
}

// Add puts entries on the list. They take the place of those that it has of the
// same folder and host; one host may have several pins.
func (f File) Add(entries ...Entry) error {
	return f.change(func(l *list) {
		l.Trusted = slices.DeleteFunc(l.Trusted, func(old Entry) bool { return slices.ContainsFunc(entries, old.reaches) })
		for _, e := range entries {
			if !slices.Contains(l.Trusted, e) {
				l.Trusted = append(l.Trusted, e)
			}
		}
	})
}

// Remove takes every entry of a folder and host off the list, and reports how
// many there were. An empty host means every host of the folder.
func (f File) Remove(dir, host string) (removed int, err error) {
	err = f.change(func(l *list) {
		before := len(l.Trusted)
		l.Trusted = slices.DeleteFunc(l.Trusted, func(e Entry) bool { return e.Dir == dir && (host == "" || e.Host == host) })
		removed = before - len(l.Trusted)
	})
	return removed, err
}

// AddDataFolder puts a data folder on the list, in place of one of the same
// path.
func (f File) AddDataFolder(d DataFolder) error {
	return f.change(func(l *list) {
		l.Data = slices.DeleteFunc(l.Data, func(old DataFolder) bool { return old.Dir == d.Dir })
		l.Data = append(l.Data, d)
	})
}

func (f File) read() (list, error) {
	var l list
	if f.Dir == "" {
		return l, nil
	}
	file, err := diskfile.OpenFile(f.Path(), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return l, nil
	}
	if err != nil {
		return l, f.unusable(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Mode().Perm()&0o022 != 0 {
		return l, f.unusable(errors.Join(err, errors.New("it is not a regular file that only you can write")))
	}
	text, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err == nil && len(text) > largest {
		err = fmt.Errorf("it is larger than %d bytes", largest)
	}
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err == nil && l.Version != 1 {
		err = fmt.Errorf("it has version %d, and this airlock reads version 1", l.Version)
	}
	if err != nil {
		return list{}, f.unusable(err)
	}
	return l, nil
}

func (f File) unusable(err error) error {
	return &store.Error{Op: "read", Store: "the trust list", Name: f.Path(), Code: store.Invalid, Err: err,
		Hint: "move the file away to start with an empty list"}
}

// change rewrites the list while it holds the lock beside it.
func (f File) change(edit func(*list)) error {
	if f.Dir == "" {
		return &store.Error{Op: "write", Store: "the trust list", Code: store.Invalid,
			Err: errors.New("neither XDG_STATE_HOME nor HOME is set"), Hint: "set HOME, or AIRLOCK_TRUST=host:port for this run"}
	}
	err := os.MkdirAll(f.Dir, 0o700)
	if err != nil {
		return f.unwritable(err)
	}
	lock, err := diskfile.OpenFile(filepath.Join(f.Dir, "trust.lock"), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return f.unwritable(err)
	}
	defer lock.Close()
	done := wait.For("another airlock, which writes " + f.Path())
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	done()
	if err != nil {
		return f.unwritable(err)
	}
	l, err := f.read()
	if err != nil {
		return err
	}
	edit(&l)
	l.Version = 1
	slices.SortFunc(l.Trusted, func(a, b Entry) int {
		return strings.Compare(a.Dir+"\x00"+a.Host, b.Dir+"\x00"+b.Host)
	})
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return f.unwritable(err)
	}
	root, err := os.OpenRoot(f.Dir)
	if err != nil {
		return f.unwritable(err)
	}
	defer root.Close()
	if err := wholefile.Replace(root, name, string(text)+"\n", 0o600); err != nil {
		return f.unwritable(err)
	}
	return nil
}

func (f File) unwritable(err error) error {
	return &store.Error{Op: "write", Store: "the trust list", Name: f.Path(), Code: store.Invalid, Err: err,
		Hint: "make the folder writable, or set AIRLOCK_TRUST=host:port for this run"}
}

// RealDir is a folder as the list has it: absolute, links followed.
func RealDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", fmt.Errorf("finding the folder %q: %w", excerpt.Name(dir), err)
	}
	return abs, nil
}
