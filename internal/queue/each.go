package queue

import (
	"context"
	"sync"
)

// idle is how many lines that nobody is in are kept for whoever comes next.
const idle = 1024

// Each has a line for each name, so that who waits for a place waits for others
// of the same name only. Make it with NewEach; it is safe for concurrent use.
type Each struct {
	places int

	mu    sync.Mutex
	lines map[string]*line
}

// NewEach returns lines of so many places each.
func NewEach(places int) *Each { return &Each{places: places, lines: map[string]*line{}} }

// TryEnter takes a place of name if one is free. Every TryEnter that is true is
// followed by one Leave of the same name.
func (e *Each) TryEnter(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.line(name)
	if l.free == 0 {
		return false
	}
	l.free--
	return true
}

// Enter takes a place of name and waits for it where none is free, as
// Queue.Enter does without ahead. Every Enter that succeeds is followed by one
// Leave of the same name.
func (e *Each) Enter(ctx context.Context, name string) error {
	e.mu.Lock()
	l := e.line(name)
	turn := l.take(false)
	e.mu.Unlock()
	return l.wait(ctx, &e.mu, turn) // it stays, while somebody is in it
}

func (e *Each) line(name string) *line {
	l := e.lines[name]
	if l == nil {
		l = &line{free: e.places}
		e.lines[name] = l
	}
	return l
}

// Leave gives a place of name back.
func (e *Each) Leave(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.lines[name]
	if l.give(); l.free == e.places && len(e.lines) > idle {
		delete(e.lines, name)
	}
}

// Waiting is how many of name wait now.
func (e *Each) Waiting(name string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.line(name).waiting()
}
