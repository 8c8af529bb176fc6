package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// Check reads the file anew: its header, its tables, and the place where the
// secrets of the namespace are. What the other reads remember of the file may
// be better than the file is. No secret is opened: one that is damaged is the
// problem of those who ask for it.
func (n *Namespace) Check(ctx context.Context) error {
	err := n.usable("x")
	if err == nil {
		err = n.check(ctx)
	}
	return n.db.fail("check", "", err)
}

func (n *Namespace) check(ctx context.Context) (err error) {
	how := reading
	if n.db.frozen {
		how = frozen
	}
	db, err := openSQLite(n.db.path, how)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	reads, err := prepareReads(ctx, db)
	defer func() { err = errors.Join(err, reads.close()) }()
	if err != nil {
		return err
	}
	var sealed []byte
	if err := db.QueryRowContext(ctx, "SELECT sealed FROM canary").Scan(into(&sealed)); errors.Is(err, sql.ErrNoRows) {
		return corrupt("the database has lost the record that its key is checked with")
	} else if err != nil {
		return err
	}
	k, err := n.key(ctx, db)
	if err == nil {
		_, err = k.scan("x", reads.latest.QueryRowContext(ctx, k.id, []byte(checked)))
	}
	if errors.Is(err, sql.ErrNoRows) { // nothing was ever written, or not that
		return nil
	}
	return err
}

// checked is a name that nobody can give to a secret.
const checked = "\x00"
