package queue

import (
	"context"
	"sync"
)

// idle is how many queues that nobody is in are kept for whoever comes next.
const idle = 1024

// Each has a queue for each name, so that who waits for a place waits for
// others of the same name only. Make it with NewEach; it is safe for concurrent
// use.
type Each struct {
	places int

	mu     sync.Mutex
	queues map[string]*counted
}

// counted is a queue and how many are in it or wait.
type counted struct {
	Queue
	users int
}

// NewEach returns queues of so many places each.
func NewEach(places int) *Each { return &Each{places: places, queues: map[string]*counted{}} }

// Enter takes a place in the queue of name, as Queue.Enter does, without
// ahead. Every Enter that succeeds is followed by one Leave of the same name.
func (e *Each) Enter(ctx context.Context, name string) error {
	e.mu.Lock()
	q := e.queues[name]
	if q == nil {
		q = &counted{Queue: Queue{free: e.places}}
		e.queues[name] = q
	}
	q.users++
	e.mu.Unlock()
	err := q.Enter(ctx, false)
	if err != nil {
		e.forget(name, q)
	}
	return err
}

// Leave gives a place of name back.
func (e *Each) Leave(name string) {
	e.mu.Lock()
	q := e.queues[name]
	e.mu.Unlock()
	q.Leave()
	e.forget(name, q)
}

func (e *Each) forget(name string, q *counted) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if q.users--; q.users == 0 && len(e.queues) > idle {
		delete(e.queues, name)
	}
}

// Waiting is how many of name wait now.
func (e *Each) Waiting(name string) int {
	e.mu.Lock()
	q := e.queues[name]
	e.mu.Unlock()
	if q == nil {
		return 0
	}
	return q.Waiting()
}
