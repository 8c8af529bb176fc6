// Package wait knows what the process waits for, so that the command line can
// say it: no wait is silent for more than two seconds. It is one list for the
// process, as standard error is: those who wait for a lock or a file have
// nothing else in common with whoever speaks to the person.
package wait

import (
	"sync"
	"sync/atomic"
	"time"
)

// Silence is how long a wait may last without a word.
const Silence = 2 * time.Second

type waiting struct {
	what  string
	since time.Time
	told  bool
}

var (
	mu   sync.Mutex
	list = map[*waiting]struct{}{}
	off  atomic.Bool
)

// For notes that a wait for what begins; done ends it. What is a noun with its
// article, "the lock of /a/audit.log", and holds no value.
func For(what string) (done func()) {
	if off.Load() {
		return func() {}
	}
	w := &waiting{what: what, since: time.Now()}
	mu.Lock()
	defer mu.Unlock()
	list[w] = struct{}{}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		delete(list, w)
	}
}

// Long returns, once for each wait, what is waited for since Silence or longer
// at that time: the latest of them, which those before it wait for. It is "" for
// nothing.
func Long(at time.Time) string {
	mu.Lock()
	defer mu.Unlock()
	var latest *waiting
	for w := range list {
		if !w.told && at.Sub(w.since) >= Silence {
			w.told = true
			if latest == nil || w.since.After(latest.since) {
				latest = w
			}
		}
	}
	if latest == nil {
		return ""
	}
	return latest.what
}

// Stop ends the notes of a process that works for others from now on, and
// whose waits are theirs.
func Stop() { off.Store(true) }
