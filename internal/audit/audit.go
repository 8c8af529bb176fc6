// Package audit writes one JSON line for every request: who asked for what,
// by which protocol and from where, what was answered and by which layer. A
// line holds names, never a value or a token.
//
//	{"v":1,"time":"2026-01-02T03:04:05.678901Z","request":"...","principal":"airflow",
//	 "protocol":"vault","remote":"127.0.0.1:40312","action":"read","kind":"variable",
//	 "name":"etl_key","outcome":"found","layer":"secrets backend",
//	 "source":"...VaultBackend","duration_us":412}
//
// The member name is what the store was asked for. Where the client spelled it
// in another way, "etl_key" for a Key Vault's "etl-key" for instance, that is
// the member typed.
//
// The member stale is the time at which a source gave a value that was answered
// in its place, because the source could not be asked.
//
// The member v is the number of the format, 1, and comes first; lines without
// it were written before there was one and have the same members. Members that
// are empty are left out.
//
// # What is read
//
// The line of a read is written, with one write call, before the answer
// leaves; a line that cannot be written fails the request. These lines are not
// synced to the disk one by one: they survive a crash of the process, not one
// of the machine.
//
// # What nobody has signed
//
// A request of somebody who has not proved who it is has no line of its own,
// or it would cost its sender nothing to fill the disk: it is counted, and
// there is one line a second for each peer. See [Log.Count].
//
// # What is changed
//
// A change has two lines with the same request. The first, whose outcome is
// "intended", is written and synced to the disk before the store is touched; a
// change whose intent cannot be kept is not made. The second has the outcome,
// and is written as the line of a read is. An intent without a second line
// reads as "unknown": the process or the machine ended in between, or the disk
// had no room, and the change may have been made.
//
// # The files
//
// A log goes on in the file of its name: one that was moved away or removed is
// replaced, and [Log.Reopen] looks at once. It stays in the folder in which it
// was opened: where that was moved away, no line is written, and no answer leaves. By its [Limits] it is rotated: the
// file is renamed to audit-20260102T030405.678901Z.log, by the time at which
// that happens, and another one begun. These names sort by their order, also
// where the clock was set back.
package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// FileName is what the log of a data folder is called.
const FileName = "audit.log"

// Intended is the outcome of the line that comes before a change.
const Intended = "intended"

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
	Name      string // the id of a variable or connection as its store spells it, the exact name of a plain secret
	Typed     string // how the client spelled Name, where that differs
	Version   int64  // the version asked for; 0: the latest
	Outcome   string // "found", "written", "denied", ...: never free text from a peer
	Count     int64  // how many requests the line sums up; 0: it is of one
	Layer     string // the layer that answered
	Source    string // the class of that layer
	// Stale is when the source last gave the secret that was answered because
	// the source could not be asked; zero: it was asked, or a cache was fresh.
	Stale    time.Time
	Duration time.Duration
	// Ahead says that the line does not wait behind those of others, however
	// many there are: one that takes access away.
	Ahead bool
}

// Outcome is the word of a line for how something ended that did not succeed:
// "missing", or the code of the store's error.
func Outcome(err error) string {
	if c := store.CodeOf(err); c != store.NotFound {
		return string(c)
	}
	return "missing"
}

// Log appends entries to a file or another writer. It is safe for concurrent
// use. A nil *Log writes nothing, for tests and commands that serve nobody.
type Log struct {
	// behind is held by whoever writes a line that is not Ahead, so that no
	// more than one of them stands in front of one that is.
	behind sync.Mutex

	mu    sync.Mutex
	w     io.Writer
	file  *file // nil: w is none of ours
	torn  bool  // what w holds ends in half a line
	buf   []byte
	round *round // whoever waits for the next sync

	sums   sums
	limits Limits
	// rotatedAt is the time in the name of the youngest rotated file; zero
	// before a first rotation.
	rotatedAt time.Time

	syncing sync.Mutex // over a sync, so that those who come meanwhile share the next
}

// New returns a log on w, which must take a whole line in one Write. Where w
// has a method Sync() error, intents are synced by it.
func New(w io.Writer) *Log { return &Log{w: w} }

// Open appends to the file at path and creates it where there is none, 0600,
// in a folder that it creates 0700. What is there must be a file: a link or a
// pipe, by which another process gets or holds up every line, is Invalid. The
// file is locked until Close: it is Unavailable while another process has it.
func Open(path string, limits Limits) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("opening the audit log: %w", err)
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return &Log{w: f, file: f, torn: f.torn, limits: limits, sums: sums{timed: true}}, nil
}

// Write appends e as one line. An error means that the line may not be there,
// and that the answer must not leave; it is Unavailable.
func (l *Log) Write(e *Entry) error {
	if l == nil {
		return nil
	}
	l.enter(e)
	defer l.leave(e)
	return unwritten(l.write(e, false))
}

func (l *Log) enter(e *Entry) {
	if !e.Ahead {
		l.behind.Lock()
	}
	l.mu.Lock()
}

func (l *Log) leave(e *Entry) {
	l.mu.Unlock()
	if !e.Ahead {
		l.behind.Unlock()
	}
}

// write appends e. A careful one makes sure that the file is still the one of
// its name. The caller holds mu.
func (l *Log) write(e *Entry, careful bool) error {
	at := e.Time
	if at.IsZero() {
		at = time.Now()
	}
	b := e.append(l.buf[:0], at)
	l.buf = b[:0]
	if err := l.ready(at, careful, len(b)); err != nil {
		return err
	}
	return l.put(b)
}

// put writes whole lines with one call. The caller holds mu.
func (l *Log) put(b []byte) error {
	if l.torn {
		b = append([]byte{'\n'}, b...)
	}
	n, err := l.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		if n > 0 && !l.takeBack(n) {
			l.torn = true
		}
		return err
	}
	l.torn = false
	if l.file != nil {
		l.file.size += int64(n)
	}
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

// Close writes the sums that wait and closes the file that Open opened.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := unwritten(l.endSums())
	if l.file == nil {
		return err
	}
	return errors.Join(err, l.file.Close())
}

// unwritten is what becomes of a request whose line cannot be written.
func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return &store.Error{Op: opAudit, Store: "airlock", Code: store.Unavailable, Err: fmt.Errorf("writing the audit log: %w", err),
		Hint: "nothing is answered while the audit log cannot be written: see to its disk and permissions"}
}
