package cleanstore

import (
	"errors"
	"fmt"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/store"
)

func (s *Store) clean(err error) error { return Error(err, s.secrets) }

// Error returns err as it may be shown: what errors.Is and errors.As find in
// it is the same, but neither its text nor that of a *store.Error or an
// *airflow.Error in it holds a secret of the Set. Nil stays nil.
func Error(err error, secrets *redact.Set) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*store.Error); ok {
		return cleaned(e, secrets)
	}
	text := err.Error()
	if clean := secrets.Text(text); clean != text {
		return &wordsError{clean, err, secrets}
	}
	return err
}

// cleaned is a copy of e. What it was done to and where are airlock's own
// words, and what the cause says is the service's.
func cleaned(e *store.Error, secrets *redact.Set) *store.Error {
	c := *e
	c.Store, c.Name, c.Hint = secrets.Mask(e.Store), secrets.Mask(e.Name), secrets.Mask(e.Hint)
	c.ServiceCode = secrets.Name(e.ServiceCode)
	c.Err = Error(e.Err, secrets)
	return &c
}

// wordsError is an error in other words.
type wordsError struct {
	text    string
	err     error
	secrets *redact.Set
}

// Error returns the words that may be shown.
func (e *wordsError) Error() string { return e.text }

// Format implements fmt.Formatter, so that no verb prints the cause.
func (e *wordsError) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, e.text) }

// Unwrap gives the cause, for errors.Is and for what a driver looks for.
func (e *wordsError) Unwrap() error { return e.err }

// As finds the errors whose texts are shown, without their secrets.
func (e *wordsError) As(target any) bool {
	switch target := target.(type) {
	case **store.Error:
		var found *store.Error
		if errors.As(e.err, &found) {
			*target = cleaned(found, e.secrets)
			return true
		}
	case **airflow.Error:
		var found *airflow.Error
		if errors.As(e.err, &found) {
			*target = &airflow.Error{Type: found.Type, Message: e.secrets.Text(found.Message)}
			return true
		}
	}
	return false
}
