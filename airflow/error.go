package airflow

import (
	"fmt"
	"io"
)

// Error is a failure that Airflow reports as a Python exception.
type Error struct {
	// Type is the exception's class name: "ValueError".
	Type string
	// Message says what is wrong and what to do about it. It is safe to
	// print: it holds no part of a value.
	Message string
	// original gives Airflow's own text where that differs. It is a function
	// so that nothing which prints structures ever reaches the text.
	original func() string
}

// fail makes an Error of Python's type kind; original is Airflow's own text.
func fail(kind, message, original string) *Error {
	return &Error{Type: kind, Message: message, original: func() string { return original }}
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
