package metadbstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// engine is what differs between the databases that Airflow can use.
type engine struct {
	// label is how a person knows the database; it holds no user info.
	label string
	// open makes the pool; it connects to nothing.
	open func() (*sql.DB, error)
	// quote surrounds an identifier; parameter stands for the one parameter.
	quote, parameter string
	// transaction is set where each read is a read-only transaction: a
	// setting of the session would stay with the server's connection, behind
	// a pooler, and keep Airflow from writing.
	transaction bool
	// explain fills in code, hint and error for a failure of the engine, and
	// reports whether it knows it.
	explain func(e *store.Error, err error) bool
	// lacksColumn reports whether a query failed for want of a column.
	lacksColumn func(err error) bool
	// secret are the texts that no message may hold.
	secret []string
	// trust says how to have a server's certificate trusted.
	trust string
	// schema is in front of the tables' names, where it is not empty.
	schema string
}

func (e *engine) quoted(name string) string {
	return e.quote + strings.ReplaceAll(name, e.quote, e.quote+e.quote) + e.quote
}

func (e *engine) table(name string) string {
	if e.schema != "" {
		return e.quoted(e.schema) + "." + e.quoted(name)
	}
	return e.quoted(name)
}

// row is the query for the row of an id.
func (e *engine) row(table, column string) string {
	return "SELECT * FROM " + e.table(table) + " WHERE " + e.quoted(column) + " = " + e.parameter
}

// ids is the query for some columns of every row.
func (e *engine) ids(table string, columns ...string) string {
	for i := range columns {
		columns[i] = e.quoted(columns[i])
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + e.table(table)
}

// lateError is a deadline of this package that has passed.
type lateError struct {
	what, setting string
	within        time.Duration
}

func (e *lateError) Error() string { return fmt.Sprintf("no %s within %s", e.what, e.within) }

// connector gives every connection a deadline of its own.
type connector struct {
	driver.Connector
	within time.Duration
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	limited, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	conn, err := c.Connector.Connect(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return nil, &lateError{what: "connection", within: c.within, setting: "connect_timeout in sql_alchemy_conn"}
	}
	return conn, err
}

// pool opens a pool that makes its connections through c.
func pool(c driver.Connector, within time.Duration) *sql.DB {
	return sql.OpenDB(connector{c, within})
}

// seconds reads a timeout of a URL; what is not above zero means no limit
// there, which here is the usual one.
func seconds(option, text string) (time.Duration, error) {
	if text == "" {
		return connectTimeout, nil
	}
	n, err := parseInt(text)
	switch {
	case err != nil:
		return 0, wrong(store.Invalid, "give a number of seconds", "%s in sql_alchemy_conn is not a whole number", option)
	case n <= 0:
		return connectTimeout, nil
	}
	return time.Duration(min(n, 3600)) * time.Second, nil
}

// safe is err without what no message may hold.
func (e *engine) safe(err error) error {
	text := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }), " ")
	for _, secret := range e.secret {
		if secret != "" && strings.Contains(text, secret) {
			return errors.New("the exchange with the server failed")
		}
	}
	return errors.New(store.Clip(text))
}
