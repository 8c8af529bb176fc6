package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/queue"
	"github.com/airlock-secrets/airlock/store"
)

// canaryText is what the canary opens to.
const canaryText = "airlock canary 1"

// readers is how many reads run at the same time.
const readers = 4

// DB is an open data folder. It is safe for concurrent use, also by several
// processes at once.
type DB struct {
	label       string
	kek         tink.AEADWithContext
	read, write *sql.DB
	writers     *queue.Queue // of one place: SQLite has one writer
	statements  statements
	path        string // of the file
	frozen      bool   // on a file system that cannot be written
	closed      atomic.Bool

	mu   sync.Mutex
	keys map[string]*namespaceKey // :: namespace -> its opened key
}

// statements are the queries that every read needs.
type statements struct {
	latest, version, list *sql.Stmt
}

func (s *statements) close() error {
	var errs []error
	for _, s := range []*sql.Stmt{s.latest, s.version, s.list} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// Open opens the data folder of o, and makes it where it is missing. It fails,
// having changed nothing, with code Corrupt for a damaged database, Invalid
// for a database of another program, a missing or a wrong key and for
// permissions that are too wide, Unsupported for a database that a newer
// airlock wrote, and NotFound for a missing one with MustExist.
func Open(ctx context.Context, o Options) (*DB, error) {
	label := "embedded store " + o.dir()
	kek, err := prepare(ctx, o)
	if err != nil {
		return nil, fail(label, "open", "", err)
	}
	db := &DB{label: label, kek: kek, writers: queue.New(1), keys: map[string]*namespaceKey{}}
	if err := db.open(ctx, filepath.Join(o.dir(), databaseFile)); err != nil {
		db.close()
		return nil, db.fail("open", "", err)
	}
	return db, nil
}

// OpenStore is Open for a caller who needs one namespace: closing the store
// closes the folder.
func OpenStore(ctx context.Context, o Options) (*Namespace, error) {
	db, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	name := o.Namespace
	if name == "" {
		name = DefaultNamespace
	}
	n := db.Namespace(name)
	n.owner = true
	return n, nil
}

func (db *DB) open(ctx context.Context, path string) error {
	var err error
	db.path = path
	writes, reads := writing, reading
	if db.frozen = readOnlyDisk(path); db.frozen {
		writes, reads = frozen, frozen
	}
	if db.write, err = openSQLite(path, writes); err != nil {
		return err
	}
	if err := migrate(ctx, db.write, migrations()); err != nil {
		return err
	}
	if err := db.checkCanary(ctx); err != nil {
		return err
	}
	if db.read, err = openSQLite(path, reads); err != nil {
		return err
	}
	db.statements, err = prepareReads(ctx, db.read)
	return err
}

// checkCanary tells a wrong key from a right one.
func (db *DB) checkCanary(ctx context.Context) error {
	var sealed []byte
	err := db.write.QueryRowContext(ctx, "SELECT sealed FROM canary").Scan(into(&sealed))
	if errors.Is(err, sql.ErrNoRows) {
		return corrupt("the database has lost the record that its key is checked with")
	}
	if err != nil {
		return err
	}
	text, err := db.kek.DecryptWithContext(ctx, sealed, boundTo("canary"))
	var service *store.Error // of a key management service
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.As(err, &service) {
		return &cause{code: service.Code, hint: service.Hint, err: err}
	}
	if err != nil || string(text) != canaryText {
		return &cause{code: store.Invalid, hint: hintKey, err: errors.New("the key does not open this database")}
	}
	return nil
}

// Close closes the folder and every namespace of it. A second Close is a
// no-op.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	return db.fail("close", "", db.close())
}

func (db *DB) close() error {
	var errs []error
	errs = append(errs, db.statements.close())
	for _, h := range []*sql.DB{db.read, db.write} {
		if h != nil {
			errs = append(errs, h.Close())
		}
	}
	return errors.Join(errs...)
}

// access is what a handle on the file is for.
type access int

const (
	reading access = iota
	writing
	frozen
)

// openSQLite opens a file that must be there. Writers take the lock when
// they begin, so that two of them wait for each other and never fail halfway;
// FULL makes each commit reach the disk before it returns.
func openSQLite(path string, a access) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"", "-wal", "-shm", "-journal"} {
		if err := diskfile.Check(abs + name); err != nil { // SQLite would wait for a pipe
			return nil, notRegular(abs+name, err)
		}
	}
	query := url.Values{
		"mode":          {"rw"},
		"_busy_timeout": {"10000"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"on"},
		"_dqs":          {"0"},
		"_defensive":    {"1"},
		"_error_rc":     {"1"},
		"_pragma":       {"secure_delete(1)", "trusted_schema(0)"},
	}
	connections := readers
	switch a {
	case writing:
		query.Set("_txlock", "immediate")
		connections = 1
	case reading:
		query.Set("_query_only", "on")
	case frozen:
		freeze(query, abs)
	}
	name := url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}
