package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// SQLite takes what an index says for true: one that is damaged leads to the
// row of another name, or of another version. So every row is looked up twice,
// in the index (i, w) and by its number in the table (r, v), and the two must
// say the same.
const (
	namedRecord    = `record i LEFT JOIN record r ON r.id = i.id`
	recordIsNamed  = `r.namespace IS i.namespace AND r.name IS i.name`
	versionRow     = `LEFT JOIN version v ON v.rowid = w.rowid`
	versionIsNamed = `v.record IS w.record AND v.version IS w.version`
)

// errIndex is what a row fails with that an index leads to by a name that is
// not its own.
func errIndex() error { return corrupt("an index of the database is damaged") }

// prepareReads makes the queries of reads on db, and fails where its tables are not
// ours.
func prepareReads(ctx context.Context, db *sql.DB) (all statements, err error) {
	for _, s := range []struct {
		to    **sql.Stmt
		query string
	}{
		{&all.latest, `SELECT v.version, v.form, v.sealed, v.created, v.hidden, r.attributes, v.sealed IS NULL, r.latest,
			` + recordIsNamed + ` AND ` + versionIsNamed + `
			AND NOT EXISTS (SELECT 1 FROM version n WHERE n.record = r.id AND n.version > r.latest)
			FROM ` + namedRecord + ` LEFT JOIN version w ON w.record = r.id AND w.version = r.latest ` + versionRow + `
			WHERE i.namespace = ? AND i.name = ?`},
		{&all.version, `SELECT v.version, v.form, v.sealed, v.created, v.hidden, r.attributes, v.sealed IS NULL,
			coalesce(w.version, 0), ` + recordIsNamed + ` AND ` + versionIsNamed + `
			FROM ` + namedRecord + ` LEFT JOIN version w ON w.record = r.id AND w.version = ? ` + versionRow + `
			WHERE i.namespace = ? AND i.name = ?`},
		{&all.list, `SELECT i.name, ` + recordIsNamed + `
			FROM ` + namedRecord + ` LEFT JOIN version w ON w.record = r.id AND w.version = r.latest ` + versionRow + `
			WHERE i.namespace = ? AND i.name >= ? AND (? IS NULL OR i.name < ?)
			AND (v.hidden IS NULL AND v.sealed IS NOT NULL OR v.version IS NULL AND r.latest != 0
				OR NOT (` + recordIsNamed + ` AND ` + versionIsNamed + `)) ORDER BY i.name`},
	} {
		if *s.to, err = db.PrepareContext(ctx, s.query); err != nil {
			return all, fmt.Errorf("preparing a query: %w", err)
		}
	}
	return all, nil
}

// Get returns the latest version of name. It is NotFound while that one is
// hidden or destroyed, and Corrupt where it does not decrypt under its name.
func (n *Namespace) Get(ctx context.Context, name string) (*store.Secret, error) {
	return n.get(ctx, name, 0)
}

// GetVersion returns one version, or the latest for 0.
func (n *Namespace) GetVersion(ctx context.Context, name string, version int64) (*store.Secret, error) {
	return n.get(ctx, name, version)
}

func (n *Namespace) get(ctx context.Context, name string, version int64) (*store.Secret, error) {
	if err := n.usable(name); err != nil {
		return nil, n.db.fail("get", name, err)
	}
	k, err := n.key(ctx, n.db.read)
	if err != nil {
		return nil, n.db.fail("get", name, err)
	}
	var row *sql.Row
	if version == 0 {
		row = n.db.statements.latest.QueryRowContext(ctx, k.id, []byte(name))
	} else {
		row = n.db.statements.version.QueryRowContext(ctx, version, k.id, []byte(name))
	}
	s, err := k.scan(name, row)
	return s, n.db.fail("get", name, err)
}

// scan reads and opens one version; a hidden or destroyed one is
// sql.ErrNoRows.
func (k *namespaceKey) scan(name string, row *sql.Row) (*store.Secret, error) {
	var s store.Secret
	var sealed, attributes []byte
	var created, latest int64
	var hidden *int64
	var destroyed, intact bool
	if err := row.Scan(maybe(&s.Version), maybe(&s.Form), maybe(&sealed), maybe(&created), maybe(&hidden),
		maybe(&attributes), into(&destroyed), into(&latest), into(&intact)); err != nil {
		return nil, err
	}
	switch {
	case !intact:
		return nil, errIndex()
	case s.Version == 0 && latest != 0:
		return nil, corrupt("its version %d is missing", latest)
	case hidden != nil || destroyed:
		return nil, sql.ErrNoRows
	}
	var err error
	if s.Payload, err = k.openValue(name, s.Version, s.Form, sealed); err != nil {
		return nil, err
	}
	if s.Attributes, err = k.openAttributes(name, attributes); err != nil {
		return nil, err
	}
	s.Time = instant(created)
	return &s, nil
}

// List returns the names whose latest version is readable, by their bytes, and
// those whose latest version is damaged: Get says so.
func (n *Namespace) List(ctx context.Context, prefix string) ([]string, error) {
	names, err := n.list(ctx, prefix)
	return names, n.db.fail("list", prefix, err)
}

func (n *Namespace) list(ctx context.Context, prefix string) ([]string, error) {
	if err := n.usable("x" + prefix); err != nil {
		return nil, err
	}
	k, err := n.key(ctx, n.db.read)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var end any // null: no end
	if b := after([]byte(prefix)); b != nil {
		end = b
	}
	rows, err := n.db.statements.list.QueryContext(ctx, k.id, []byte(prefix), end, end)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name []byte
		var intact bool
		if err := rows.Scan(into(&name), into(&intact)); err != nil {
			return nil, err
		}
		if !intact {
			return nil, errIndex()
		}
		names = append(names, string(name))
	}
	return names, rows.Err()
}

// after returns the least bytes that are greater than everything that starts
// with prefix, or nil where there are none.
func after(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return append(append([]byte{}, prefix[:i]...), prefix[i]+1)
		}
	}
	return nil
}

func instant(nanoseconds int64) time.Time { return time.Unix(0, nanoseconds).UTC() }
