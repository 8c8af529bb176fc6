// Package queue lets a bounded number of things happen at the same time; what
// comes meanwhile waits in the order in which it came.
package queue

import (
	"context"
	"slices"
	"sync"
)

// Queue has a number of places. Make it with New; it is safe for concurrent use.
type Queue struct {
	mu sync.Mutex
	line
}

// New returns a queue with so many places.
func New(places int) *Queue { return &Queue{line: line{free: places}} }

// Enter takes a place and waits for it where none is free. What comes with
// ahead waits only for those who have a place and for others with ahead. The
// error is that of ctx, and then no place was taken. Every Enter that succeeds
// is followed by one Leave.
func (q *Queue) Enter(ctx context.Context, ahead bool) error {
	q.mu.Lock()
	turn := q.take(ahead)
	q.mu.Unlock()
	return q.wait(ctx, &q.mu, turn)
}

// Leave gives a place back, to whoever has waited longest.
func (q *Queue) Leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.give()
}

// Waiting is how many wait now.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting()
}

// line is a number of places and who waits for them. Somebody else's lock
// guards it.
type line struct {
	free int
	// first are asked before rest, however long rest has waited.
	first, rest []chan struct{}
}

// take takes a free place, or else joins those who wait and returns what is
// closed when the turn comes.
func (l *line) take(ahead bool) chan struct{} {
	if l.free > 0 {
		l.free--
		return nil
	}
	turn := make(chan struct{})
	if ahead {
		l.first = append(l.first, turn)
	} else {
		l.rest = append(l.rest, turn)
	}
	return turn
}

// give gives a place to the next, or makes it free.
func (l *line) give() {
	for _, waiting := range []*[]chan struct{}{&l.first, &l.rest} {
		if len(*waiting) > 0 {
			close((*waiting)[0])
			*waiting = slices.Delete(*waiting, 0, 1)
			return
		}
	}
	l.free++
}

// wait waits for a turn, with the lock mu of the line given back.
func (l *line) wait(ctx context.Context, mu *sync.Mutex, turn chan struct{}) error {
	if turn == nil {
		return nil
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	mu.Lock()
	defer mu.Unlock()
	for _, waiting := range []*[]chan struct{}{&l.first, &l.rest} {
		if i := slices.Index(*waiting, turn); i >= 0 {
			*waiting = slices.Delete(*waiting, i, i+1)
			return ctx.Err()
		}
	}
	l.give() // the turn came at the same time
	return ctx.Err()
}

func (l *line) waiting() int { return len(l.first) + len(l.rest) }
