package redact

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// Bounds of what a Set keeps besides the credentials of its settings: the most
// recent texts that were read, written and sent. A daemon runs for long.
const (
	mostRecent      = 1024
	mostRecentBytes = 1 << 20
	longestKept     = 64 << 10 // of one text, in bytes: what follows is not looked for
)

// Set is the secret texts of one run. It is safe for concurrent use. A nil Set
// holds none. Adding to it is cheap: nothing is looked through before a text
// is to be shown.
type Set struct {
	mu     sync.Mutex
	kept   map[secret]bool
	recent map[secret]uint64 // when it was last added, by clock
	bytes  int               // of recent
	clock  uint64
	ready  [2]*index // of all, and of the credentials; nil after a change
}

// secret is one text as it was added.
type secret struct {
	text    string
	payload bool
}

// New returns an empty Set.
func New() *Set { return &Set{kept: map[secret]bool{}, recent: map[secret]uint64{}} }

// Credential adds a credential of the settings, for as long as the Set is used.
func (s *Set) Credential(text string) {
	if s == nil || len(text) < leastCredential {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := (secret{text: bounded(text)}); !s.kept[one] {
		s.kept[one], s.ready = true, [2]*index{}
	}
}

// Payload adds what a store holds or is about to hold. The most recent 1,024
// payloads and request headers are kept, and at most 1 MiB of them.
func (s *Set) Payload(payload []byte) {
	if s != nil && len(payload) >= leastPayload {
		s.recall(secret{bounded(string(payload[:min(len(payload), longestKept)])), true})
	}
}

// sent adds a credential of one request.
func (s *Set) sent(text string) {
	if s != nil && len(text) >= leastCredential {
		s.recall(secret{text: bounded(text)})
	}
}

func bounded(text string) string { return text[:min(len(text), longestKept)] }

func (s *Set) recall(one secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept[one] {
		return
	}
	s.clock++
	if _, known := s.recent[one]; !known {
		s.bytes += len(one.text)
		s.ready[0] = nil
		if !one.payload {
			s.ready[1] = nil
		}
	}
	s.recent[one] = s.clock
	if len(s.recent) > 2*mostRecent || s.bytes > 2*mostRecentBytes {
		s.forget()
	}
}

// forget keeps the most recent texts.
func (s *Set) forget() {
	old := slices.SortedFunc(maps.Keys(s.recent), func(a, b secret) int { return cmp.Compare(s.recent[a], s.recent[b]) })
	for len(s.recent) > mostRecent || s.bytes > mostRecentBytes {
		s.bytes -= len(old[0].text)
		delete(s.recent, old[0])
		old = old[1:]
	}
	s.ready = [2]*index{}
}

// index returns the pieces to look for, those of credentials only where
// payloads is false.
func (s *Set) index(payloads bool) *index {
	which := 1
	if payloads {
		which = 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready[which] == nil {
		built := newIndex()
		for one := range s.kept {
			built.add(one, !payloads)
		}
		for one := range s.recent {
			if payloads || !one.payload {
				built.add(one, !payloads)
			}
		}
		s.ready[which] = built
	}
	return s.ready[which]
}
