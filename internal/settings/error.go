package settings

import (
	"fmt"

	"github.com/airlock-secrets/airlock/store"
)

// Error is a failure that Airflow reports as a Python exception while it
// reads its configuration. It is the cause inside the *store.Error that the
// functions of this package return.
type Error struct {
	// Type is the exception's class name: "AirflowConfigException".
	Type string
	// Message is safe to print: it holds no part of a value.
	Message string
	// Err is the cause, nil where there is none. Message includes its text.
	Err error
	// original is Airflow's own text where that quotes a value.
	original string
}

// Error returns the safe message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Original returns the text that Airflow itself would show, which may hold a
// secret. Only the tests that compare with Airflow ask for it.
func (e *Error) Original() string {
	if e.original != "" {
		return e.original
	}
	return e.Message
}

// Class names of the exceptions that come from Airflow and from Python's
// configparser.
const (
	configException      = "AirflowConfigException"
	duplicateOption      = "DuplicateOptionError"
	duplicateSection     = "DuplicateSectionError"
	missingSection       = "MissingSectionHeaderError"
	parsingError         = "ParsingError"
	interpolationSyntax  = "InterpolationSyntaxError"
	interpolationMissing = "InterpolationMissingOptionError"
	interpolationDepth   = "InterpolationDepthError"
	unicodeDecode        = "UnicodeDecodeError"
	recursionError       = "RecursionError"
	valueError           = "ValueError"
	fileNotFound         = "FileNotFoundError"
)

// fileError reports that a file cannot be read as what it is. line 0 leaves
// the line out.
func fileError(path string, line int, hint string, err error) error {
	name := path
	if line > 0 {
		name = fmt.Sprintf("%s:%d", path, line)
	}
	return &store.Error{Op: "read settings", Name: name, Code: store.Invalid, Hint: hint, Err: err}
}

// optionError reports that the option called name has no usable value.
func optionError(name string, at Origin, code store.Code, hint string, err error) error {
	return &store.Error{Op: "read option", Name: name, Store: at.String(), Code: code, Hint: hint, Err: err}
}
