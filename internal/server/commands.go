package server

import (
	"github.com/airlock-secrets/airlock/internal/audit"
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
	o.Clients, o.Ahead = true, true
	clients := journal.New(d.db.Namespace(sqlstore.SystemNamespace).Ahead(), o)
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
