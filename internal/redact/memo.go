package redact

import "sync"

// Bounds of a memo: the names of a large deployment, and no long text.
const (
	mostMasks   = 10_000
	longestMask = 512 // bytes
)

// memo keeps what became of texts by one index. The zero value is empty.
type memo struct {
	mu    sync.RWMutex
	clean map[string]string
}

func (m *memo) of(text string) (clean string, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	clean, ok = m.clean[text]
	return clean, ok
}

func (m *memo) add(text, clean string) {
	if len(text) > longestMask {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.clean == nil || len(m.clean) >= mostMasks {
		m.clean = map[string]string{}
	}
	m.clean[text] = clean
}
