package server

import (
	"context"
	"errors"
	"time"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/internal/journal"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// control listens on the socket through which the other commands reach the
// stores of this folder. Its owner is who may.
func (d *daemon) control() (*control.Server, error) {
	o := journal.Options{Changes: d.audit, Reads: d.audit, Principal: journal.Owner, Protocol: "cli"}
	secrets := journal.New(d.embedded, o)
	o.Clients = true
	clients := journal.New(d.db.Namespace(sqlstore.SystemNamespace), o)
	return control.Listen(d.c.DataDir, map[string]store.Store{
		sqlstore.DefaultNamespace: secrets,
		sqlstore.SystemNamespace:  reloading{clients, d.registry},
	}, control.Hooks{Refused: d.refusedCall, Suspend: d.suspend})
}

// refusedCall writes the line of a call that reached no store.
func (d *daemon) refusedCall(op string, err error) error {
	return d.audit.Write(&audit.Entry{Request: audit.NewRequest(), Principal: journal.Owner, Protocol: "cli",
		Action: store.Clip(op), Outcome: audit.Outcome(err)})
}

// suspend takes the access of a client away, also where no line of it can be
// written: the command says then what is left to be done.
func (d *daemon) suspend(name string) error {
	e := audit.Entry{Time: time.Now(), Request: audit.NewRequest(), Principal: journal.Owner, Protocol: "cli",
		Action: "suspend", Kind: "client", Name: name, Outcome: "suspended"}
	err := d.registry.Suspend(name)
	if err != nil {
		e.Outcome = audit.Outcome(err)
	}
	_ = d.audit.Write(&e)
	return err
}

// reloading is the store of the clients: what commands change in it counts at
// once, also where the line of the outcome cannot be written.
type reloading struct {
	*journal.Store
	registry *client.Registry
}

// Put implements store.Writer.
func (r reloading) Put(ctx context.Context, name string, s *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	stored, err := r.Store.Put(ctx, name, s, o)
	return stored, r.after(err)
}

// Delete implements store.Writer.
func (r reloading) Delete(ctx context.Context, name string) error {
	return r.after(r.Store.Delete(ctx, name))
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
