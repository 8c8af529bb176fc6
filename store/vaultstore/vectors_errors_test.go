package vaultstore

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/awsconn"
)

// pythonError is how the vectors write an exception down.
type pythonError struct {
	Type    string   `json:"type"`
	Module  string   `json:"module"`
	Message string   `json:"message"`
	MRO     []string `json:"mro"`
	Cause   *string  `json:"cause"`
}

// hvacTypes are the exceptions of hvac for a status; others are an
// UnexpectedError.
var hvacTypes = map[int]string{
	http.StatusBadRequest: "InvalidRequest", http.StatusUnauthorized: "Unauthorized", http.StatusForbidden: "Forbidden",
	http.StatusNotFound: "InvalidPath", http.StatusTooManyRequests: "RateLimitExceeded",
	http.StatusInternalServerError: "InternalServerError", http.StatusNotImplemented: "VaultNotInitialized",
	http.StatusBadGateway: "BadGateway", http.StatusServiceUnavailable: "VaultDown",
}

// errnos are the numbers and words that Python puts before a path.
var errnos = map[error]string{fs.ErrNotExist: "FileNotFoundError: [Errno 2] No such file or directory",
	fs.ErrPermission: "PermissionError: [Errno 13] Permission denied", syscall.EISDIR: "IsADirectoryError: [Errno 21] Is a directory"}

// foreignTypes are exceptions of other packages with their module and bases.
var foreignTypes = map[string][]string{
	"NoRegionError":           {"botocore.exceptions", "BaseEndpointResolverError", "BotoCoreError"},
	"PartialCredentialsError": {"botocore.exceptions", "BotoCoreError"},
	"ProfileNotFound":         {"botocore.exceptions", "BotoCoreError"},
	"NoCredentialsError":      {"botocore.exceptions", "BotoCoreError"},
	"AirflowException":        {"airflow.sdk.exceptions"},
	"DefaultCredentialsError": {"google.auth.exceptions", "GoogleAuthError"},
	"MalformedError":          {"google.auth.exceptions", "DefaultCredentialsError", "GoogleAuthError", "ValueError"},
	"KeyError":                {"builtins", "LookupError"},
	"FileNotFoundError":       {"builtins", "OSError"},
}

// inPython is the one table from an error of this store to the exception that
// ends the same look-up of a kind in Airflow.
func inPython(kind airflow.Kind, err error) pythonError {
	var (
		response *ResponseError
		python   *airflow.Error
		path     *os.PathError
		answer   *shapeError
		data     *dialect.ShapeError
		refusal  *awsconn.Refusal
	)
	builtin := func(class, message string, bases ...string) pythonError {
		return pythonError{Type: class, Module: "builtins", Message: message, MRO: append([]string{class}, bases...)}
	}
	switch {
	case errors.As(err, &refusal):
		return pythonError{Type: "ClientError", Module: "botocore.exceptions", Message: refusal.Error(), MRO: []string{"ClientError"}}
	case errors.As(err, &python) && python.Type == "VaultError":
		return pythonError{Type: "VaultError", Module: "hvac.exceptions", Message: python.Message, MRO: []string{"VaultError"}}
	case errors.As(err, &python) && foreignTypes[python.Type] != nil:
		foreign := foreignTypes[python.Type]
		return pythonError{Type: python.Type, Module: foreign[0], Message: python.Original(), MRO: append([]string{python.Type}, foreign[1:]...)}
	case errors.As(err, &python):
		return builtin(python.Type, python.Original())
	case errors.Is(err, errNoToken):
		return pythonError{Type: "VaultError", Module: "hvac.exceptions", Message: "Vault Authentication Error!, on None None", MRO: []string{"VaultError"}}
	case errors.As(err, &response) && response.Status == http.StatusForbidden:
		cause := "Forbidden"
		return pythonError{Type: "VaultError", Module: "hvac.exceptions", Message: "Vault Authentication Error!, on None None", MRO: []string{"VaultError"}, Cause: &cause}
	case errors.As(err, &response):
		return hvacError(response)
	case errors.Is(err, errNotJSON):
		return builtin("TypeError", "'Response' object is not subscriptable")
	case errors.As(err, &answer):
		return builtin("TypeError", subscript(answer.python))
	case errors.As(err, &data) && kind == airflow.KindConnection:
		return builtin("AttributeError", fmt.Sprintf("'%s' object has no attribute 'get'", data.Type))
	case errors.As(err, &data):
		return builtin("TypeError", subscript(data.Type))
	case errors.Is(err, errNoData):
		return builtin("KeyError", "'data'", "LookupError")
	case errors.Is(err, errNoAuth):
		return builtin("KeyError", "'auth'", "LookupError")
	case errors.As(err, &path):
		for number, text := range errnos {
			if errors.Is(path.Err, number) {
				kind, message, _ := strings.Cut(text, ": ")
				return builtin(kind, fmt.Sprintf("%s: '%s'", message, path.Path), "OSError")
			}
		}
	}
	return pythonError{Type: "unmapped", Message: err.Error()}
}

// subscript is Python's complaint of x["data"] and x["value"].
func subscript(python string) string {
	switch python {
	case "list":
		return "list indices must be integers or slices, not str"
	case "str":
		return "string indices must be integers, not 'str'"
	}
	return fmt.Sprintf("'%s' object is not subscriptable", python)
}

func hvacError(e *ResponseError) pythonError {
	kind, ok := hvacTypes[e.Status]
	if !ok {
		kind = "UnexpectedError"
	}
	message := strings.Join(e.Errors, ", ")
	switch {
	case e.Errors == nil:
		message = e.Text
	case len(e.Errors) == 0:
		message = "None"
	}
	return pythonError{Type: kind, Module: "hvac.exceptions", Message: fmt.Sprintf("%s, on %s %s", message, e.Method, e.URL), MRO: []string{kind, "VaultError"}}
}

// wantPython compares an error with the exception of a case.
func wantPython(t *testing.T, what string, kind airflow.Kind, err error, want *pythonError) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error, want %s: %s", what, want.Type, want.Message)
		return
	}
	got := inPython(kind, err)
	if got.Type != want.Type || got.Module != want.Module || got.Message != want.Message {
		t.Errorf("%s is %s.%s: %s (of %v), want %s.%s: %s", what, got.Module, got.Type, got.Message, err, want.Module, want.Type, want.Message)
	}
	if want.MRO != nil && fmt.Sprint(got.MRO) != fmt.Sprint(want.MRO) {
		t.Errorf("%s has the bases %v, want %v", what, got.MRO, want.MRO)
	}
	if want.MRO != nil && (got.Cause == nil) != (want.Cause == nil) || want.Cause != nil && got.Cause != nil && *got.Cause != *want.Cause {
		t.Errorf("%s has the cause %v, want %v", what, got.Cause, want.Cause)
	}
}
