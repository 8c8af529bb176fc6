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
	mu   sync.Mutex
	free int
	// first are asked before rest, however long rest has waited.
	first, rest []chan struct{}
}

// New returns a queue with so many places.
func New(places int) *Queue { return &Queue{free: places} }

// Enter takes a place and waits for it where none is free. What comes with
// ahead waits only for those who have a place and for others with ahead. The
// error is that of ctx, and then no place was taken. Every Enter that succeeds
// is followed by one Leave.
func (q *Queue) Enter(ctx context.Context, ahead bool) error {
	q.mu.Lock()
	if q.free > 0 {
		q.free--
		q.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	line := q.line(ahead)
	*line = append(*line, turn)
	q.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(*line, turn)
	if i >= 0 {
		*line = slices.Delete(*line, i, i+1)
	}
	q.mu.Unlock()
	if i < 0 { // the turn came at the same time
		q.Leave()
	}
	return ctx.Err()
}

func (q *Queue) line(ahead bool) *[]chan struct{} {
	if ahead {
		return &q.first
	}
	return &q.rest
}

// Leave gives a place back, to whoever has waited longest.
func (q *Queue) Leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, line := range []*[]chan struct{}{&q.first, &q.rest} {
		if len(*line) > 0 {
			close((*line)[0])
			*line = slices.Delete(*line, 0, 1)
			return
		}
	}
	q.free++
}

// Waiting is how many wait now.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.first) + len(q.rest)
}
