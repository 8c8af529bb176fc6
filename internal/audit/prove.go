package audit

import "time"

// Prove counts e, as Count does, and returns once its line is on the disk,
// together with the sums that wait: so the log can be written. An error is
// Unavailable.
func (l *Log) Prove(e *Entry) error {
	if l == nil {
		return nil
	}
	l.Count(e)
	l.enter(e)
	err := l.ready(time.Now(), true, 0)
	if err == nil {
		err = l.flush()
	}
	return unwritten(l.settled(e, err))
}
