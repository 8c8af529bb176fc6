// Package audit writes one JSON line for every request: who asked for what,
// by which protocol and from where, what was answered and by which layer. A
// line holds names, never a value or a token.
//
// Each line is written, with one write call, before the answer leaves; a line
// that cannot be written fails the request. Nothing leaves unaudited:
//
//	{"time":"2026-01-02T03:04:05.678901Z","request":"...","principal":"airflow",
//	 "protocol":"vault","remote":"127.0.0.1:40312","action":"read","kind":"variable",
//	 "name":"etl_key","outcome":"found","layer":"secrets backend",
//	 "source":"...VaultBackend","duration_us":412}
//
// Members that are empty are left out. Lines are not synced to the disk one by
// one: they survive a crash of the process, not one of the machine.
package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// Entry is one line. Every text may come from outside: it is quoted, and cut
// at 1 KiB with its length added.
type Entry struct {
	Time      time.Time // zero: now
	Request   string    // the request's id, as the client got it
	Principal string    // the client's name; empty while unknown
	Protocol  string    // "vault", "cli"
	Remote    string    // the peer's address
	Action    string    // an acl.Action, or "login", "lookup", "renew", "revoke"
	Kind      string    // an acl.Kind; empty where there is none
	Team      string
	Name      string // the id of a variable or connection, the exact name of a plain secret
	Version   int64  // the version asked for; 0: the latest
	Outcome   string // "found", "written", "denied", ...: never free text from a peer
	Layer     string // the layer that answered
	Source    string // the class of that layer
	Duration  time.Duration
}

// Log appends entries to a file or another writer. It is safe for concurrent
// use. A nil *Log writes nothing, for tests and commands that serve nobody.
type Log struct {
	mu   sync.Mutex
	w    io.Writer
	file *os.File
	torn bool
	buf  []byte
}

// New returns a log on w, which must take a whole line in one Write.
func New(w io.Writer) *Log { return &Log{w: w} }

// Open appends to the file at path and creates it where there is none, 0600,
// in a folder that it creates 0700. What is there must be a file: a link or a
// pipe, by which another process gets or holds up every line, is Invalid.
func Open(path string) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, noFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, closing(f, cmp.Or(err, noFile(path)))
	}
	// A file that an earlier umask or hand left open to others is closed.
	if err := f.Chmod(0o600); err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", closing(f, err))
	}
	torn, err := endsTorn(f)
	if err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", closing(f, err))
	}
	return &Log{w: f, file: f, torn: torn}, nil
}

func noFile(path string) error {
	return &store.Error{Op: "open", Store: "audit log", Code: store.Invalid, Err: fmt.Errorf("%s is not a regular file", path),
		Hint: "move it away; a file is made in its place"}
}

func closing(f *os.File, err error) error {
	_ = f.Close()
	return err
}

// endsTorn reports whether the file ends in half a line, which a full disk or
// a killed process leaves behind.
func endsTorn(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// Write appends e as one line. An error means that the line may not be there,
// and that the answer must not leave.
func (l *Log) Write(e *Entry) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buf[:0]
	if l.torn {
		b = append(b, '\n')
	}
	b = e.append(b)
	l.buf = b[:0]
	n, err := l.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		if n > 0 && !l.takeBack(n) {
			l.torn = true
		}
		return fmt.Errorf("writing the audit log: %w", err)
	}
	l.torn = false
	return nil
}

// takeBack removes the n bytes of a line that did not fit, so that no reader
// stumbles over half of one. It reports false where that cannot be: then the
// next line begins with a line break.
func (l *Log) takeBack(n int) bool {
	if l.file == nil {
		return false
	}
	info, err := l.file.Stat()
	return err == nil && info.Size() >= int64(n) && l.file.Truncate(info.Size()-int64(n)) == nil
}

// Close closes the file that Open opened.
func (l *Log) Close() error {
	if l == nil || l.file == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
