package audit

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxPeers is how many peers have a sum of their own in one second.
	maxPeers = 1024
	// others is the peer of everybody beyond them.
	others = "others"
	// several is the action or the outcome of a sum that has more than one.
	several = "several"
)

// sum is what one peer has asked in one second without proving who it is. It
// starts as the first of its requests.
type sum struct {
	Entry
	outcomes []tally // one for each outcome
}

type tally struct {
	outcome string
	n       int64
}

// sums wait for the end of their second.
type sums struct {
	mu    sync.Mutex
	peers map[string]*sum // :: address without its port -> what it asked
	timer *time.Timer     // nil while none wait
	timed bool            // whether there is a timer
}

// Count notes a request of somebody who has not proved who it is. Such requests
// cost their sender nothing, so they are summed: at the end of each second every
// peer that sent some has one line, with their number as its count. It is the
// line of the first of them; where they differ, its action or outcome is
// "several", and outcomes says how many had which. At most 1,024 peers have a
// sum of their own, the rest is summed as the peer "others". A sum that cannot
// be written waits for the next second.
//
// On a log that Open did not open, sums wait for Flush.
func (l *Log) Count(e *Entry) {
	if l == nil {
		return
	}
	first := *e
	if first.Time.IsZero() {
		first.Time = time.Now()
	}
	first.Count = 1
	l.sums.mu.Lock()
	defer l.sums.mu.Unlock()
	l.sums.add(&sum{Entry: first, outcomes: []tally{{e.Outcome, 1}}})
	if l.sums.timer == nil && l.sums.timed {
		l.sums.timer = time.AfterFunc(untilNextSecond(), l.flushInTime)
	}
}

func untilNextSecond() time.Duration {
	now := time.Now()
	return now.Truncate(time.Second).Add(time.Second).Sub(now)
}

// peerOf is an address without its port.
func peerOf(remote string) string {
	if i := strings.LastIndexByte(remote, ':'); i >= 0 {
		return remote[:i]
	}
	return remote
}

// add adds s to the sum of its peer. The caller holds mu.
func (a *sums) add(s *sum) {
	peer := peerOf(s.Remote)
	if s.Remote == others {
		peer = others
	}
	old, ok := a.peers[peer]
	if !ok && len(a.peers) >= maxPeers {
		peer = others
		old, ok = a.peers[peer]
	}
	if !ok {
		if a.peers == nil {
			a.peers = map[string]*sum{}
		}
		if peer == others {
			s.Remote = others
		}
		a.peers[peer] = s
		return
	}
	old.merge(s, peer)
}

// merge takes s into a sum of the same peer.
func (s *sum) merge(more *sum, peer string) {
	s.Count += more.Count
	s.Remote = peer
	s.Kind, s.Team, s.Name, s.Typed, s.Version, s.Duration = "", "", "", "", 0, 0
	if s.Action != more.Action {
		s.Action = several
	}
	for _, t := range more.outcomes {
		i := slices.IndexFunc(s.outcomes, func(o tally) bool { return o.outcome == t.outcome })
		if i < 0 {
			s.outcomes, s.Outcome = append(s.outcomes, t), several
			continue
		}
		s.outcomes[i].n += t.n
	}
}

// flushInTime is Flush at the end of a second. What cannot be written waits
// for another one.
func (l *Log) flushInTime() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.flushReady()
	l.sums.mu.Lock()
	defer l.sums.mu.Unlock()
	l.sums.timer = nil
	if len(l.sums.peers) > 0 && l.sums.timed {
		l.sums.timer = time.AfterFunc(untilNextSecond(), l.flushInTime)
	}
}

// Flush writes the sums that wait. Close and a rotation do it too.
func (l *Log) Flush() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return unwritten(l.flushReady())
}

func (l *Log) flushReady() error {
	l.sums.mu.Lock()
	none := len(l.sums.peers) == 0
	l.sums.mu.Unlock()
	if none {
		return nil
	}
	if err := l.ready(time.Now(), false, 0); err != nil {
		return err
	}
	return l.flush()
}

// flush writes the sums with one call, and keeps them where that fails. The
// caller holds mu.
func (l *Log) flush() error {
	l.sums.mu.Lock()
	waiting := l.sums.peers
	l.sums.peers = nil
	l.sums.mu.Unlock()
	if len(waiting) == 0 {
		return nil
	}
	var lines []byte
	for _, peer := range slices.Sorted(maps.Keys(waiting)) {
		lines = waiting[peer].append(lines)
	}
	err := l.put(lines)
	if err == nil {
		return nil
	}
	l.sums.mu.Lock()
	defer l.sums.mu.Unlock()
	for _, s := range waiting {
		l.sums.add(s)
	}
	return err
}

// append writes the line of a sum.
func (s *sum) append(b []byte) []byte {
	b = s.Entry.append(b, s.Time)
	if len(s.outcomes) < 2 {
		return b
	}
	b = append(b[:len(b)-len("}\n")], `,"outcomes":{`...)
	for i, t := range s.outcomes {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(b, t.outcome, "")
		b = append(b, ':')
		b = strconv.AppendInt(b, t.n, 10)
	}
	return append(b, "}}\n"...)
}

// endSums stops the clock of the sums and writes those that wait. The caller
// holds mu.
func (l *Log) endSums() error {
	l.sums.mu.Lock()
	l.sums.timed = false
	if l.sums.timer != nil {
		l.sums.timer.Stop()
		l.sums.timer = nil
	}
	l.sums.mu.Unlock()
	return l.flushReady()
}
