package metadbstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"

	"modernc.org/sqlite" // the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// sqliteURL takes the path out of a URL. Airflow itself refuses relative
// paths (airflow.settings.configure_orm).
func sqliteURL(u location) (*engine, error) {
	if err := u.checkDriver("pysqlite", "aiosqlite"); err != nil {
		return nil, err
	}
	const form = "sqlite:////absolute/path/airflow.db"
	switch {
	case u.host != "" || u.user != "" || u.password != "" || u.port != "":
		return nil, wrong(store.Invalid, "write it as "+form, "sql_alchemy_conn names a host, which SQLite has not")
	case u.database == "" || u.database == ":memory:":
		return nil, wrong(store.Unsupported, "name a file: "+form, "a database in memory cannot be read")
	case isOn(u.option("uri")):
		return nil, wrong(store.Unsupported, "write it as "+form, "sql_alchemy_conn gives SQLite a URI (uri=true)")
	case !filepath.IsAbs(u.database):
		return nil, wrong(store.Invalid, "use an absolute path, such as sqlite:////tmp/airflow.db, as Airflow demands",
			"sql_alchemy_conn has the relative path %q", excerpt.Name(u.database))
	}
	return sqliteEngine(u.database)
}

// busyTimeout is how long a read waits for Airflow's writes, in milliseconds.
const busyTimeout = "5000"

// sqliteEngine opens read-only: a missing file stays missing. It must not say
// that the file is immutable, because Airflow writes to it meanwhile.
func sqliteEngine(path string) (*engine, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding %q: %w", excerpt.Name(path), err)
	}
	query := url.Values{
		"mode": {"ro"}, "_busy_timeout": {busyTimeout}, "_query_only": {"on"}, "_dqs": {"0"}, "_error_rc": {"1"},
		"_pragma": {"trusted_schema(0)"},
	}
	source := url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}
	return &engine{
		label: "metadata database " + path, quote: `"`, parameter: "?",
		open: func() (*sql.DB, error) {
			db, err := sql.Open("sqlite", source.String())
			if err != nil {
				return nil, err
			}
			return sql.OpenDB(&regular{sqlite: db.Driver(), source: source.String(), path: abs}), db.Close()
		},
		explain: func(e *store.Error, err error) bool {
			var failed *sqlite.Error
			switch {
			case errors.As(err, &failed):
				explainSQLite(e, failed, abs)
			case errors.Is(err, diskfile.ErrNotRegular), errors.Is(err, syscall.EISDIR):
				unreadable(e, abs)
			default:
				return false
			}
			return true
		},
		lacksColumn: func(err error) bool { return err != nil && strings.Contains(err.Error(), "no such column") },
	}, nil
}

// regular connects to files only: SQLite would wait for a pipe.
type regular struct {
	sqlite       driver.Driver
	source, path string
}

// Connect implements driver.Connector.
func (r *regular) Connect(context.Context) (driver.Conn, error) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := diskfile.Check(r.path + suffix); err != nil {
			return nil, err
		}
	}
	return r.sqlite.Open(r.source)
}

// Driver implements driver.Connector.
func (r *regular) Driver() driver.Driver { return r.sqlite }

// explainSQLite is the table of SQLite's result codes.
func explainSQLite(e *store.Error, failed *sqlite.Error, path string) {
	switch failed.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		e.Code = store.Corrupt
		e.Hint = "check that [database] sql_alchemy_conn names Airflow's database, and that the file is whole"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		e.Code, e.Hint = store.Unavailable, "Airflow is writing: try again"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR:
		unreadable(e, path)
	case sqlite3.SQLITE_ERROR:
		e.Code = store.Unavailable
		if message := failed.Error(); strings.Contains(message, "no such table") || strings.Contains(message, "no such column") {
			foreign(e, failed)
		}
	default:
		e.Code = store.Unavailable
	}
}

// unreadable says why a file cannot be opened, which SQLite does not.
func unreadable(e *store.Error, path string) {
	e.Code, e.Hint = store.Unavailable, "check [database] sql_alchemy_conn, and that airlock may read the file and its folder"
	f, err := diskfile.Open(path)
	_ = f.Close() // a nil file answers with an error, which changes nothing
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Err = errors.New("there is no such file")
		e.Hint = "check [database] sql_alchemy_conn; `airflow db migrate` makes the database"
	case errors.Is(err, fs.ErrPermission):
		e.Code, e.Err = store.Denied, errors.New("the file may not be read")
	case errors.Is(err, syscall.EISDIR):
		e.Code, e.Err = store.Invalid, errors.New("it is a folder, not a file")
	case errors.Is(err, diskfile.ErrNotRegular):
		e.Code, e.Err = store.Invalid, fileError(err)
	}
}
