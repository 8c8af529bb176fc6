package cachestore

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// The bounds of a failing service. A probe ends well within the second or two
// in which the service's return has to be seen; every so often one has the time
// of a read, for a service that has become slow.
const (
	probePatience = 1500 * time.Millisecond
	patientProbe  = 8 // one of so many
	firstPause    = 100 * time.Millisecond
	longestPause  = time.Second
	// refusalTime is how long a reader waits for the probe.
	refusalTime = time.Second
	// oldAfter is when it is not known any more that a service fails, because
	// nobody has asked it: nobody is refused before the probe has ended.
	oldAfter = 2 * longestPause
)

// Health says how the service behind a store was when it was last asked.
type Health struct {
	// Failing is nil while the service answers, and else why it does not. It
	// holds no value.
	Failing error
	// Since is when it began to fail; zero while it answers.
	Since time.Time
}

// health is whether a service fails as a whole. The zero value is well.
type health struct {
	mu      sync.Mutex
	failing error // why; nil while it answers
	name    string
	since   time.Time
	seen    time.Time     // when it was last seen to fail
	old     bool          // that was long before the probe that is under way
	probing chan struct{} // closed at the end of the probe under way; nil without one
	probes  int           // how many have failed
	next    time.Time     // when the next may go
}

// turn is what a reader has to do while the service fails.
type turn struct {
	failing error           // why it fails; nil while it answers
	probe   time.Duration   // of the probe that the reader has to send; 0: none
	wait    <-chan struct{} // ends with a probe that the reader waits for; nil: it does not
}

// saw takes note of what a read of name ended with.
func (h *health) saw(name string, err error, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = now
	switch {
	case !store.IsDown(err):
		h.failing, h.name, h.since, h.probes = nil, "", time.Time{}, 0
	case h.failing == nil:
		h.failing, h.name, h.since, h.probes = err, name, now, 0
		h.next = now.Add(pause(0))
	}
}

// probed takes note of the end of a probe.
func (h *health) probed(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.probing)
	h.probing = nil
	h.probes++
	h.next = now.Add(pause(h.probes))
}

// ask returns what a reader has to do. A read may take most.
func (h *health) ask(now time.Time, most time.Duration) turn {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := turn{failing: h.failing}
	if h.failing != nil && h.probing == nil && !now.Before(h.next) {
		h.probing, h.old = make(chan struct{}), now.Sub(h.seen) > oldAfter
		t.wait, t.probe = h.probing, min(most, probePatience)
		if (h.probes+1)%patientProbe == 0 {
			t.probe = most
		}
	}
	if h.failing != nil && h.old {
		t.wait = h.probing
	}
	return t
}

// state is what a person is told, and a name that a probe may ask for.
func (h *health) state() (Health, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Health{Failing: h.failing, Since: h.since}, h.name
}

// pause is the time between two probes: it doubles up to a second, and half of
// it is left to chance, so that many daemons do not ask at the same time.
func pause(failed int) time.Duration {
	d := min(firstPause<<min(failed, 8), longestPause)
	return d/2 + rand.N(d/2)
}

// mostRemembered bounds the failures that are remembered. Beyond it a name is
// asked for again; readers of one name still share a read.
const mostRemembered = 10_000

// failures remembers failed reads by name.
type failures struct {
	time time.Duration // for how long; 0: not at all

	mu     sync.Mutex
	byName map[string]failure
}

type failure struct {
	err error
	at  time.Time
}

// of is how the last read of name failed; nil where it did not, or where that
// was too long ago.
func (f *failures) of(name string, now time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e, ok := f.byName[name]; ok && now.Sub(e.at) < f.time {
		return e.err
	}
	return nil
}

func (f *failures) add(name string, err error, now time.Time) {
	if f.time <= 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.byName) >= mostRemembered {
		for name, e := range f.byName {
			if now.Sub(e.at) >= f.time {
				delete(f.byName, name)
			}
		}
	}
	if f.byName == nil {
		f.byName = map[string]failure{}
	}
	if len(f.byName) < mostRemembered {
		f.byName[name] = failure{err, now}
	}
}

func (f *failures) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byName, name)
}
