package queue_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/airlock-secrets/airlock/internal/queue"
)

// until waits for a condition; go test ends a test for which it never comes.
func until(condition func() bool) {
	for !condition() {
		runtime.Gosched()
	}
}

func TestNoMoreThanThePlacesAtATime(t *testing.T) {
	const places, users = 3, 100
	q := queue.New(places)
	var inside, most atomic.Int64
	var all sync.WaitGroup
	for i := range users {
		all.Go(func() {
			if err := q.Enter(t.Context(), i%5 == 0); err != nil {
				t.Error(err)
				return
			}
			now := inside.Add(1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			runtime.Gosched()
			inside.Add(-1)
			q.Leave()
		})
	}
	all.Wait()
	if most.Load() > places {
		t.Errorf("%d were inside at a time, want at most %d", most.Load(), places)
	}
	for range places { // none was lost
		if err := q.Enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAheadOvertakesWhoeverWaits(t *testing.T) {
	q := queue.New(1)
	_ = q.Enter(t.Context(), false)
	var order []string
	var all sync.WaitGroup
	wait := func(name string, ahead bool) {
		before := q.Waiting()
		all.Go(func() {
			_ = q.Enter(t.Context(), ahead)
			order = append(order, name) // one at a time
			q.Leave()
		})
		until(func() bool { return q.Waiting() == before+1 })
	}
	for i := range 3 {
		wait(fmt.Sprint("rest ", i), false)
	}
	wait("ahead 0", true)
	wait("ahead 1", true)
	q.Leave()
	all.Wait()
	if got, want := fmt.Sprint(order), "[ahead 0 ahead 1 rest 0 rest 1 rest 2]"; got != want {
		t.Errorf("the order was %s, want %s", got, want)
	}
}

func TestWhoGivesUpTakesNoPlace(t *testing.T) {
	q := queue.New(1)
	_ = q.Enter(t.Context(), false)
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- q.Enter(ctx, false) }()
		until(func() bool { return q.Waiting() == 1 })
		go cancel()
		q.Leave() // at the same time
		if err := <-ended; err == nil {
			q.Leave()
		}
		if err := q.Enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
}

func TestANameWaitsForItselfOnly(t *testing.T) {
	e := queue.NewEach(2)
	for _, name := range []string{"a", "a", "b"} {
		if err := e.Enter(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- e.Enter(ctx, "a") }()
	until(func() bool { return e.Waiting("a") == 1 })
	if err := e.Enter(t.Context(), "b"); err != nil || e.Waiting("b") != 0 {
		t.Fatalf("b: %v, %d wait", err, e.Waiting("b"))
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("the third of a got a place")
	}
	for i := range 5000 { // more names than are kept
		name := fmt.Sprint("peer ", i)
		if err := e.Enter(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		e.Leave(name)
	}
	e.Leave("a")
	if err := e.Enter(t.Context(), "a"); err != nil {
		t.Error(err)
	}
}
