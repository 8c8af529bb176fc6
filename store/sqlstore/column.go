package sqlstore

import (
	"database/sql"
	"errors"

	"github.com/airlock-secrets/airlock/store"
)

// column is where a column of a row goes. A value that is none of its kind is
// damage (Corrupt), and no part of it is quoted.
type column[T any] struct {
	to       *T
	nullable bool
}

// into reads a column that is not null.
func into[T any](to *T) column[T] { return column[T]{to: to} }

// maybe reads a column that may be null, which leaves to as it is.
func maybe[T any](to *T) column[T] { return column[T]{to, true} }

// Scan implements sql.Scanner.
func (c column[T]) Scan(v any) error {
	if v == nil && c.nullable {
		return nil
	}
	var n sql.Null[T]
	if err := n.Scan(v); err != nil || !n.Valid {
		return corrupt("a row of the database is damaged")
	}
	*c.to = n.V
	return nil
}

// isDamage reports whether err is that of a column.
func isDamage(err error) bool {
	var known *cause
	return errors.As(err, &known) && known.code == store.Corrupt
}
