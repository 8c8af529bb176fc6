package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/store"
)

// record is a row of the table record.
type record struct {
	id, latest       int64
	created, updated int64
	attributes       []byte // sealed
}

// find returns the record called name, or sql.ErrNoRows.
func find(ctx context.Context, q querier, k *namespaceKey, name string) (*record, error) {
	var r record
	var intact bool
	err := q.QueryRowContext(ctx, `SELECT r.id, r.latest, r.created, r.updated, r.attributes, `+recordIsNamed+`
		FROM `+namedRecord+` WHERE i.namespace = ? AND i.name = ?`, k.id, []byte(name)).
		Scan(into(&r.id), into(&r.latest), into(&r.created), into(&r.updated), maybe(&r.attributes), into(&intact))
	if err == nil && !intact {
		err = errIndex()
	}
	return &r, err
}

// findOrMake returns the record called name, made where it is missing.
func findOrMake(ctx context.Context, tx *sql.Tx, k *namespaceKey, name string, now time.Time) (*record, error) {
	r, err := find(ctx, tx, k, name)
	if !errors.Is(err, sql.ErrNoRows) {
		return r, err
	}
	r = &record{created: now.UnixNano(), updated: now.UnixNano()}
	err = tx.QueryRowContext(ctx, `INSERT INTO record (namespace, name, latest, created, updated)
		VALUES (?, ?, 0, ?, ?) RETURNING id`, k.id, []byte(name), r.created, r.updated).Scan(&r.id)
	return r, err
}

// touch notes a change of a record and its latest version.
func (r *record) touch(ctx context.Context, tx *sql.Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE record SET latest = ?, updated = ? WHERE id = ?", r.latest, now.UnixNano(), r.id)
	return err
}

// Put stores a version and drops the oldest ones beyond the number that the
// attribute max_versions of protocol "vault" allows (absent, 0: ten). The
// write has reached the disk when it returns nil.
func (n *Namespace) Put(ctx context.Context, name string, s *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	stored, err := n.put(ctx, name, s, o)
	if err != nil {
		return nil, n.db.fail("put", name, err)
	}
	return stored, nil
}

func (n *Namespace) put(ctx context.Context, name string, s *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	if err := n.usable(name); err != nil {
		return nil, err
	}
	if err := storable(s); err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	stored := &store.Secret{Form: s.Form, Time: now}
	var excess bool
	err := n.change(ctx, true, func(tx *sql.Tx, k *namespaceKey) error {
		r, err := findOrMake(ctx, tx, k, name, now)
		if err != nil {
			return err
		}
		if err := r.expect(ctx, tx, o); err != nil {
			return err
		}
		r.latest++
		stored.Version = r.latest
		if stored.Attributes, err = k.openAttributes(name, r.attributes); err != nil {
			return err
		}
		excess, err = n.insert(ctx, tx, k, r, name, s, stored)
		return err
	})
	for err == nil && excess {
		var failed error
		if excess, failed = n.trim(ctx, name); failed != nil {
			break // the version is stored, and the next one drops what is left
		}
	}
	return stored, err
}

// storable refuses what cannot be kept. It quotes nothing of a payload.
func storable(s *store.Secret) error {
	switch {
	case s == nil:
		return invalid("a secret is missing")
	case len(s.Payload) > MaxPayload:
		return invalid("a payload of %d bytes, more than %d", len(s.Payload), MaxPayload)
	case s.Form == store.Text && !utf8.Valid(s.Payload):
		return invalid("a text that is not UTF-8")
	case s.Form == store.Text || s.Form == store.Binary:
		return nil
	case s.Form == store.Object && !utf8.Valid(s.Payload):
		return invalid("a JSON object that is not UTF-8")
	case s.Form != store.Object:
		return invalid("a payload of unknown form %d", int(s.Form))
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(s.Payload, &object) != nil || object == nil {
		return invalid("a payload that is not a JSON object")
	}
	return nil
}

// insert adds the version that r.latest numbers and drops a batch of the oldest;
// excess says that there are more to drop.
func (n *Namespace) insert(ctx context.Context, tx *sql.Tx, k *namespaceKey, r *record, name string,
	s, stored *store.Secret) (excess bool, err error) {
	sealed, err := k.sealValue(name, r.latest, s.Form, s.Payload)
	if err != nil {
		return false, err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO version (record, version, form, sealed, created) VALUES (?, ?, ?, ?, ?)",
		r.id, r.latest, int(s.Form), sealed, stored.Time.UnixNano()); err != nil {
		return false, err
	}
	if excess, err = r.drop(ctx, tx, r.latest-maxVersions(stored.Attributes)); err != nil {
		return false, err
	}
	return excess, r.touch(ctx, tx, stored.Time)
}

// drop removes a batch of the oldest versions up to last, and reports whether
// it was a whole one.
func (r *record) drop(ctx context.Context, tx *sql.Tx, last int64) (bool, error) {
	dropped, err := tx.ExecContext(ctx, `DELETE FROM version WHERE rowid IN
		(SELECT v.rowid FROM version w `+versionRow+` WHERE w.record = ? AND w.version <= ? AND `+versionIsNamed+`
		ORDER BY w.version LIMIT ?)`, r.id, last, batch)
	if err != nil {
		return false, err
	}
	n, err := dropped.RowsAffected()
	return n == batch, err
}

// trim drops a batch of the versions that max_versions no longer allows, and
// reports whether there may be more.
func (n *Namespace) trim(ctx context.Context, name string) (excess bool, err error) {
	err = n.change(ctx, false, func(tx *sql.Tx, k *namespaceKey) error {
		r, err := find(ctx, tx, k, name)
		if err != nil {
			return err
		}
		attributes, err := k.openAttributes(name, r.attributes)
		if err != nil {
			return err
		}
		excess, err = r.drop(ctx, tx, r.latest-maxVersions(attributes))
		return err
	})
	return excess && err == nil, err
}

// maxVersions is how many versions to keep.
func maxVersions(attributes map[string]map[string]string) int64 {
	n, err := strconv.ParseInt(attributes["vault"]["max_versions"], 10, 64)
	if err != nil || n <= 0 {
		return defaultMaxVersions
	}
	return n
}

// expect refuses a conditional write that has lost.
func (r *record) expect(ctx context.Context, tx *sql.Tx, o *store.PutOptions) error {
	if o == nil || o.IfVersion == nil || *o.IfVersion == r.latest {
		return nil
	}
	if *o.IfVersion == 0 {
		var left int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM version WHERE record = ? AND sealed IS NOT NULL", r.id).Scan(&left)
		if err != nil || left == 0 {
			return err
		}
	}
	return &cause{code: store.Conflict, hint: "read it again and decide anew",
		err: errors.New("the latest version is " + strconv.FormatInt(r.latest, 10))}
}

// Delete removes name, its versions and its attributes. The freed pages are
// overwritten. Of a name with many versions the oldest go first, a batch at a
// time.
func (n *Namespace) Delete(ctx context.Context, name string) error {
	err := n.usable(name)
	for begun, more := false, true; err == nil && more; begun = true {
		err = n.change(ctx, false, func(tx *sql.Tx, k *namespaceKey) error {
			r, err := find(ctx, tx, k, name)
			if begun && errors.Is(err, sql.ErrNoRows) {
				more = false // somebody else has removed the rest
				return nil
			}
			if isDamage(err) {
				more = false
				return removeDamaged(ctx, tx, k, name, err)
			}
			if err != nil {
				return err
			}
			if more, err = r.drop(ctx, tx, r.latest-1); err != nil || more {
				return err
			}
			_, err = tx.ExecContext(ctx, "DELETE FROM record WHERE id = ?", r.id)
			return err
		})
	}
	return n.db.fail("delete", name, err)
}

// removeDamaged removes a record whose row, but for its name, is damaged. Where
// the row is that of another name it changes nothing and returns damage.
func removeDamaged(ctx context.Context, tx *sql.Tx, k *namespaceKey, name string, damage error) error {
	removed, err := tx.ExecContext(ctx, `DELETE FROM record WHERE id IN (SELECT r.id FROM `+namedRecord+`
		WHERE i.namespace = ? AND i.name = ? AND `+recordIsNamed+`)`, k.id, []byte(name))
	if err != nil {
		return err
	}
	if n, err := removed.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return damage
}
