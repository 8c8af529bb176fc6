package gcpstore

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

// googleError is a class of google.api_core.exceptions.
type googleError struct {
	http  int
	bases []string
	// grpc is the status that becomes the class; OK for a class that only an
	// answer which is not gRPC becomes.
	grpc codes.Code
}

var (
	clientError = []string{"ClientError", "GoogleAPICallError", "GoogleAPIError"}
	serverError = []string{"ServerError", "GoogleAPICallError", "GoogleAPIError"}
)

func below(class string, bases []string) []string { return append([]string{class}, bases...) }

// googleErrors are those classes by name.
var googleErrors = map[string]googleError{
	"BadRequest":           {400, clientError, codes.OK},
	"InvalidArgument":      {400, below("BadRequest", clientError), codes.InvalidArgument},
	"FailedPrecondition":   {400, below("BadRequest", clientError), codes.FailedPrecondition},
	"OutOfRange":           {400, below("BadRequest", clientError), codes.OutOfRange},
	"Unauthorized":         {401, clientError, codes.OK},
	"Unauthenticated":      {401, below("Unauthorized", clientError), codes.Unauthenticated},
	"Forbidden":            {403, clientError, codes.OK},
	"PermissionDenied":     {403, below("Forbidden", clientError), codes.PermissionDenied},
	"NotFound":             {404, clientError, codes.NotFound},
	"Conflict":             {409, clientError, codes.OK},
	"AlreadyExists":        {409, below("Conflict", clientError), codes.AlreadyExists},
	"Aborted":              {409, below("Conflict", clientError), codes.Aborted},
	"TooManyRequests":      {429, clientError, codes.OK},
	"ResourceExhausted":    {429, below("TooManyRequests", clientError), codes.ResourceExhausted},
	"Cancelled":            {499, clientError, codes.Canceled},
	"InternalServerError":  {500, serverError, codes.Internal},
	"Unknown":              {500, serverError, codes.Unknown},
	"DataLoss":             {500, serverError, codes.DataLoss},
	"MethodNotImplemented": {501, serverError, codes.Unimplemented},
	"BadGateway":           {502, serverError, codes.OK},
	"ServiceUnavailable":   {503, serverError, codes.Unavailable},
	"GatewayTimeout":       {504, serverError, codes.OK},
	"DeadlineExceeded":     {504, below("GatewayTimeout", serverError), codes.DeadlineExceeded},
}

// modules are those of exceptions that are not built in.
var modules = map[string]string{
	"AirflowException": "airflow.sdk.exceptions", "JSONDecodeError": "json.decoder", "DefaultCredentialsError": "google.auth.exceptions",
}

// fake is the message of every exception that the cases raise, and payload
// what the store answered, of which an error holds nothing.
const fake = "fake"

// inPython is the one table from an error of this store to the exception that
// ends the same look-up in Airflow.
func inPython(payload []byte) func(error) vectors.PythonError {
	return func(err error) vectors.PythonError {
		var (
			called  *CallError
			text    *dialect.UnicodeDecodeError
			raised  *airflow.Error
			limited *timeoutError
		)
		switch {
		case errors.As(err, &called):
			class := called.kind().python
			e := googleErrors[class]
			return vectors.PythonError{Type: class, Module: "google.api_core.exceptions", Message: fmt.Sprint(e.http, " ", fake), MRO: below(class, e.bases)}
		case errors.As(err, &limited):
			return vectors.PythonError{Type: "DeadlineExceeded", Module: "google.api_core.exceptions"}
		case errors.As(err, &text):
			return vectors.PythonError{Type: "UnicodeDecodeError", Module: "builtins", Message: decodeMessage(payload, text),
				MRO: []string{"UnicodeDecodeError", "UnicodeError", "ValueError"}}
		case errors.As(err, &raised):
			module := "builtins"
			if m, ok := modules[raised.Type]; ok {
				module = m
			}
			return vectors.PythonError{Type: raised.Type, Module: module, Message: raised.Original(), MRO: []string{raised.Type}}
		}
		return vectors.PythonError{Type: "unmapped", Message: err.Error()}
	}
}

// decodeMessage is the text of Python's exception, which shows a byte.
func decodeMessage(payload []byte, e *dialect.UnicodeDecodeError) string {
	if e.End == e.Start+1 {
		return fmt.Sprintf("'utf-8' codec can't decode byte 0x%02x in position %d: %s", payload[e.Start], e.Start, e.Reason)
	}
	return fmt.Sprintf("'utf-8' codec can't decode bytes in position %d-%d: %s", e.Start, e.End-1, e.Reason)
}

// isHTTP reports whether a class is one that gRPC never becomes.
func isHTTP(class string) bool {
	e := googleErrors[class]
	return e.grpc == codes.OK && slices.Contains(e.bases, "GoogleAPIError")
}
