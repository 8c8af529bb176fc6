package server

import (
	"context"
	"net/http"
	"time"
)

// The time that requests under way have when the daemon stops, and the time
// after which a change that does not come to its end is left to itself.
const (
	graceTime  = time.Second
	changeTime = 10 * time.Second
)

// counted keeps the daemon from closing its stores under a request.
func (d *daemon) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.busy.RLock()
		defer d.busy.RUnlock()
		h.ServeHTTP(w, r)
	})
}

// shutdown ends what waits for a backend and lets the requests under way
// finish, for a second. After that cancel ends those that wait, and the
// connections of clients that still send are closed: that is no failure of the
// daemon's. What has begun to change a store comes to its end.
func (d *daemon) shutdown(s *http.Server, cancel context.CancelFunc) error {
	d.stopUpstreams()
	defer cancel()
	ctx, done := context.WithTimeout(context.Background(), graceTime)
	defer done()
	if s.Shutdown(ctx) == nil {
		return nil
	}
	cancel()
	err := s.Close()
	ended := make(chan struct{})
	go func() {
		d.busy.Lock()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(changeTime):
	}
	return err
}
