package server

import (
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/cachestore"
)

// DefaultTimeout is how long the read of a value may take.
const DefaultTimeout = 10 * time.Second

// DefaultStale is how long a value is answered after its cache_ttl while its
// backend fails.
const DefaultStale = 24 * time.Hour

const (
	// listTime is how long a list may take.
	listTime = time.Minute
	// loginTime is how long a log-in to a backend may take, which all of its
	// readers share.
	loginTime = 30 * time.Second
	// afterwards is the time of a request beyond that of a backend, in which
	// the sources after one that does not answer are asked.
	afterwards = time.Second
	// rememberTime is how long a client's repeats of a failed read do not reach
	// the backend.
	rememberTime = time.Second
)

// upstream is a backend that is asked through a cache, also where nothing is
// kept in it.
type upstream struct {
	class string
	*cachestore.Store
	time time.Duration // of one read
}

// openUpstreams puts the cache in front of each backend.
func (d *daemon) openUpstreams() {
	timeout := d.c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	for i, s := range d.c.Backends {
		o := cachestore.Options{TTL: d.c.CacheTTL, ListTimeout: listTime, Remember: rememberTime,
			Timeout: max(timeout, store.Serve(s.Store, loginTime))}
		if i < len(d.c.CacheTTLs) {
			o.TTL = d.c.CacheTTLs[i]
		}
		if o.TTL > 0 {
			o.Stale = d.c.Stale
		}
		up := upstream{s.Class, cachestore.New(s.Store, o), o.Timeout}
		s.Store = up.Store
		d.upstreams, d.sources = append(d.upstreams, up), append(d.sources, s)
	}
}

// times are how long a request may take that reads, and one that lists; 0 is
// without end, where nothing but the own store is asked.
func (d *daemon) times() (read, list time.Duration) {
	if len(d.upstreams) == 0 {
		return 0, 0
	}
	for _, up := range d.upstreams {
		read = max(read, up.time)
	}
	return read + afterwards, max(listTime, read) + afterwards
}

// longest is how long any request may take: one that writes asks every backend
// whether it hides what is written.
func (d *daemon) longest() time.Duration {
	_, all := d.times()
	sum := afterwards
	for _, up := range d.upstreams {
		sum += up.time
	}
	return max(all, sum, time.Minute)
}

// stopUpstreams ends what waits for a backend.
func (d *daemon) stopUpstreams() {
	for _, up := range d.upstreams {
		up.Stop()
	}
}

// states says how each backend is, in one line: by its class, and not by its
// address.
func (d *daemon) states() []string {
	var lines []string
	for _, up := range d.upstreams {
		state := "answers"
		if h := up.Health(); h.Failing != nil {
			state = fmt.Sprintf("fails since %s: %s", h.Since.UTC().Format(time.RFC3339), store.CodeOf(h.Failing))
		}
		lines = append(lines, airlock.ShortClass(up.class)+" "+state)
	}
	return lines
}
