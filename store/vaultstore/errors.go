package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// ResponseError is an answer of status 400 or above.
type ResponseError struct {
	Status int
	Method string // in lower case, as hvac writes it
	URL    string // without user info, as asked for
	// Errors are the server's; nil where the body had none.
	Errors []string
	// Warnings are the server's; it uses them to say why a path is wrong.
	Warnings []string
	// Text is the body where it is not Vault's JSON, at most 64 KiB of it.
	Text string

	deleted *vault.KVVersion // what the answer says of a deleted or destroyed version
	login   bool             // it answers a log-in
}

// maxSaid bounds what an error says, far beyond what is shown of it.
const maxSaid = 16 << 10

// Error says the status and what the server said.
func (e *ResponseError) Error() string {
	if v := e.deleted; v != nil {
		gone := "deleted"
		if v.Destroyed {
			gone = "destroyed"
		}
		return fmt.Sprintf("status %d: %s in version %d", e.Status, gone, v.Version)
	}
	said := strings.Join(append(slices.Clone(e.Errors), e.Warnings...), ", ")
	if said == "" {
		said = strings.TrimSpace(e.Text)
	}
	if len(said) > maxSaid {
		said = strings.ToValidUTF8(said[:maxSaid], "")
	}
	if said == "" {
		said = http.StatusText(e.Status)
	}
	return fmt.Sprintf("status %d: %s", e.Status, said)
}

func (e *ResponseError) says(text string) bool {
	return strings.Contains(strings.ToLower(strings.Join(append(slices.Clone(e.Errors), e.Warnings...), "\n")), strings.ToLower(text))
}

// unprintable reports whether the path holds a character for which the server
// refuses any request, with status 400 and no word.
func (e *ResponseError) unprintable() bool {
	path, err := url.PathUnescape(e.URL)
	return err == nil && e.Status == http.StatusBadRequest &&
		strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Reasons why an answer of status 200 is no secret, besides a shapeError.
// Airflow dies of a Python error there: a TypeError of errNotJSON, a KeyError
// of errNoData and errNoAuth.
var (
	errNotJSON = errors.New("the answer is not the JSON of a Vault server")
	errNoData  = errors.New(`the answer has no "data"`)
	errNoAuth  = errors.New(`the answer to the log-in has no "auth"`)
	errTooLong = fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
)

// shapeError is an answer, or a part of one, that is JSON but no object, with
// the name of its Python type: Airflow dies of a TypeError that names it.
type shapeError struct{ python string }

func (e *shapeError) Error() string {
	return "the answer is not of a Vault server: a JSON object is missing in it"
}

// errNoToken is hvac's and Airflow's case of a log-in that gave no token.
var errNoToken = errors.New("the log-in gave no token")

// codes is the one table from Vault's statuses to ours.
// https://openbao.org/api-docs/#http-status-codes
var codes = map[int]store.Code{
	http.StatusBadRequest:         store.Invalid,
	http.StatusUnauthorized:       store.Unauthenticated,
	http.StatusForbidden:          store.Denied,
	http.StatusNotFound:           store.NotFound,
	http.StatusMethodNotAllowed:   store.Unsupported,
	http.StatusPreconditionFailed: store.Unavailable, // the node has not yet seen what it should have
	http.StatusTooManyRequests:    store.Throttled,
}

func (e *ResponseError) code() store.Code {
	if e.login && e.Status == http.StatusNotFound {
		return store.NotFound // so it is to VaultBackend, which goes on to the next backend
	}
	if e.login && e.Status != http.StatusTooManyRequests && e.Status < 500 {
		return store.Unauthenticated
	}
	if e.Status == http.StatusBadRequest && e.says(vault.CASMismatch) {
		return store.Conflict
	}
	if code, ok := codes[e.Status]; ok {
		return code
	}
	if e.Status >= 500 {
		return store.Unavailable
	}
	return store.Invalid
}

// absent reports whether the server itself says that there is no such secret:
// in its JSON, with an empty list of errors and no warning, or with the time at
// which the version was deleted or destroyed. An ingress answers 404 with a page
// of its own, and the server answers 404 with an error or a warning where the
// mount or the namespace is not there, or the path is not of this engine.
func (e *ResponseError) absent() bool {
	if e.login || e.Status != http.StatusNotFound {
		return false
	}
	if v := e.deleted; v != nil {
		return v.Destroyed || !timeOf(v.DeletionTime).IsZero()
	}
	return e.Errors != nil && len(e.Errors)+len(e.Warnings) == 0
}

// badToken is the whole of what the server says of a token that it does not
// know, or that has expired. What no policy allows is denied in other words,
// "1 error occurred:" before them. Vault names the token since 1.16.
const badToken = "permission denied"

// down reports whether the answer is about the server or the caller's log-in,
// and not about the path that was asked for.
func (e *ResponseError) down() bool {
	switch e.Status {
	case http.StatusForbidden:
		return e.login || slices.Equal(e.Errors, []string{badToken}) || e.says("invalid token")
	case http.StatusServiceUnavailable:
		return e.login || e.says("sealed")
	case http.StatusTooManyRequests, http.StatusUnauthorized:
		return true
	}
	return e.login
}

// fail gives an error its code and its hint. An error that is a *store.Error
// already keeps both.
func (s *Store) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	out := &store.Error{Op: op, Store: s.name, Name: name, Code: store.Unavailable, Err: err}
	var (
		coded    *store.Error
		response *ResponseError
		sent     *url.Error
		shape    *shapeError
	)
	switch {
	case errors.As(err, &coded):
		out.Code, out.Hint, out.Err, out.Absent, out.Down = coded.Code, coded.Hint, coded.Err, coded.Absent, coded.Down
	case errors.As(err, &response):
		out.Code, out.Hint, out.Absent, out.Down = response.code(), s.hint(response), response.absent(), response.down()
	case errors.Is(err, errNoToken):
		out.Code, out.Hint = store.Unauthenticated, s.tokenHint()
	case errors.Is(err, errNotJSON), errors.Is(err, errNoData), errors.Is(err, errNoAuth), errors.As(err, &shape):
		out.Code, out.Hint = store.Corrupt, "is it a Vault server that answers at "+strings.TrimPrefix(s.name, "vault ")+"?"
	case errors.Is(err, errTooLong):
		out.Code, out.Hint = store.Corrupt, "no secret is that long: is it a Vault server that answers?"
	case errors.As(err, &sent): // its own text would repeat the URL, user info included
		out.Err, out.Hint, out.Down = sent.Err, s.reachHint(sent.Err), !errors.Is(err, context.Canceled)
	default:
		out.Hint, out.Down = s.reachHint(err), !errors.Is(err, context.Canceled)
	}
	return out
}
