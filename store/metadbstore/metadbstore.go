package metadbstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// Store is a metadata database. It is safe for concurrent use.
type Store struct {
	engine  *engine
	db      *sql.DB
	timeout time.Duration
	closed  atomic.Bool
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Checker = (*Store)(nil)
	_ store.Locator = (*Store)(nil)
)

// idColumn is the column that holds the id in a table, whose name is also the
// first word of a secret's name; ok is false for any other word.
func idColumn(table string) (column string, ok bool) {
	switch table {
	case "variable":
		return "key", true
	case "connection":
		return "conn_id", true
	}
	return "", false
}

// Open reads the options, and the files of certificates that they name; it
// does not touch the database, which may come to be later. Its errors are
// Invalid, or Unsupported for an engine or an option that airlock cannot read,
// and hold nothing of the URL but its scheme and the names of its options.
func Open(o Options) (*Store, error) {
	e, err := o.engine()
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(o.Schema) != "" {
		e.schema = o.Schema
	}
	db, err := e.open()
	if err != nil {
		return nil, wrong(store.Invalid, "", "opening the metadata database: %w", err)
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	if o.Timeout <= 0 {
		o.Timeout = callTimeout
	}
	return &Store{engine: e, db: db, timeout: o.Timeout}, nil
}

// Name says where the store is, for messages.
func (s *Store) Name() string { return s.engine.label }

// Close closes the database. A second Close is a no-op.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.fail("close", "", s.db.Close())
}

// Name is where the row of an id is asked for on behalf of team, or of nobody
// where that is empty. Table is "variable" or "connection".
func Name(table, team, id string) string {
	if team != "" {
		table += "@" + url.PathEscape(team)
	}
	return table + "/" + id
}

// asked is a name taken apart.
type asked struct{ table, column, team, id string }

func parseName(name string) (asked, error) {
	head, id, _ := strings.Cut(name, "/")
	table, escaped, hasTeam := strings.Cut(head, "@")
	team, err := url.PathUnescape(escaped)
	column, ok := idColumn(table)
	if !ok || id == "" || err != nil || hasTeam && team == "" {
		return asked{}, &store.Error{Code: store.Invalid, Err: errors.New(`a name here is "variable/KEY" or "connection/ID"`)}
	}
	return asked{table, column, team, id}, nil
}

// Get returns the row as a JSON object of its columns. A row of another team
// is NotFound.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	secret, err := s.get(ctx, name)
	return secret, s.fail("get", name, err)
}

func (s *Store) get(ctx context.Context, name string) (*store.Secret, error) {
	a, err := parseName(name)
	if err != nil {
		return nil, err
	}
	var found *pyjson.Object
	err = s.rows(ctx, s.engine.row(a.table, a.column), []any{a.id}, func(row *pyjson.Object) error {
		id, _ := row.Get(a.column)
		team, _ := row.Get("team_name")
		if id == a.id && (team == nil || a.team != "" && team == a.team) {
			found = row
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, sql.ErrNoRows
	}
	return &store.Secret{Payload: []byte(pyjson.Encode(found)), Form: store.Object}, nil
}

// List returns the names of all rows, those of teams under their team.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	for _, table := range []string{"connection", "variable"} {
		found, err := s.list(ctx, table)
		if err != nil {
			return nil, s.fail("list", prefix, err)
		}
		for _, name := range found {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// list returns the names of all rows of a table.
func (s *Store) list(ctx context.Context, table string) (names []string, err error) {
	column, _ := idColumn(table)
	each := func(row *pyjson.Object) error {
		id, _ := row.Get(column)
		team, _ := row.Get("team_name")
		teamName, _ := team.(string)
		if idName, ok := id.(string); ok {
			names = append(names, Name(table, teamName, idName))
		}
		return nil
	}
	err = s.rows(ctx, s.engine.ids(table, column, "team_name"), nil, each)
	if s.engine.lacksColumn(err) {
		names = nil
		err = s.rows(ctx, s.engine.ids(table, column), nil, each)
	}
	return names, err
}

// Check looks for both tables.
func (s *Store) Check(ctx context.Context) error {
	for _, name := range []string{"variable/airlock", "connection/airlock"} {
		if _, err := s.get(ctx, name); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return s.fail("check", "", err)
		}
	}
	return nil
}

// Locate says which row a name stands for.
func (s *Store) Locate(name string) string {
	a, err := parseName(name)
	if err != nil {
		return name
	}
	where := fmt.Sprintf("table %s, %s = %q", a.table, a.column, excerpt.Name(a.id))
	if a.team != "" {
		where += fmt.Sprintf(", team_name = %q or none", excerpt.Name(a.team))
	}
	return where
}

// queryer is a pool or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// rows runs a query and calls each with every row, all within the store's
// deadline.
func (s *Store) rows(ctx context.Context, query string, args []any, each func(*pyjson.Object) error) error {
	if s.closed.Load() {
		return errors.New("the store is closed")
	}
	limited, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := s.read(limited, query, args, each)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return &lateError{what: "answer", within: s.timeout}
	}
	return err
}

func (s *Store) read(ctx context.Context, query string, args []any, each func(*pyjson.Object) error) error {
	var q queryer = s.db
	if s.engine.transaction {
		tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // nothing was written
		q = tx
	}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return scan(rows, each)
}

// scan makes an object of every row.
func scan(rows *sql.Rows, each func(*pyjson.Object) error) error {
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	cells := make([]any, len(columns))
	to := make([]any, len(columns))
	for i := range cells {
		to[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		row := pyjson.NewObject()
		for i, column := range columns {
			cell, err := value(column, cells[i])
			if err != nil {
				return err
			}
			row.Set(column, cell)
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// value is a column's value as JSON has it. SQLite holds any type in any
// column, whatever the schema says, and Airflow takes what it finds.
func value(column string, cell any) (any, error) {
	switch v := cell.(type) {
	case nil, bool, int64, float64:
		return v, nil
	case []byte:
		return text(column, string(v))
	case string:
		return text(column, v)
	}
	return nil, &store.Error{Code: store.Corrupt, Err: fmt.Errorf("column %q holds a value of an unexpected type", column)}
}

func text(column, s string) (any, error) {
	if !utf8.ValidString(s) {
		return nil, &store.Error{Code: store.Corrupt, Hint: "correct the row in Airflow",
			Err: fmt.Errorf("column %q is not text in UTF-8", column)}
	}
	return s, nil
}
