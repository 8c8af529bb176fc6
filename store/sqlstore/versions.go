package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// Hide makes versions unreadable until the same protocol restores them; none
// given means the latest. Versions that are hidden or destroyed already, or
// unknown, stay as they are.
func (n *Namespace) Hide(ctx context.Context, name, by string, versions ...int64) error {
	return n.each(ctx, "hide", name, versions, func(tx *sql.Tx, r *record, version int64, now time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE version SET hidden = ?, hidden_by = ?
			WHERE record = ? AND version = ? AND hidden IS NULL AND sealed IS NOT NULL`, now.UnixNano(), by, r.id, version)
		return err
	})
}

// Restore makes versions readable that the same protocol hid.
func (n *Namespace) Restore(ctx context.Context, name, by string, versions ...int64) error {
	return n.each(ctx, "restore", name, versions, func(tx *sql.Tx, r *record, version int64, _ time.Time) error {
		_, err := tx.ExecContext(ctx, `UPDATE version SET hidden = NULL, hidden_by = NULL
			WHERE record = ? AND version = ? AND hidden_by = ?`, r.id, version, by)
		return err
	})
}

// Destroy erases the payload of versions. The freed pages are overwritten.
func (n *Namespace) Destroy(ctx context.Context, name string, versions ...int64) error {
	return n.each(ctx, "destroy", name, versions, func(tx *sql.Tx, r *record, version int64, _ time.Time) error {
		_, err := tx.ExecContext(ctx, "UPDATE version SET sealed = NULL WHERE record = ? AND version = ?", r.id, version)
		return err
	})
}

// batch is how many versions one transaction touches. Each may hold MaxPayload
// bytes, which SQLite writes anew, and every other change waits that long.
const batch = 16

// each runs f on versions of name, or on the latest where none is given, in
// transactions of at most a batch.
func (n *Namespace) each(ctx context.Context, op, name string, versions []int64,
	f func(*sql.Tx, *record, int64, time.Time) error) error {
	versions, err := store.DistinctVersions(versions)
	if err != nil {
		return err
	}
	err = n.usable(name)
	now := time.Now().UTC()
	for first := true; err == nil && (first || len(versions) > 0); first = false {
		some := versions[:min(batch, len(versions))]
		versions = versions[len(some):]
		err = n.change(ctx, false, func(tx *sql.Tx, k *namespaceKey) error {
			r, err := find(ctx, tx, k, name)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				some = []int64{r.latest}
			}
			for _, version := range some {
				if err := r.checkIndex(ctx, tx, version); err != nil {
					return err
				}
				if err := f(tx, r, version, now); err != nil {
					return err
				}
			}
			return r.touch(ctx, tx, now)
		})
	}
	return n.db.fail(op, name, err)
}

// checkIndex fails where version leads to the row of another one. A version
// that is unknown is none.
func (r *record) checkIndex(ctx context.Context, tx *sql.Tx, version int64) error {
	intact := true
	err := tx.QueryRowContext(ctx, `SELECT `+versionIsNamed+` FROM version w `+versionRow+`
		WHERE w.record = ? AND w.version = ?`, r.id, version).Scan(into(&intact))
	if err == nil && !intact {
		return errIndex()
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// SetAttributes replaces what one protocol notes on name; an empty map takes
// it away. The record is made where it is missing, without any version.
func (n *Namespace) SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error {
	err := n.usable(name)
	if err == nil {
		now := time.Now().UTC()
		err = n.change(ctx, true, func(tx *sql.Tx, k *namespaceKey) error {
			r, err := findOrMake(ctx, tx, k, name, now)
			if err != nil {
				return err
			}
			return r.setAttributes(ctx, tx, k, name, protocol, attributes, now)
		})
	}
	return n.db.fail("set attributes", name, err)
}

func (r *record) setAttributes(ctx context.Context, tx *sql.Tx, k *namespaceKey,
	name, protocol string, attributes map[string]string, now time.Time) error {
	all, err := k.openAttributes(name, r.attributes)
	if err != nil {
		return err
	}
	if all == nil {
		all = map[string]map[string]string{}
	}
	delete(all, protocol)
	if len(attributes) > 0 {
		all[protocol] = attributes
	}
	sealed, err := k.sealAttributes(name, all)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE record SET attributes = ? WHERE id = ?", sealed, r.id); err != nil {
		return err
	}
	return r.touch(ctx, tx, now)
}

// Record describes name and its versions.
func (n *Namespace) Record(ctx context.Context, name string) (*store.Record, error) {
	r, err := n.record(ctx, name)
	if err != nil {
		return nil, n.db.fail("record", name, err)
	}
	return r, nil
}

func (n *Namespace) record(ctx context.Context, name string) (*store.Record, error) {
	if err := n.usable(name); err != nil {
		return nil, err
	}
	k, err := n.key(ctx, n.db.read)
	if err != nil {
		return nil, err
	}
	tx, err := n.db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	r, err := find(ctx, tx, k, name)
	if err != nil {
		return nil, err
	}
	described := &store.Record{Name: name, Latest: r.latest, Created: instant(r.created), Updated: instant(r.updated)}
	if described.Attributes, err = k.openAttributes(name, r.attributes); err != nil {
		return nil, err
	}
	described.Versions, err = r.versions(ctx, tx)
	return described, err
}

func (r *record) versions(ctx context.Context, tx *sql.Tx) ([]store.VersionInfo, error) {
	rows, err := tx.QueryContext(ctx, `SELECT w.version, `+versionIsNamed+`,
		v.created, v.hidden, v.hidden_by, v.sealed IS NULL
		FROM version w `+versionRow+` WHERE w.record = ? ORDER BY w.version`, r.id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var infos []store.VersionInfo
	for rows.Next() {
		var info store.VersionInfo
		var created int64
		var hidden *int64
		var by string
		var intact bool
		err := rows.Scan(into(&info.Version), into(&intact),
			into(&created), maybe(&hidden), maybe(&by), into(&info.Destroyed))
		if isDamage(err) || err == nil && !intact {
			infos = append(infos, store.VersionInfo{Version: info.Version, Damaged: true})
			continue
		} else if err != nil {
			return nil, err
		}
		info.Created, info.HiddenBy = instant(created), by
		if hidden != nil {
			info.Hidden = instant(*hidden)
		}
		infos = append(infos, info)
	}
	return infos, rows.Err()
}
