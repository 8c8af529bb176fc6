package vault

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/airlock-secrets/airlock/internal/queue"
)

// How many requests are served at the same time. More of the same client wait
// for each other, and for nobody else's.
const (
	// maxAtOnce are those of one client, of which maxChanges change something
	// and maxLists list: these wait for the one writer of the database, or
	// hold as much memory as there are names.
	maxAtOnce  = 256
	maxChanges = 16
	maxLists   = 16
	// maxOfPeer are those of one address that has not proved who it is, all of
	// which are short.
	maxOfPeer = 64
	// maxWait is how long one waits whose operation has no time of its own.
	maxWait = 10 * time.Second
)

// turns are who waits for whom.
type turns struct{ all, changes, lists, peers *queue.Each }

func newTurns() turns {
	return turns{queue.NewEach(maxAtOnce), queue.NewEach(maxChanges), queue.NewEach(maxLists), queue.NewEach(maxOfPeer)}
}

// enter waits until no more than may be are served at the same time; leave
// follows it, whatever it answers. What waits until its time is over gets 429,
// as from a quota of Vault's: the client asks for more than it may, and one that
// repeats 503 by itself, as hvac does, would ask for more still.
func (h *Handler) enter(q *request) error {
	if q.session == nil {
		q.line, _, _ = net.SplitHostPort(q.r.RemoteAddr)
		return q.take(h.turns.peers, maxOfPeer)
	}
	q.line = q.session.Principal.Name
	var err error
	switch q.op {
	case opWrite, opPatch, opDelete:
		err = q.take(h.turns.changes, maxChanges)
	case opList:
		err = q.take(h.turns.lists, maxLists)
	}
	if err == nil {
		err = q.take(h.turns.all, maxAtOnce)
	}
	return err
}

// take waits for a place of the request's line.
func (q *request) take(places *queue.Each, most int) error {
	if !places.TryEnter(q.line) && q.wait(places) != nil {
		q.w.Header().Set("Retry-After", "1")
		return &statusError{http.StatusTooManyRequests,
			fmt.Sprintf("%d requests of this client are under way, and none ended in time: send fewer at a time", most)}
	}
	if q.first == nil {
		q.first = places
	} else {
		q.second = places
	}
	return nil
}

func (q *request) wait(places *queue.Each) error {
	ctx := q.r.Context()
	if _, limited := ctx.Deadline(); !limited {
		within, cancel := context.WithTimeout(ctx, maxWait)
		defer cancel()
		ctx = within
	}
	return places.Enter(ctx, q.line)
}

// leave gives back what enter took.
func (q *request) leave() {
	for _, places := range []*queue.Each{q.first, q.second} {
		if places != nil {
			places.Leave(q.line)
		}
	}
}
