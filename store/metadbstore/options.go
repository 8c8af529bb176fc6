package metadbstore

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// Options say which database to read. One of the first two is needed.
type Options struct {
	// Conn is the option sql_alchemy_conn of section [database], a URL in
	// SQLAlchemy's form: "sqlite:////abs/airflow.db",
	// "postgresql+psycopg2://airflow@db/airflow?sslmode=verify-full".
	Conn string
	// Path is the file of a SQLite database; it wins over Conn.
	Path string
	// Schema is the option sql_alchemy_schema; empty or blank means that of
	// the connection.
	Schema string
	// Getenv returns what libpq reads from the environment: PGPASSWORD,
	// PGSSLMODE. The process's own variables count where it has none; nil
	// has none at all.
	Getenv func(name string) (string, bool)
	// Confined bounds what may be used besides Conn and Getenv: neither the
	// process's own variables nor files of HOME then. Nil allows all.
	Confined *route.Confinement
	// Timeout ends a call that has no answer yet; zero means 30 seconds. The
	// time to connect is connect_timeout in Conn, else 10 seconds.
	Timeout time.Duration
}

const (
	callTimeout    = 30 * time.Second
	connectTimeout = 10 * time.Second
	// longestAnswer bounds what one answer of a server may take, in bytes.
	longestAnswer = 32 << 20
)

// engine reads the options. Its errors hold nothing of a URL but its scheme.
func (o Options) engine() (*engine, error) {
	switch {
	case o.Path != "":
		return sqliteEngine(o.Path)
	case o.Conn == "":
		return nil, wrong(store.Invalid, "set [database] sql_alchemy_conn", "no metadata database is named")
	}
	u, err := parseURL(o.Conn)
	if err != nil {
		return nil, err
	}
	switch u.backend {
	case "sqlite":
		return sqliteURL(u)
	case "postgresql":
		return postgresEngine(u, o)
	case "postgres": // what Airflow upgrades itself, settings have upgraded already
		return nil, wrong(store.Invalid, "write postgresql in place of postgres", "SQLAlchemy knows the database of sql_alchemy_conn by another name")
	case "mysql", "mariadb":
		return mysqlEngine(u, files{o.Confined})
	}
	return nil, wrong(store.Unsupported, "Airflow keeps its metadata in postgresql, mysql or sqlite: name such a database, or leave it out",
		"airlock cannot read a metadata database in %s", excerpt.Name(u.backend))
}

// checkDriver refuses a driver that SQLAlchemy has not for this database.
func (u *location) checkDriver(known ...string) error {
	if u.driver == "" {
		return nil
	}
	for _, driver := range known {
		if u.driver == driver {
			return nil
		}
	}
	return wrong(store.Invalid, "write one of "+strings.Join(known, ", ")+" after the plus sign, or leave it out",
		"sql_alchemy_conn names the driver %q, which SQLAlchemy has not for %s", excerpt.Name(u.driver), u.backend)
}

// wrong is a failure of the settings.
func wrong(code store.Code, hint, format string, args ...any) error {
	err := errors.New(format)
	if len(args) > 0 {
		err = fmt.Errorf(format, args...)
	}
	return &store.Error{Op: "open", Store: "metadata database", Code: code, Hint: hint, Err: err}
}
