package gate

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/store"
)

// How long a look at the deployment may take, and for how long its answer is
// good for those who ask next.
const (
	lookTime = 1500 * time.Millisecond
	lookAge  = time.Second
)

// readiness is the last look at the deployment, or the one under way.
type readiness struct {
	mu   sync.Mutex
	last *look
}

// look is one look: a read of the own store, and a line on the disk.
type look struct {
	began time.Time
	done  chan struct{}
	err   error // set before done is closed
}

// Ready reports whether the deployment serves reads: nil, or why not, within a
// second and a half, also where the disk does not answer. It reads the own
// store from its file, past every cache, and writes the line of the question,
// with those of others that wait to be summed, through to the disk. Whoever
// asks within a second gets the same answer, and is summed up later: it costs
// a stranger nothing to ask. The sources may be down: their secrets fail one
// by one.
func (g *Gate) Ready(ctx context.Context, c *Caller) error {
	l, first := g.ready.take()
	if first {
		p := g.start(c, "status")
		p.entry.Outcome = "answered"
		c.audited = true // by the line of the look
		go g.look(context.WithoutCancel(ctx), l, p.entry)
	}
	timer := time.NewTimer(lookTime - time.Since(l.began))
	defer timer.Stop()
	select {
	case <-l.done:
		return l.err
	default:
	}
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
	case <-timer.C:
	}
	return &store.Error{Op: "look", Store: "airlock", Code: store.Unavailable,
		Err:  errors.New("the own store or the audit log does not answer"),
		Hint: "see whether the disk of the data folder answers"}
}

// take returns the look that answers now. The first who takes it has to begin
// it.
func (r *readiness) take() (l *look, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.last; l != nil {
		select {
		case <-l.done:
			if time.Since(l.began) < lookAge {
				return l, false
			}
		default:
			return l, false
		}
	}
	r.last = &look{began: time.Now(), done: make(chan struct{})}
	return r.last, true
}

func (g *Gate) look(ctx context.Context, l *look, e audit.Entry) {
	defer close(l.done)
	limited, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if g.cfg.Own != nil {
		l.err = store.Check(limited, g.cfg.Own)
	}
	if l.err != nil {
		e.Outcome = audit.Outcome(l.err)
	}
	e.Duration = time.Since(l.began)
	l.err = errors.Join(l.err, g.cfg.Audit.Prove(&e))
}
