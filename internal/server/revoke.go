package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/journal"
	"github.com/airlock-secrets/airlock/store"
)

// The time that a change of the clients has: for its turn in the database, and
// until the command is told that it has not been stored yet.
const (
	turnTime = time.Second
	tellTime = 1500 * time.Millisecond
)

// suspend takes the access of a client away, also where no line of it can be
// written: the command says then what is left to be done.
func (d *daemon) suspend(name string) error {
	e := audit.Entry{Time: time.Now(), Request: audit.NewRequest(), Principal: journal.Owner, Protocol: "cli",
		Action: "suspend", Kind: "client", Name: name, Outcome: "suspended", Ahead: true}
	err := d.registry.Suspend(name)
	if err != nil {
		e.Outcome = audit.Outcome(err)
	}
	// A disk that hangs must not keep the command from saying it.
	_ = inTime(func(context.Context) error { return d.audit.Write(&e) })
	return err
}

// inTime is what do returns, or Unavailable where that takes too long; do goes
// on then, but is not to wait for its turn any more.
func inTime(do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), turnTime)
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		err := do(ctx)
		if store.CodeOf(err) == store.Unavailable && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = late(fmt.Sprintf("the database was busy for %s", turnTime))
		}
		ended <- err
	}()
	end := time.NewTimer(tellTime)
	defer end.Stop()
	select {
	case err := <-ended:
		return err
	case <-end.C:
		return late(fmt.Sprintf("the disk of the data folder has not taken the change within %s, and may still take it", tellTime))
	}
}

func late(what string) error {
	return &store.Error{Op: "store", Store: "clients", Code: store.Unavailable, Err: errors.New(what),
		Hint: "see what keeps the database or the disk of the data folder busy"}
}

// reloading is the store of the clients: what commands change in it counts at
// once, also where the line of the outcome cannot be written.
type reloading struct {
	*journal.Store
	registry *client.Registry
}

// Put implements store.Writer. A new client waits as long as it must: nobody's
// access ends with it.
func (r reloading) Put(ctx context.Context, name string, s *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	if o != nil && o.IfVersion != nil && *o.IfVersion == 0 {
		made, err := r.Store.Put(ctx, name, s, o)
		return made, r.after(err)
	}
	stored := make(chan *store.Secret, 1)
	err := inTime(func(ctx context.Context) error {
		made, err := r.Store.Put(ctx, name, s, o)
		stored <- made
		return r.after(err)
	})
	select {
	case made := <-stored:
		return made, err
	default:
		return nil, err
	}
}

// Delete implements store.Writer. The client is refused before anybody waits
// for the disk, and stays so: nobody who has read the clients before can let it
// in again.
func (r reloading) Delete(_ context.Context, name string) error {
	refused := r.registry.Suspend(client.NameOf(name)) == nil
	return inTime(func(ctx context.Context) error {
		err := r.Store.Delete(ctx, name)
		if refused {
			return err
		}
		return r.after(err)
	})
}

func (r reloading) after(err error) error {
	if err != nil && !audit.Made(err) {
		return err
	}
	failed := r.registry.Reload(context.Background())
	if failed == nil {
		return err
	}
	return errors.Join(err, &store.Error{Op: "reload", Store: "clients", Code: store.CodeOf(failed), Err: failed,
		Hint: "the change is stored but does not count yet: restart airlock serve"})
}
