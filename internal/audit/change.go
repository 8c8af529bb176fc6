package audit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// opOutcome is the operation of the error that says that a change was made.
const opOutcome = "audit outcome"

// opAudit is that of a line that could not be written.
const opAudit = "audit"

// Made reports whether err says that a change was made and only the line of
// its outcome could not be written. It also knows the error when it has
// travelled from the daemon to a command.
func Made(err error) bool {
	var e *store.Error
	return errors.As(err, &e) && e.Op == opOutcome
}

// Unwritten reports whether err says that a line could not be written, and so
// that nothing was answered or changed.
func Unwritten(err error) bool {
	var e *store.Error
	return errors.As(err, &e) && e.Op == opAudit
}

// NewRequest gives the id of a request that has none from its protocol: it
// ties the two lines of a change.
func NewRequest() string { return rand.Text() }

// Change makes a change between its two lines: the intent of e, do, and the
// outcome, which is e.Outcome where do succeeds. Where the intent cannot be
// kept do is not called. Where only the outcome cannot be written, the error
// is one that Made knows.
func (l *Log) Change(e *Entry, do func() error) error {
	if err := l.Intend(e); err != nil {
		return err
	}
	start := time.Now()
	err := do()
	if err != nil {
		e.Outcome = Outcome(err)
	}
	e.Duration = time.Since(start)
	return l.Settle(e, err)
}

// Intend writes the line that comes before the change that e is about, and
// returns nil once it is on the disk. Those who intend at the same time share
// one sync. After an error, which is Unavailable, nothing may be changed.
func (l *Log) Intend(e *Entry) error {
	if l == nil {
		return nil
	}
	intent := *e
	intent.Outcome, intent.Duration = Intended, 0
	l.enter(e)
	err := l.settled(e, l.write(&intent, true))
	if err != nil {
		return unchanged(unwritten(err))
	}
	return nil
}

// settled returns once what was written before is on the disk, unless err says
// that it was not written. The caller entered with e, which is left. Those who
// come at the same time share one sync.
func (l *Log) settled(e *Entry, err error) error {
	var r *round
	leads := l.round == nil
	if err == nil {
		if leads {
			l.round = &round{done: make(chan struct{})}
		}
		r = l.round
	}
	l.leave(e)
	if err == nil {
		if leads {
			l.sync(r)
		}
		<-r.done
		err = r.err
	}
	return err
}

// unchanged adds to a failure of the log what it has kept from happening.
func unchanged(err error) error {
	e := *err.(*store.Error)
	e.Err = fmt.Errorf("nothing was changed: %w", e.Err)
	return &e
}

// Settle writes the line of a change that was intended, with its outcome, and
// returns err, which is how the change went. Where the line of a change that
// was made cannot be written, the error is one that Made knows.
func (l *Log) Settle(e *Entry, err error) error {
	failed := l.Write(e)
	switch {
	case failed == nil:
		return err
	case err != nil:
		return failed
	}
	return &store.Error{Op: opOutcome, Store: "airlock", Code: store.Unavailable,
		Err:  fmt.Errorf("the change was made, but its outcome could not be written: %w", errors.Unwrap(failed)),
		Hint: "the audit log has the line of its intent: see to its disk and permissions"}
}

// round is a sync that several wait for.
type round struct {
	done chan struct{}
	err  error // set before done is closed
}

// sync ends round r, which takes in whoever wrote before it begins.
func (l *Log) sync(r *round) {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	l.round = nil
	w, f := l.w, l.file
	if f != nil {
		f.syncs++
	}
	l.mu.Unlock()
	r.err = errors.Join(r.err, syncData(w))
	if f != nil {
		l.mu.Lock()
		f.syncs--
		_ = f.closeRetired() // what it holds is on the disk
		l.mu.Unlock()
	}
	close(r.done)
}

// syncData brings to the disk what was written to w.
func syncData(w io.Writer) error {
	switch w := w.(type) {
	case *file:
		return fdatasync(w.File)
	case interface{ Sync() error }:
		return w.Sync()
	}
	return nil
}
