package store

import "time"

// Served is a Store that can prepare for a daemon, which asks it on behalf of
// many clients at once and gives each read little time.
type Served interface {
	// Serve is called once, before anything is asked. From then on a log-in is
	// shared by all who wait for it, outlives each of them, and ends after
	// login. It returns the time for one request that the user set for this
	// service, 0 where they set none.
	Serve(login time.Duration) (least time.Duration)
}

// Serve calls s.Serve; a store without it has no log-in and no time of its own.
func Serve(s Store, login time.Duration) (least time.Duration) {
	if served, ok := s.(Served); ok {
		return served.Serve(login)
	}
	return 0
}
