package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// migration is one step of the schema; its number is its place in the list,
// from 1. A step is never changed once released: a change is a new step.
type migration struct {
	what string
	sql  string
}

// migrations lists every step of the schema.
func migrations() []migration {
	return []migration{{
		what: "namespaces, records, versions",
		sql: `
CREATE TABLE canary (
	id     INTEGER PRIMARY KEY CHECK (id = 1),
	sealed BLOB NOT NULL
);
CREATE TABLE namespace (
	id          INTEGER PRIMARY KEY,
	name        TEXT NOT NULL UNIQUE,
	wrapped_key BLOB NOT NULL,
	created     INTEGER NOT NULL -- nanoseconds since 1970, as every time here
);
CREATE TABLE record (
	id         INTEGER PRIMARY KEY,
	namespace  INTEGER NOT NULL REFERENCES namespace (id) ON DELETE CASCADE,
	name       BLOB NOT NULL,    -- a blob sorts by its bytes
	latest     INTEGER NOT NULL, -- 0: no version yet
	created    INTEGER NOT NULL,
	updated    INTEGER NOT NULL,
	attributes BLOB,             -- sealed; null: none
	UNIQUE (namespace, name)
);
CREATE TABLE version (
	record    INTEGER NOT NULL REFERENCES record (id) ON DELETE CASCADE,
	version   INTEGER NOT NULL,
	form      INTEGER NOT NULL,
	sealed    BLOB,              -- null: destroyed
	created   INTEGER NOT NULL,
	hidden    INTEGER,           -- null: readable
	hidden_by TEXT,
	PRIMARY KEY (record, version)
);`,
	}}
}

// migrate brings a database to the last of steps, each in its own
// transaction, and refuses one that is further.
func migrate(ctx context.Context, db *sql.DB, steps []migration) error {
	at, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if at > len(steps) {
		return &cause{code: store.Unsupported, hint: "use the newer airlock that wrote it; nothing was changed",
			err: fmt.Errorf("the database has schema %d and this airlock knows schemas up to %d", at, len(steps))}
	}
	for number := at + 1; number <= len(steps); number++ {
		if err := step(ctx, db, number, steps[number-1]); err != nil {
			return fmt.Errorf("migrating to schema %d (%s): %w", number, steps[number-1].what, err)
		}
	}
	return nil
}

// schemaVersion is 0 for a database without any table.
func schemaVersion(ctx context.Context, db *sql.DB) (int, error) {
	var tables int
	err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'").Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	var at int
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM schema_version").Scan(into(&at))
	return at, err
}

// step applies one migration, unless another process has just done so.
func step(ctx context.Context, db *sql.DB, number int, m migration) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (
		version INTEGER PRIMARY KEY, what TEXT NOT NULL, applied INTEGER NOT NULL)`); err != nil {
		return err
	}
	done, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO schema_version (version, what, applied) VALUES (?, ?, ?)",
		number, m.what, time.Now().UnixNano())
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, m.sql); err != nil {
		return err
	}
	return tx.Commit()
}
