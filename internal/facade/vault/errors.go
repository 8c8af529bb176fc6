package vault

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/gate"
	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// statusError is an answer that this package gives itself, in Vault's words.
// Without a message the list of errors is empty.
type statusError struct {
	status  int
	message string
}

// Error is what the caller reads.
func (e *statusError) Error() string { return e.message }

// Unwrap gives the audit line its code.
func (e *statusError) Unwrap() error {
	switch e.status {
	case http.StatusNotFound:
		return &store.Error{Op: "serve", Code: store.NotFound}
	case http.StatusForbidden:
		return &store.Error{Op: "serve", Code: store.Denied}
	case http.StatusTooManyRequests:
		return &store.Error{Op: "serve", Code: store.Throttled}
	}
	return &store.Error{Op: "serve", Code: store.Invalid}
}

// bareError is an answer without a body.
type bareError struct {
	status   int
	location string // where a redirect leads
}

// Error says which.
func (e *bareError) Error() string { return http.StatusText(e.status) }

// Unwrap gives the audit line its code.
func (*bareError) Unwrap() error { return &store.Error{Op: "serve", Code: store.Invalid} }

// unsupported is how Vault refuses an operation that a path does not have.
func unsupported() error {
	return &statusError{http.StatusMethodNotAllowed, listed("unsupported operation")}
}

// listed is the form in which Vault's core reports an error of an engine.
func listed(message string) string { return "1 error occurred:\n\t* " + message + "\n\n" }

// statusOf is the one table from a store's code to Vault's status.
//
// https://openbao.org/api-docs/#http-status-codes
func statusOf(err error) int {
	var upstream *gate.UpstreamError
	if errors.As(err, &upstream) && !upstream.Own {
		return upstreamStatus(err)
	}
	switch store.CodeOf(err) {
	case store.NotFound:
		return http.StatusNotFound
	case store.Denied, store.Unauthenticated:
		return http.StatusForbidden
	case store.Invalid, store.Conflict:
		return http.StatusBadRequest
	case store.Throttled:
		return http.StatusTooManyRequests
	case store.Unsupported:
		return http.StatusMethodNotAllowed
	case store.Corrupt:
		return http.StatusInternalServerError
	}
	return http.StatusServiceUnavailable
}

// upstreamStatus is the status of a failure of a store behind. Every one that
// asking again at once would not mend is 504: hvac repeats 412, 500, 502 and
// 503 three times, and takes 403 for a word about its own token, which is good
// where it is airlock's log-in that the store refuses.
func upstreamStatus(err error) int {
	switch code := store.CodeOf(err); {
	case code == store.Throttled:
		return http.StatusTooManyRequests
	case store.IsDown(err):
		return http.StatusGatewayTimeout
	case code == store.Denied:
		return http.StatusForbidden
	case code == store.Invalid, code == store.Conflict:
		return http.StatusBadRequest
	case code == store.Unsupported:
		return http.StatusMethodNotAllowed
	}
	return http.StatusGatewayTimeout
}

// upstreamWords is what a caller is told of a store behind that failed: not
// where it is nor as whom airlock asks it, which is for the daemon's log.
var upstreamWords = map[store.Code]string{
	store.Denied:          "refused",
	store.Unauthenticated: "refused the log-in",
	store.Invalid:         "refused the request",
	store.Throttled:       "limits how often it may be asked",
	store.Unsupported:     "cannot do that",
	store.Corrupt:         "holds something that cannot be read",
}

// messageOf is what the caller is told: no path, no address and no query of
// what is behind, which are for the daemon's log.
func messageOf(status int, err error) string {
	var own *statusError
	var upstream *gate.UpstreamError
	switch {
	case errors.As(err, &own):
		return own.message
	case status == http.StatusNotFound:
		return ""
	case status == http.StatusForbidden && store.CodeOf(err) == store.Unauthenticated:
		return "permission denied"
	case status == http.StatusForbidden && !errors.As(err, &upstream):
		return listed("permission denied")
	case upstream != nil || errors.As(err, &upstream):
		words, ok := upstreamWords[store.CodeOf(err)]
		if !ok {
			words = "cannot be reached"
		}
		return listed(strings.Join(strings.Fields("the secrets backend "+upstream.Source+" "+words), " "))
	}
	return listed(ownMessage(status, err))
}

// ownMessage is what a caller is told of our own store and log. What they say
// themselves has the path of the data folder, which is nobody's business.
func ownMessage(status int, err error) string {
	var e *store.Error
	switch {
	case audit.Made(err):
		return "the change was made, but airlock's audit log cannot be written"
	case audit.Unwritten(err):
		return "airlock's audit log cannot be written, so nothing is answered"
	case status >= http.StatusInternalServerError && store.CodeOf(err) == store.Corrupt:
		return "airlock's own store holds something that cannot be read"
	case status >= http.StatusInternalServerError, !errors.As(err, &e):
		return "airlock's own store cannot be used"
	}
	// The request is wrong: the caller is told why.
	why := *e
	why.Store = ""
	if inner := (*store.Error)(nil); errors.As(e.Err, &inner) {
		why.Err = nil
	}
	message := why.Error()
	if why.Hint != "" {
		message += ": " + why.Hint
	}
	const most = 2 << 10
	if len(message) > most {
		message = strings.ToValidUTF8(message[:most], "") + "..."
	}
	return message
}

// tell logs what the caller is not told, under the request that the caller
// knows.
func (h *Handler) tell(q *request, err error) {
	var upstream *gate.UpstreamError
	var own *statusError
	what := ""
	switch {
	case errors.As(err, &own):
	case errors.As(err, &upstream):
		what = "a secrets backend failed"
	case statusOf(err) >= http.StatusInternalServerError:
		what = "airlock's own store or its audit log failed"
	}
	if what != "" {
		h.log.WarnContext(q.r.Context(), what, "request", q.id, "error", err.Error(), "hint", store.Hint(err))
	}
}

// fail answers with err.
func (q *request) fail(err error) {
	var bare *bareError
	if errors.As(err, &bare) {
		if bare.location != "" {
			q.w.Header().Set("Location", bare.location)
		}
		q.w.WriteHeader(bare.status)
		return
	}
	var own *statusError
	status := 0
	if errors.As(err, &own) {
		status = own.status
	} else {
		status = statusOf(err)
	}
	answer := wire.ErrorResponse{Errors: []string{}}
	if m := messageOf(status, err); m != "" {
		if status >= http.StatusInternalServerError {
			m = strings.TrimRight(m, "\n") + ": the log of airlock serve says more under the request " + q.id + "\n\n"
		}
		answer.Errors = append(answer.Errors, m)
	}
	b, _ := json.Marshal(answer) // strings only: cannot fail
	q.write(status, append(b, '\n'))
}
