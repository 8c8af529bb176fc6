package server

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// observe writes the audit line of a command, and lets a changed list of
// clients count at once, also where the line cannot be written: a client that
// was revoked is. As with the requests of clients, a change whose line cannot
// be written has been made, and the command is told of the failure.
func (d *daemon) observe(c control.Call, err error) error {
	var failed error
	if err == nil && c.Namespace == sqlstore.SystemNamespace && (c.Op == "put" || c.Op == "delete") {
		if failed = d.registry.Reload(context.Background()); failed != nil {
			failed = &store.Error{Op: "reload", Store: "clients", Code: store.CodeOf(failed), Err: failed,
				Hint: "the change is stored but does not count yet: restart airlock serve"}
		}
	}
	e := lineOf(c, err)
	if unwritten := d.audit.Write(&e); unwritten != nil {
		failed = errors.Join(&store.Error{Op: "audit", Store: "airlock", Code: store.Unavailable, Err: unwritten,
			Hint: "nothing is answered while the audit log cannot be written: see to its disk and permissions"}, failed)
	}
	return failed
}

// lineOf is the audit line of a command, in the words of the gate, so that all
// that was done to a secret is found under one kind and name.
func lineOf(c control.Call, err error) audit.Entry {
	w := wordsOf(c.Op)
	e := audit.Entry{Time: time.Now().Add(-c.Duration), Principal: "owner of the folder", Protocol: "cli",
		Action: w.action, Version: c.Version, Outcome: w.done, Duration: c.Duration}
	switch code := store.CodeOf(err); {
	case err == nil:
	case code == store.NotFound:
		e.Outcome = "missing"
	default:
		e.Outcome = string(code)
	}
	e.Kind, e.Team, e.Name = aboutOf(c)
	return e
}

// words are what the gate calls an operation of the control socket.
type words struct{ action, done string }

func wordsOf(op string) words {
	known := map[string]words{
		"get":            {"read", "found"},
		"get-version":    {"read", "found"},
		"record":         {"describe", "found"},
		"list":           {"list", "listed"},
		"put":            {"write", "written"},
		"delete":         {"delete", "deleted"},
		"hide":           {"hide", "hidden"},
		"restore":        {"restore", "restored"},
		"destroy":        {"destroy", "destroyed"},
		"set-attributes": {"annotate", "annotated"},
	}
	if w, ok := known[op]; ok {
		return w
	}
	return words{store.Clip(op), "done"}
}

// aboutOf says what a name of the embedded store stands for. The prefix of a
// list stays as it is, under the kind that it begins with.
func aboutOf(c control.Call) (kind, team, name string) {
	first, _, _ := strings.Cut(c.Name, "/")
	if c.Namespace == sqlstore.SystemNamespace {
		return "client", "", strings.TrimPrefix(c.Name, "client/")
	}
	if c.Op == "list" {
		if k, err := airflow.ParseKind(first); err == nil {
			return string(k), "", c.Name
		}
		if first == string(acl.Plain) {
			return first, "", c.Name
		}
		return "", "", c.Name
	}
	if refs := (dialect.Native{}).Refs(c.Name); len(refs) == 1 {
		return string(refs[0].Kind), refs[0].Team, refs[0].ID
	}
	return string(acl.Plain), "", strings.TrimPrefix(c.Name, string(acl.Plain)+"/")
}
