package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/wait"
	"github.com/airlock-secrets/airlock/store"
)

// file is the open file of a log. It is locked while it is open.
type file struct {
	*os.File
	path string
	info fs.FileInfo // as it was when it was opened: which file it is
	dir  fs.FileInfo // the folder that it was opened in
	torn bool        // it ended in half a line then
	// seen is how many bytes the file had when its name was last seen to lead
	// to it, at the second checked of the clock; size is how many it has now.
	seen, checked, size int64
	// born is when its first line was written; notBefore is when a rotation
	// that failed is tried again.
	born, notBefore time.Time
	// syncs is how many syncs of the file go on; retired is set once the log
	// has left it. The log's mu guards both.
	syncs   int
	retired bool
}

// openFile opens, or makes, the file of a log and locks it. Its folder must be
// there.
func openFile(path string) (*file, error) {
	for {
		f, err := openOnce(path)
		if err != nil {
			return nil, err
		}
		if f.named() == nil {
			return f, nil
		}
		_ = f.Close() // it was rotated while we waited for its lock
	}
}

func openOnce(path string) (*file, error) {
	o, err := diskfile.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EISDIR) || errors.Is(err, diskfile.ErrNotRegular) {
		return nil, noFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	f := &file{File: o, path: path}
	f.info, err = o.Stat()
	if err == nil {
		f.dir, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return nil, f.closing(err)
	}
	for _, step := range []func() error{f.makePrivate, f.lock, f.begin} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("opening the audit log: %w", f.closing(err))
		}
	}
	return f, nil
}

func noFile(path string) error {
	return &store.Error{Op: "open", Store: "audit log", Code: store.Invalid, Err: fmt.Errorf("%s is not a regular file", path),
		Hint: "move it away; a file is made in its place"}
}

func (f *file) closing(err error) error {
	_ = f.Close()
	return err
}

// makePrivate closes to others a file that an earlier umask or hand left open.
// Access for its group is left alone: a volume of Kubernetes has it.
func (f *file) makePrivate() error {
	if f.info.Mode().Perm()&0o007 == 0 {
		return nil
	}
	return f.Chmod(0o600)
}

// lock takes the file for this process alone. Commands have it from an intent
// to its outcome, a daemon as long as it runs.
func (f *file) lock() error {
	const most, pause = 10 * time.Second, 5 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		case waited >= most:
			return &store.Error{Op: "lock", Store: "audit log", Name: f.path, Code: store.Unavailable,
				Err:  errors.New("another process holds the audit log"),
				Hint: "a daemon may just have started, or another command is stopped: try again"}
		}
		if waited == 0 {
			defer wait.For("another process, which holds " + f.path)()
		}
		time.Sleep(pause)
	}
}

// begin looks at the file once it is ours. A new one gets its name synced too,
// else the machine could lose it with the lines that are on the disk.
func (f *file) begin() error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	f.seen, f.size, f.born = info.Size(), info.Size(), time.Now()
	if f.size == 0 {
		return diskfile.SyncDir(filepath.Dir(f.path))
	}
	f.torn, err = f.endsTorn(f.size)
	f.readBirth()
	return err
}

// endsTorn reports whether a file of that size ends in half a line, which a
// full disk or a killed process leaves behind.
func (f *file) endsTorn(size int64) (bool, error) {
	var last [1]byte
	_, err := f.ReadAt(last[:], size-1)
	return last[0] != '\n', err
}

// named is nil where the file is the one of its name.
func (f *file) named() error {
	info, err := os.Lstat(f.path)
	if err == nil && !os.SameFile(info, f.info) {
		err = errors.New("another file has its name")
	}
	return err
}

// ready makes the log ready for n more bytes: in the file of its name, and in
// another one where it is time for that. The caller holds mu.
func (l *Log) ready(at time.Time, careful bool, n int) error {
	if l.file == nil {
		return nil
	}
	if err := l.attend(at, careful); err != nil {
		return err
	}
	if l.due(at, n) {
		l.rotate(at)
	}
	if l.file.size == 0 {
		l.file.born = at
	}
	return nil
}

// Reopen goes on in the file that has the name of the log now, if it is
// another one.
func (l *Log) Reopen() error {
	if l == nil || l.file == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return unwritten(l.attend(time.Now(), true))
}

// attend keeps the log in the file of its name: one that was moved away or
// removed is replaced. It looks once a second, and before each intent, where a
// careful caller comes. The caller holds mu.
func (l *Log) attend(at time.Time, careful bool) error {
	second := at.Unix()
	if second == l.file.checked && !careful {
		return nil
	}
	if l.file.named() != nil {
		if err := l.reopen(); err != nil {
			return err
		}
	}
	info, err := l.file.Stat()
	if err != nil {
		return err
	}
	l.file.seen, l.file.size, l.file.checked = info.Size(), info.Size(), second
	return nil
}

// reopen goes on in the file that has the name now. Lines that went to a file
// which nobody can read any more, because it was removed, are written again.
// It makes no folder, and goes into no other one than its own: lines in a
// folder that has taken the place of a data folder belong to no store.
// The caller holds mu.
func (l *Log) reopen() error {
	next, err := l.file.successor()
	if err != nil {
		return err
	}
	old, torn := l.file, l.torn
	l.w, l.file, l.torn = next, next, next.torn
	lost, err := old.lost()
	if err == nil && len(lost) > 0 {
		if err = l.put(lost); err == nil {
			err = fdatasync(next.File) // some of them are intents, which were on the disk
		}
	}
	if err != nil {
		l.w, l.file, l.torn = old, old, torn
		return next.closing(err)
	}
	return l.retire(old)
}

// successor opens the file that has the name now, in the same folder.
func (f *file) successor() (*file, error) {
	dir := filepath.Dir(f.path)
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, f.dir) {
		return nil, fmt.Errorf("the folder %s was moved or replaced: put it back, or start the daemon again", dir)
	}
	if err != nil {
		return nil, err
	}
	next, err := openFile(f.path)
	if err == nil && !os.SameFile(next.dir, f.dir) {
		return nil, next.closing(fmt.Errorf("the folder %s was replaced", dir))
	}
	return next, err
}

// retire closes a file that the log has left, whose lines some may still wait
// for. The caller holds mu.
func (l *Log) retire(old *file) error {
	if l.round != nil {
		if err := fdatasync(old.File); err != nil {
			l.round.err = err
		}
	}
	old.retired = true
	return old.closeRetired()
}

// closeRetired closes a file that the log has left and that nobody syncs any
// more. The caller holds mu.
func (f *file) closeRetired() error {
	if !f.retired || f.syncs > 0 {
		return nil
	}
	return f.Close()
}

// lost are the lines that a removed file has got since it was last seen.
func (f *file) lost() ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || s.Nlink > 0 {
		return nil, nil
	}
	return io.ReadAll(io.NewSectionReader(f, f.seen, info.Size()-f.seen))
}
