package client

import (
	"math"
	"time"
)

// moment is an instant by two clocks: the one that a person may set, and the
// time since the registry was opened, which only goes on.
type moment struct {
	wall time.Time
	up   time.Duration
}

// end is when something is over: as soon as either clock has reached it, so
// that it lives no longer where the first is set back. The zero value is
// never.
type end struct {
	wall time.Time
	up   time.Duration
}

// end is t as it looks from m. A zero t is never.
func (m moment) end(t time.Time) end {
	if t.IsZero() {
		return end{}
	}
	left := t.Sub(m.wall)
	if left > math.MaxInt64-m.up {
		left = math.MaxInt64 - m.up
	}
	return end{t, m.up + left}
}

// after is d after m.
func (m moment) after(d time.Duration) end { return m.end(m.wall.Add(d)) }

func (e end) over(now moment) bool {
	return !e.wall.IsZero() && (!now.wall.Before(e.wall) || now.up >= e.up)
}

// earliest is when the first of two is over.
func earliest(a, b end) end {
	if b.wall.Before(a.wall) {
		a.wall = b.wall
	}
	a.up = min(a.up, b.up)
	return a
}

// now is the time by both clocks.
func (r *Registry) now() moment {
	return moment{r.opts.Now().UTC(), r.opts.Uptime()}
}
