package server

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// ownFiles are the files that the daemon keeps for itself: the control
	// socket and its callers, the database, the audit log and what it is
	// rotated to.
	ownFiles = 64
	// maxConnections is the most that are served, however many files the
	// process may open: each costs memory too.
	maxConnections = 1 << 14
	// minIdle is how long a connection is idle before it may be ended: its next
	// request may be on the way.
	minIdle = 100 * time.Millisecond
)

// connectionsAt is how many connections are served by a process that may open
// so many files. Where requests lead to a backend, each may need a second
// connection. At a limit so low that nothing would be left, it is a quarter.
func connectionsAt(files uint64, backends bool) int {
	n := int(min(files, 1<<20))
	most := n - ownFiles
	if backends {
		most /= 2
	}
	return min(max(most, n/4, 1), maxConnections)
}

// openFiles is how many files this process may open. Go has raised the limit as
// far as it may be when the process started.
func openFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // what most systems begin with
	}
	return uint64(limit.Cur) //nolint:unconvert // it has another type elsewhere
}

// connections is a listener that has at most so many connections open. One more
// is taken when another has ended, and ends the one that has been idle longest:
// whoever keeps connections without using them keeps nobody out.
type connections struct {
	net.Listener
	most int

	full   atomic.Bool // somebody waits for room
	mu     sync.Mutex
	room   sync.Cond // on mu: one has ended or become idle, or the listener is closed
	open   map[*connection]struct{}
	closed bool
}

// connection is one of them.
type connection struct {
	net.Conn
	of    *connections
	since atomic.Int64 // when it became idle, in nanoseconds; 0 while it is in use
}

func limited(l net.Listener, most int) *connections {
	c := &connections{Listener: l, most: most, open: map[*connection]struct{}{}}
	c.room.L = &c.mu
	return c
}

// Accept implements net.Listener. The one that waits for room counts too.
func (l *connections) Accept() (net.Conn, error) {
	plain, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: plain, of: l}
	c.since.Store(time.Now().UnixNano())
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.open) >= l.most-1 && len(l.open) > 0 && !l.closed {
		l.full.Store(true)
		l.makeRoom()
	}
	l.full.Store(false)
	if l.closed {
		_ = plain.Close()
		return nil, net.ErrClosed
	}
	l.open[c] = struct{}{}
	return c, nil
}

// makeRoom ends the connection that has been idle longest, or waits for one to
// end or to become idle. The caller holds mu.
func (l *connections) makeRoom() {
	idle, since := l.idlest()
	if idle == nil {
		l.room.Wait()
		return
	}
	if rest := minIdle - time.Duration(time.Now().UnixNano()-since); rest > 0 {
		again := time.AfterFunc(rest, l.tell)
		defer again.Stop()
		l.room.Wait()
		return
	}
	if idle.since.CompareAndSwap(since, 0) { // else it is in use again
		delete(l.open, idle)
		_ = idle.Conn.Close()
	}
}

// idlest is the connection that has been idle longest, and since when. The
// caller holds mu.
func (l *connections) idlest() (found *connection, oldest int64) {
	for c := range l.open {
		if since := c.since.Load(); since != 0 && (found == nil || since < oldest) {
			found, oldest = c, since
		}
	}
	return found, oldest
}

// state is the ConnState of the server that serves the listener.
func (l *connections) state(plain net.Conn, s http.ConnState) {
	c, ok := plain.(*connection)
	switch {
	case !ok:
	case s == http.StateActive:
		c.since.Store(0)
	case s == http.StateIdle:
		c.since.Store(time.Now().UnixNano())
		l.tell()
	}
}

// tell wakes whoever waits for room.
func (l *connections) tell() {
	if l.full.Load() {
		l.mu.Lock()
		l.room.Broadcast()
		l.mu.Unlock()
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.room.Broadcast()
	c.of.mu.Unlock()
	return err
}

// Close implements net.Listener.
func (l *connections) Close() error {
	l.mu.Lock()
	l.closed = true
	l.room.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}
