package audit

import (
	"bytes"
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
	"time"
)

// Limits say when a log begins another file. The zero value never does.
type Limits struct {
	// MaxSize is how many bytes a file has at most; 0 is any number. A single
	// line may be longer.
	MaxSize int64
	// MaxAge is how old the first line of a file gets before the next line
	// goes to another one; 0 is any age.
	MaxAge time.Duration
	// Keep is how many rotated files are kept; 0 keeps all. The oldest are
	// removed.
	Keep int
	// Warn hears why a file could not be rotated: the log goes on in it. Nil
	// is fine.
	Warn func(text string)
}

// stamp is the time in the name of a rotated file, so that names sort by it.
const stamp = "20060102T150405.000000Z"

// retryRotation is how long a rotation that failed is not tried again.
const retryRotation = time.Minute

// due reports whether n more bytes belong in another file.
func (l *Log) due(at time.Time, n int) bool {
	f := l.file
	if at.Before(f.born) {
		f.born = at // the clock was set back
	}
	if wait := f.notBefore.Sub(at); f.size == 0 || wait > 0 && wait <= retryRotation {
		return false
	}
	large := l.limits.MaxSize > 0 && f.size+int64(n) > l.limits.MaxSize
	old := l.limits.MaxAge > 0 && at.Sub(f.born) >= l.limits.MaxAge
	return large || old
}

// rotate begins another file. Where it cannot, the log goes on in this one:
// lines are worth more than the size of their file. The caller holds mu.
func (l *Log) rotate(at time.Time) {
	old := l.file
	_ = l.flush()
	err := l.moveAside(at)
	if err == nil {
		err = l.prune()
	} else {
		old.notBefore = at.Add(retryRotation)
	}
	if err != nil && l.limits.Warn != nil {
		l.limits.Warn(fmt.Sprintf("rotating the audit log: %v", err))
	}
}

func (l *Log) moveAside(at time.Time) error {
	old := l.file
	aside, err := l.freeName(old.path, at)
	if err != nil {
		return err
	}
	if err := os.Rename(old.path, aside); err != nil {
		return err
	}
	next, err := openFile(old.path)
	if err != nil {
		return errors.Join(err, os.Rename(aside, old.path))
	}
	next.openToGroupOf(old)
	l.w, l.file, l.torn = next, next, next.torn
	return l.retire(old)
}

// openToGroupOf gives f the group of old and the access that this group has,
// so that whoever reads the log goes on. Where the group cannot be given, f
// stays private.
func (f *file) openToGroupOf(old *file) {
	info, err := old.Stat()
	if err != nil || info.Mode().Perm()&0o060 == 0 {
		return
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && f.Chown(-1, int(s.Gid)) == nil {
		_ = f.Chmod(0o600 | info.Mode().Perm()&0o060)
	}
}

// freeName is what a file that is rotated at that time is renamed to. It sorts
// after the files that were rotated before, also where the clock was set back
// or the line that is written is of a request that began before them.
func (l *Log) freeName(path string, at time.Time) (string, error) {
	if l.rotatedAt.IsZero() { // only this process rotates: the folder is read once
		last, err := lastRotation(path)
		if err != nil {
			return "", err
		}
		l.rotatedAt = last
	}
	if at = at.Truncate(time.Microsecond); !at.After(l.rotatedAt) {
		at = l.rotatedAt.Add(time.Microsecond)
	}
	base, ext := affixes(path)
	for ; ; at = at.Add(time.Microsecond) {
		name := base + at.UTC().Format(stamp) + ext
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			l.rotatedAt = at
			return name, nil
		} else if err != nil {
			return "", err
		}
	}
}

// lastRotation is the time in the name of the youngest rotated file.
func lastRotation(path string) (time.Time, error) {
	names, err := rotated(path)
	if err != nil || len(names) == 0 {
		return time.Time{}, err
	}
	base, ext := affixes(path)
	return time.Parse(stamp, strings.TrimSuffix(strings.TrimPrefix(names[len(names)-1], filepath.Base(base)), ext))
}

// affixes are what the names of rotated files begin and end with.
func affixes(path string) (base, ext string) {
	ext = filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + "-", ext
}

// rotated are the names of the rotated files, the oldest first.
func rotated(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	base, ext := affixes(path)
	var names []string
	for _, e := range entries {
		middle, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ext), filepath.Base(base))
		if _, err := time.Parse(stamp, middle); ok && err == nil && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// prune removes the oldest rotated files beyond those that are kept.
func (l *Log) prune() error {
	if l.limits.Keep <= 0 {
		return nil
	}
	path := l.file.path
	names, err := rotated(path)
	if err != nil {
		return err
	}
	var errs []error
	for len(names) > l.limits.Keep {
		errs = append(errs, os.Remove(filepath.Join(filepath.Dir(path), names[0])))
		names = names[1:]
	}
	return errors.Join(errs...)
}

// readBirth takes the age of a file from its first line; a line that does not
// say it leaves the age as it is.
func (f *file) readBirth() {
	head := make([]byte, 4<<10)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	var first struct{ Time time.Time }
	if json.Unmarshal(line, &first) == nil && !first.Time.IsZero() {
		f.born = first.Time
	}
}
