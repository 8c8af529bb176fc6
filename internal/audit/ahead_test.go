package audit_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/internal/audit"
)

// slow is a disk that takes one line whenever the test says so.
type slow struct {
	next  chan struct{}
	lines []string
}

func (s *slow) Write(b []byte) (int, error) {
	<-s.next
	s.lines = append(s.lines, string(b))
	return len(b), nil
}

// waiting is how many goroutines wait for a lock in a function.
func waiting(function string) int {
	b := make([]byte, 4<<20)
	n := 0
	for stack := range strings.SplitSeq(string(b[:runtime.Stack(b, true)]), "\n\n") {
		if strings.Contains(stack, "sync.(*Mutex).lockSlow") && strings.Contains(stack, function) {
			n++
		}
	}
	return n
}

func writeBehind(l *audit.Log) error { return l.Write(&audit.Entry{Action: "read"}) }
func writeAhead(l *audit.Log) error  { return l.Write(&audit.Entry{Action: "suspend", Ahead: true}) }

func TestALineAheadWaitsForFewOthers(t *testing.T) {
	const others = 300
	w := &slow{next: make(chan struct{})}
	l := audit.New(w)
	var all sync.WaitGroup
	start := func(n int, write func(*audit.Log) error) {
		for range n {
			all.Go(func() {
				if err := write(l); err != nil {
					t.Error(err)
				}
			})
		}
	}
	start(others, writeBehind)
	for waiting("writeBehind") < others-1 {
		runtime.Gosched()
	}
	start(1, writeAhead)
	for waiting("writeAhead") < 1 {
		runtime.Gosched()
	}
	for range others + 1 {
		w.next <- struct{}{}
	}
	all.Wait()
	for i, line := range w.lines {
		if strings.Contains(line, "suspend") && i > 10 {
			t.Errorf("%d of %d lines that waited were written before it", i, others)
		}
	}
}
