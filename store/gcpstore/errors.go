package gcpstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// CallError is a call that failed.
type CallError struct {
	// Code is the status of gRPC, from the service or from the client.
	Code codes.Code
	// HTTP is the status where the answer is not gRPC at all, as a proxy's;
	// else 0.
	HTTP int
	// Message is what the service said.
	Message string

	cause   error // what went wrong on the way; nil where the service answered
	final   bool  // asking again is of no use
	garbage bool  // the answer cannot be one of Secret Manager
}

// Error says the status and what the service said.
func (e *CallError) Error() string {
	said := e.Message
	if e.cause != nil {
		said = e.cause.Error()
	}
	if e.HTTP != 0 {
		return fmt.Sprintf("HTTP status %d: %s", e.HTTP, said)
	}
	return fmt.Sprintf("%s: %s", e.Code, said)
}

// Unwrap gives what went wrong on the way.
func (e *CallError) Unwrap() error { return e.cause }

// timeoutError says that nobody answered in time.
type timeoutError struct {
	limit time.Duration
	what  string
}

func (e *timeoutError) Error() string { return fmt.Sprintf("no answer %s within %v", e.what, e.limit) }

// Unwrap makes it a deadline that has passed.
func (e *timeoutError) Unwrap() error { return context.DeadlineExceeded }

// kind is one row of the table of failures: our code and the name of
// google-api-core's exception.
type kind struct {
	code   store.Code
	python string
}

// byCode is the one table from the statuses of gRPC.
var byCode = map[codes.Code]kind{
	codes.Canceled:           {store.Unavailable, "Cancelled"},
	codes.Unknown:            {store.Unavailable, "Unknown"},
	codes.InvalidArgument:    {store.Invalid, "InvalidArgument"},
	codes.DeadlineExceeded:   {store.Unavailable, "DeadlineExceeded"},
	codes.NotFound:           {store.NotFound, "NotFound"},
	codes.AlreadyExists:      {store.Conflict, "AlreadyExists"},
	codes.PermissionDenied:   {store.Denied, "PermissionDenied"},
	codes.Unauthenticated:    {store.Unauthenticated, "Unauthenticated"},
	codes.ResourceExhausted:  {store.Throttled, "ResourceExhausted"},
	codes.FailedPrecondition: {store.Invalid, "FailedPrecondition"},
	codes.Aborted:            {store.Conflict, "Aborted"},
	codes.OutOfRange:         {store.Invalid, "OutOfRange"},
	codes.Unimplemented:      {store.Unsupported, "MethodNotImplemented"},
	codes.Internal:           {store.Unavailable, "InternalServerError"},
	codes.Unavailable:        {store.Unavailable, "ServiceUnavailable"},
	codes.DataLoss:           {store.Corrupt, "DataLoss"},
}

// byHTTP is the table for answers that are not gRPC; they are never taken for
// the service's own "not found" or "permission denied".
var byHTTP = map[int]kind{
	http.StatusBadRequest:      {store.Invalid, "BadRequest"},
	http.StatusUnauthorized:    {store.Unauthenticated, "Unauthorized"},
	http.StatusForbidden:       {store.Denied, "Forbidden"},
	http.StatusConflict:        {store.Conflict, "Conflict"},
	http.StatusTooManyRequests: {store.Throttled, "TooManyRequests"},
	http.StatusBadGateway:      {store.Unavailable, "BadGateway"},
	http.StatusGatewayTimeout:  {store.Unavailable, "GatewayTimeout"},
}

func (e *CallError) kind() kind {
	if e.HTTP == 0 {
		return byCode[e.Code]
	}
	if k, ok := byHTTP[e.HTTP]; ok {
		return k
	}
	return kind{store.Unavailable, ""}
}

// down reports whether the service cannot be reached or does not answer. It
// says Unavailable itself of nothing less than all of it.
func (e *CallError) down() bool {
	return e.HTTP == 0 && (e.Code == codes.Unavailable || e.Code == codes.DeadlineExceeded)
}

// callError makes a CallError of what gRPC reports.
func (s *Store) callError(ctx context.Context, conn *connection, err error, token string) error {
	st := status.Convert(err)
	e := &CallError{Code: st.Code(), Message: said(st.Message(), token)}
	if e.Code == codes.DeadlineExceeded && ctx.Err() != nil {
		return &timeoutError{s.options.Timeout, "from secretmanager." + s.universe}
	}
	const notGRPC = "unexpected HTTP status code received from server: "
	switch rest, foreign := strings.CutPrefix(st.Message(), notGRPC); {
	case foreign:
		if _, err := fmt.Sscanf(rest, "%d", &e.HTTP); err != nil || e.HTTP < 100 {
			e.HTTP = http.StatusInternalServerError
		}
		e.Message = http.StatusText(e.HTTP)
		e.garbage, e.final = e.HTTP == http.StatusOK || byHTTP[e.HTTP].code == "", e.HTTP < 500
	case strings.HasPrefix(st.Message(), "grpc: received message larger than max"),
		strings.HasPrefix(st.Message(), "grpc: failed to unmarshal"), strings.HasPrefix(st.Message(), "grpc: error unmarshalling"),
		strings.HasPrefix(st.Message(), "grpc: received message after decompression larger"):
		e.garbage, e.final = true, true
	}
	if last := conn.handshake.Load(); last != nil && e.Code == codes.Unavailable {
		e.cause = *last
		var certificate *tls.CertificateVerificationError
		var record tls.RecordHeaderError
		e.final = errors.As(e.cause, &certificate) || errors.As(e.cause, &record) || route.NoSuchHost(e.cause)
	}
	return e
}

// said is a message of the service's as errors show it, of any length.
func said(message, token string) string {
	if token != "" {
		message = strings.ReplaceAll(message, token, "[redacted]")
	}
	return strings.ToValidUTF8(message, "")
}

// python is an exception of Airflow or of its libraries.
func python(kind, message string) *airflow.Error { return &airflow.Error{Type: kind, Message: message} }

// errNoProject is what the class raises where nobody names a project.
var errNoProject = python("ValueError", "Project ID could not be determined. Please provide 'project_id' in backend configuration or "+
	"ensure your credentials include a default project.")

// configError is an error of construction. What is withheld stays as it is.
func configError(err error) error {
	if withheld(err) {
		return err
	}
	return &store.Error{Op: "configure", Store: "gcp", Code: store.Invalid, Err: err, Hint: configHint(err)}
}

// fail gives an error its code and its hint. An error that is a *store.Error
// already keeps both.
func (s *Store) fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	out := &store.Error{Op: op, Store: s.Name(), Name: name, Code: store.Unavailable, Err: err}
	var (
		coded   *store.Error
		called  *CallError
		refused *tokenError
		raised  *airflow.Error
	)
	switch {
	case errors.As(err, &coded):
		out.Code, out.Hint, out.Err, out.ServiceCode = coded.Code, coded.Hint, coded.Err, coded.ServiceCode
		out.Absent, out.Down = coded.Absent, coded.Down
	case errors.As(err, &called) && called.garbage:
		out.Code, out.Hint = store.Corrupt, "is it Secret Manager that answers at secretmanager."+s.universe+"?"
	case errors.As(err, &called):
		k := called.kind()
		out.Code, out.ServiceCode, out.Hint, out.Down = k.code, k.python, s.hint(called), called.down()
		out.Absent = k.code == store.NotFound // only gRPC's: see byHTTP
	case errors.As(err, &refused):
		out.Code, out.Hint, out.Down = refused.code(), refused.hint(), true
	case errors.As(err, &raised):
		out.Code, out.Hint = store.Invalid, configHint(err)
	case errors.Is(err, context.DeadlineExceeded):
		out.Down = true
		out.Hint = "is the service up, and can it be reached from here? see GOOGLE_CLOUD_UNIVERSE_DOMAIN and the proxy settings"
	}
	return out
}

// hint says what to do about a failed call.
func (s *Store) hint(e *CallError) string {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(e.cause, &certificate):
		return "the service's certificate is not trusted: name a file with its authority in GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
	case e.HTTP != 0:
		return "something between here and Google answers: see the proxy settings"
	}
	switch e.Code {
	case codes.PermissionDenied:
		return "give the account the role roles/secretmanager.secretAccessor on the secret, and see that the API is enabled"
	case codes.InvalidArgument:
		return "a secret's name has letters of ASCII, digits, '-' and '_' only, 255 at most"
	case codes.Unauthenticated:
		return "the credentials are wrong, revoked or expired, or the clock is off: check gcp_keyfile_dict, gcp_key_path and the time"
	case codes.FailedPrecondition:
		return "its latest version is disabled or destroyed: enable it, or add a version"
	case codes.ResourceExhausted:
		return "the project's quota is used up: ask less often, or raise the quota"
	case codes.Unavailable:
		return "is the service up, and can it be reached from here? see GOOGLE_CLOUD_UNIVERSE_DOMAIN and the proxy settings"
	}
	return ""
}
