package airlock

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// NotFoundError says that every layer was asked, or skipped for a reason, and
// none has the reference. Its store code is NotFound.
type NotFoundError struct {
	Ref     airflow.Ref
	Reading airflow.Reading
	// Advice is what the layers say to do, where one knows more than that
	// nothing is there.
	Advice []string
}

// Error is what Airflow tells its user: "The conn_id `x` isn't defined".
func (e *NotFoundError) Error() string {
	id := excerpt.Name(e.Ref.ID)
	switch {
	case e.Ref.Kind == airflow.KindConnection:
		return fmt.Sprintf("The conn_id `%s` isn't defined", id)
	case e.Ref.Kind == airflow.KindVariable && e.Reading == airflow.ORM:
		return fmt.Sprintf("Variable %s does not exist.", id)
	case e.Ref.Kind == airflow.KindVariable:
		return fmt.Sprintf("VARIABLE_NOT_FOUND: {'message': %s}", pyjson.Repr("Variable "+id+" not found"))
	}
	return fmt.Sprintf("the secrets backend has no config %q", id)
}

// Unwrap gives a store error of code NotFound.
func (e *NotFoundError) Unwrap() error {
	return &store.Error{Op: "look up", Name: e.Ref.ID, Code: store.NotFound,
		Hint: strings.Join(append(slices.Clone(e.Advice),
			fmt.Sprintf("`airlock explain %s NAME` shows every place that was asked", e.Ref.Kind)), "\n")}
}

// LookupError says that no layer answered and at least one failed, or that
// one stopped the look-up. store.CodeOf of it is the code of the first.
type LookupError struct {
	Ref     airflow.Ref
	Reading airflow.Reading
	// Failures has one error for each layer that failed, in order.
	Failures []error
	// Stopped says that the last failure ended the look-up, so that no later
	// layer was asked.
	Stopped bool
	// NotStarted says that nothing was asked at all, because a source could
	// not be built: Airflow does not start with this configuration.
	NotStarted bool
}

// Error lists the failures.
func (e *LookupError) Error() string {
	words := make([]string, len(e.Failures))
	for i, err := range e.Failures {
		words[i] = err.Error()
	}
	return fmt.Sprintf("looking up %s: %s", e.Ref, strings.Join(words, "; "))
}

// Unwrap gives every failure.
func (e *LookupError) Unwrap() []error { return e.Failures }

// AccessDenied is wrapped by the error of a source that refuses with
// authority, as the Execution API does: it stops the look-up, and no default
// applies (AirflowSecretsBackendAccessDenied). An ordinary store.Denied, a
// 403 from Vault for instance, does not.
type AccessDenied struct {
	// Message says who refused what; it holds no value.
	Message string
}

// Error returns the message.
func (e *AccessDenied) Error() string { return e.Message }

// Unwrap gives a store error of code Denied.
func (e *AccessDenied) Unwrap() error { return store.ErrDenied }

// layerError says which layer failed.
type layerError struct {
	layer Layer
	err   error
}

func (e *layerError) Error() string { return fmt.Sprintf("%s: %v", e.layer, e.err) }
func (e *layerError) Unwrap() error { return e.err }

// coded makes sure that err has a store code: what Airflow's own classes
// refuse is Invalid, a refusal with authority Denied, anything else
// Unavailable.
func coded(name string, err error) error {
	var se *store.Error
	if errors.As(err, &se) {
		return err
	}
	var refused *AccessDenied
	var ours *airflow.Error
	code := store.Unavailable
	switch {
	case errors.As(err, &refused):
		code = store.Denied
	case errors.As(err, &ours):
		code = store.Invalid
	}
	return &store.Error{Op: "read", Name: name, Code: code, Err: err}
}

// AirflowError returns what Airflow raises where a Lookup returned err, and
// nil where Airflow raises nothing of its own (a cancelled look-up). The
// message holds no value.
func AirflowError(err error) *airflow.Error {
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return undefined(missing)
	}
	var failed *LookupError
	if !errors.As(err, &failed) {
		return nil
	}
	if !failed.Stopped {
		return undefined(&NotFoundError{Ref: failed.Ref, Reading: failed.Reading})
	}
	var refused *AccessDenied
	if errors.As(err, &refused) {
		return &airflow.Error{Type: "AirflowSecretsBackendAccessDenied", Message: refused.Message}
	}
	last := failed.Failures[len(failed.Failures)-1]
	if failed.Ref.Kind == airflow.KindConfig && !failed.NotStarted {
		return &airflow.Error{Type: "AirflowConfigException", Message: "Cannot retrieve config from alternative secrets backend. " +
			"Make sure it is configured properly and that the Backend is accessible.\n" + last.Error()}
	}
	var ours *airflow.Error
	if errors.As(last, &ours) {
		return ours
	}
	return nil
}

// undefined names the exception of a reference that is not found, its message
// as pyjson.Str() of the exception gives it.
func undefined(e *NotFoundError) *airflow.Error {
	switch {
	case e.Ref.Kind == airflow.KindConnection:
		return &airflow.Error{Type: "AirflowNotFoundException", Message: e.Error()}
	case e.Ref.Kind == airflow.KindVariable && e.Reading == airflow.ORM:
		return &airflow.Error{Type: "KeyError", Message: pyjson.Repr(e.Error())}
	case e.Ref.Kind == airflow.KindVariable:
		return &airflow.Error{Type: "AirflowRuntimeError", Message: e.Error()}
	}
	return nil
}
