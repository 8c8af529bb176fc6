package metadbstore

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/airlock-secrets/airlock/store"
)

// Options say which database to read. One of the two is needed.
type Options struct {
	// Conn is the option sql_alchemy_conn of section [database], a URL in
	// SQLAlchemy's form: "sqlite:////abs/airflow.db".
	Conn string
	// Path is the file of a SQLite database; it wins over Conn.
	Path string
}

// engine is what differs between the databases that Airflow can use.
type engine struct {
	// label is how a person knows the database; it holds no user info.
	label string
	// driver and source are what database/sql opens.
	driver, source string
	// quote surrounds an identifier; parameter stands for the one parameter.
	quote, parameter string
	// path is the database's file, where it is one.
	path string
}

// row is the query for the row of an id.
func (e engine) row(table, column string) string {
	return "SELECT * FROM " + e.quote + table + e.quote + " WHERE " + e.quote + column + e.quote + " = " + e.parameter
}

// all is the query for every row.
func (e engine) all(table string) string { return "SELECT * FROM " + e.quote + table + e.quote }

// engine reads the options. Its errors hold nothing of a URL but its scheme.
func (o Options) engine() (engine, error) {
	if o.Path != "" {
		return sqliteEngine(o.Path)
	}
	scheme, rest, ok := strings.Cut(o.Conn, "://")
	name, _, _ := strings.Cut(scheme, "+")
	switch {
	case o.Conn == "":
		return engine{}, wrong(store.Invalid, "set [database] sql_alchemy_conn", "no metadata database is named")
	case !ok || !isWord(name):
		return engine{}, wrong(store.Invalid, "write it as sqlite:////absolute/path/airflow.db", "sql_alchemy_conn is not a URL in SQLAlchemy's form")
	case name == "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return engine{}, err
		}
		return sqliteEngine(path)
	}
	return engine{}, wrong(store.Unsupported, "leave the metadata database out, or name a SQLite one",
		"airlock cannot read a metadata database in %s yet", name)
}

func isWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// sqlitePath takes the path out of what follows "sqlite://", which SQLAlchemy
// percent-decodes. Airflow itself refuses relative paths
// (airflow.settings.configure_orm).
func sqlitePath(rest string) (string, error) {
	rest, _, _ = strings.Cut(rest, "?")
	escaped, ok := strings.CutPrefix(rest, "/")
	path, err := url.PathUnescape(escaped)
	if err != nil {
		path = escaped // as Python does, which leaves a bad escape alone
	}
	switch {
	case path == "" || path == ":memory:":
		return "", wrong(store.Unsupported, "name a file: sqlite:////absolute/path/airflow.db", "a database in memory cannot be read")
	case !ok:
		return "", wrong(store.Invalid, "write it as sqlite:////absolute/path/airflow.db", "sql_alchemy_conn names a host, which SQLite has not")
	case !filepath.IsAbs(path):
		return "", wrong(store.Invalid, "use an absolute path, such as sqlite:////tmp/airflow.db, as Airflow demands",
			"sql_alchemy_conn has the relative path %q", store.Clip(path))
	}
	return path, nil
}

// busyTimeout is how long a read waits for Airflow's writes, in milliseconds.
const busyTimeout = "5000"

// sqliteEngine opens read-only: a missing file stays missing. It must not say
// that the file is immutable, because Airflow writes to it meanwhile.
func sqliteEngine(path string) (engine, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return engine{}, fmt.Errorf("finding %q: %w", store.Clip(path), err)
	}
	query := url.Values{
		"mode": {"ro"}, "_busy_timeout": {busyTimeout}, "_query_only": {"on"}, "_dqs": {"0"}, "_error_rc": {"1"},
		"_pragma": {"trusted_schema(0)"},
	}
	source := url.URL{Scheme: "file", Path: abs, RawQuery: query.Encode()}
	return engine{
		label: "metadata database " + path, driver: "sqlite", source: source.String(), quote: `"`, parameter: "?", path: abs,
	}, nil
}

// wrong is a failure of the settings.
func wrong(code store.Code, hint, format string, args ...any) error {
	err := errors.New(format)
	if len(args) > 0 {
		err = fmt.Errorf(format, args...)
	}
	return &store.Error{Op: "open", Store: "metadata database", Code: code, Hint: hint, Err: err}
}
