package store

import (
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// Code is why an operation failed. The list is closed: drivers map their
// service's errors onto it in one table, facades map it out in one table.
type Code string

// The codes. Each has a sentinel error of the same name for errors.Is.
const (
	NotFound        Code = "not found"       // no such name, or no readable version
	Denied          Code = "denied"          // known caller, not allowed
	Unauthenticated Code = "unauthenticated" // login failed, token bad or expired
	Invalid         Code = "invalid"         // the request, a setting or a name is wrong
	Throttled       Code = "throttled"       // too many requests
	Unavailable     Code = "unavailable"     // cannot be reached, sealed, broken, timed out
	Unsupported     Code = "unsupported"     // this store cannot do that
	Corrupt         Code = "corrupt"         // an answer that is not what was stored
	Conflict        Code = "conflict"        // a conditional write lost
)

type sentinel Code

func (s sentinel) Error() string { return string(s) }

// Sentinels: errors.Is(err, ErrNotFound) holds for every *Error of that code.
var (
	ErrNotFound        error = sentinel(NotFound)
	ErrDenied          error = sentinel(Denied)
	ErrUnauthenticated error = sentinel(Unauthenticated)
	ErrInvalid         error = sentinel(Invalid)
	ErrThrottled       error = sentinel(Throttled)
	ErrUnavailable     error = sentinel(Unavailable)
	ErrUnsupported     error = sentinel(Unsupported)
	ErrCorrupt         error = sentinel(Corrupt)
	ErrConflict        error = sentinel(Conflict)
)

// Error is the one error type of stores.
type Error struct {
	Op    string // what was being done: "get", "put", "login"
	Store string // which store, as a person knows it: "vault http://127.0.0.1:8200"
	Name  string // the name it was done to; empty if none
	Code  Code
	Hint  string // what to do about it; empty if nothing can be said
	Err   error  // the cause; must hold no value, token or user info

	// ServiceCode is what the service itself calls the failure
	// ("InvalidRequestException", "PermissionDenied"); empty where no service
	// answered, or where it has no names for failures. Rules of Airflow's
	// classes that look at it are in the dialects.
	ServiceCode string

	// Absent says of code NotFound that the service itself proved that the
	// name is not there, or is deleted. The zero value, and any other code,
	// prove nothing: a proxy in front of the service, a mount or a namespace
	// that is gone, and a failed log-in answer 404 too. Only a proven miss is
	// cached, and only a proven miss is "not found" for a served client.
	Absent bool

	// Down says that the service as a whole fails, and not only this call: it
	// cannot be connected to, does not answer in time or is sealed, or the
	// log-in fails or has expired. A driver sets it; Throttled and
	// Unauthenticated mean it without the field (see [IsDown]).
	Down bool
}

// Error says what was being done, to what, where, and why it failed. The hint
// is not part of it: see [Hint].
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Name != "" {
		fmt.Fprintf(&b, " %q", excerpt.Name(e.Name))
	}
	if e.Store != "" {
		fmt.Fprintf(&b, " in %s", e.Store)
	}
	fmt.Fprintf(&b, ": %s", e.Code)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap gives the cause and the code's sentinel.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{sentinel(e.Code)}
	}
	return []error{e.Err, sentinel(e.Code)}
}

// CodeOf returns the code of the first *Error in err's tree, Unavailable for
// any other error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Unavailable
}

// IsDown reports whether the first *Error in err's tree says that the whole
// service fails, so that asking it for another name is of no use now. A denial,
// a missing name or bad content of one name never does.
func IsDown(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Down || e.Code == Throttled || e.Code == Unauthenticated)
}

// Hint returns what the first *Error in err's tree says to do, or "".
func Hint(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// Clip shortens a text of a service so that a message stays readable. Names, and what else
// a person wrote, are shown by package excerpt.
func Clip(name string) string {
	const most = 120
	if len(name) <= most {
		return name
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(name[:most], ""), len(name))
}

// Absent reports whether the first *Error in err's tree is a proven miss: code
// NotFound and [Error.Absent].
func Absent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == NotFound && e.Absent
}

// ServiceCodeOf returns the service's own name of the failure from the first
// *Error in err's tree, or "".
func ServiceCodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.ServiceCode
	}
	return ""
}
