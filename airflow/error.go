package airflow

import (
	"fmt"
	"io"

	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// Error is a failure that Airflow reports as a Python exception.
type Error struct {
	// Type is the exception's class name: "ValueError".
	Type string
	// Message says what is wrong and what to do about it. It is safe to
	// print: it holds no part of a value.
	Message string
	// Kwarg is the argument that a class does not take, as it is written, for
	// its place; "" for any other failure. It may be a value in the wrong place,
	// and is not printed.
	Kwarg string
	// original gives Airflow's own text where that differs. It is a function
	// so that nothing which prints structures ever reaches the text.
	original func() string
}

// fail makes an Error of Python's type kind; original is Airflow's own text.
func fail(kind, message, original string) *Error {
	return &Error{Type: kind, Message: message, original: func() string { return original }}
}

// Quoting makes an Error whose text in Airflow quotes what a person wrote: format
// has one %s, for shown in the message and for written in the original.
func Quoting(kind, format, shown, written string) *Error {
	return fail(kind, fmt.Sprintf(format, shown), fmt.Sprintf(format, written))
}

// UnknownKwarg is how Python refuses an argument that init does not take. The
// message shows it only where it is nearly one of known.
func UnknownKwarg(init, kwarg string, known []string) *Error {
	text := func(shown string) string { return init + "() got an unexpected keyword argument '" + shown + "'" }
	return &Error{Type: "TypeError", Kwarg: kwarg, Message: text(excerpt.Near(kwarg, known)), original: func() string { return text(kwarg) }}
}

// Error returns the safe message.
func (e *Error) Error() string { return e.Message }

// Format implements fmt.Formatter: every verb prints the safe message.
func (e *Error) Format(f fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = fmt.Fprintf(f, "%q", e.Message)
		return
	}
	_, _ = io.WriteString(f, e.Message)
}

// Original returns the text that Airflow itself would show, which may hold
// the secret. Only the tests that compare with Airflow ask for it.
func (e *Error) Original() string {
	if e.original == nil {
		return e.Message
	}
	return e.original()
}
