package cli

import (
	"fmt"
	"sync"
	"time"
)

// progressAfter is how long something may take without a word.
const progressAfter = time.Second

// progress is a line at the bottom of the terminal that says what takes so
// long. It shows after a second, on standard error only, only where that is
// a terminal, and is gone when the work ends. All its methods may be called
// on nil, which shows nothing.
type progress struct {
	a     *app
	mu    sync.Mutex
	text  string
	shown bool
	over  bool
	stop  chan struct{}
	ended sync.WaitGroup
}

// progress begins to tell of some work: "reading the DAGs". The caller must
// call done, and may call set in between from any goroutine. There is one at a
// time.
func (a *app) progress(format string, values ...any) *progress {
	if !terminal(a.Stderr) || a.plainTerminal() {
		return nil
	}
	p := &progress{a: a, text: fmt.Sprintf(format, values...), stop: make(chan struct{})}
	a.bar = p
	p.ended.Go(p.run)
	return p
}

func (p *progress) run() {
	const pace = 200 * time.Millisecond
	wait := time.NewTimer(progressAfter)
	defer wait.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-wait.C:
			p.draw()
			wait.Reset(pace)
		}
	}
}

// set replaces the text: "reading the DAGs: 300 of 2000".
func (p *progress) set(format string, values ...any) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = fmt.Sprintf(format, values...)
}

// done takes the line away. It may be called twice.
func (p *progress) done() {
	if p == nil {
		return
	}
	p.mu.Lock()
	over := p.over
	p.over = true
	p.mu.Unlock()
	if over {
		return
	}
	close(p.stop)
	p.ended.Wait()
	p.a.bar = nil
	p.clear()
}

func (p *progress) draw() {
	const width = 78
	p.mu.Lock()
	defer p.mu.Unlock()
	text := []rune(visible(p.text))
	_, _ = fmt.Fprintf(p.a.Stderr, "\r\x1b[K%s", string(text[:min(len(text), width)]))
	p.shown = true
}

// clear takes the line away until it is drawn again, so that a message can
// stand in its place.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		_, _ = fmt.Fprint(p.a.Stderr, "\r\x1b[K")
		p.shown = false
	}
}
