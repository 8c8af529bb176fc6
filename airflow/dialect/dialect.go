// Package dialect holds the naming and decoding rules of Airflow's secrets
// backends, one file for each backend class. A dialect is pure: it turns a
// reference into the names to ask a store for, a secret into Airflow's value,
// and both back again.
package dialect

import (
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/store"
)

// Dialect is the pure half of one secrets backend class.
type Dialect interface {
	// Names says which names to ask the store for.
	Names(ref airflow.Ref) Lookup

	// Refs returns every reference that name may stand for: the inverse of
	// Names, used by facades. Nil means that name belongs to no kind (a
	// plain secret).
	Refs(name string) []airflow.Ref

	// Decode turns the secret found under name into Airflow's value.
	// A *NoValueError means that the class answers None for it.
	Decode(ref airflow.Ref, s *store.Secret) (Value, error)

	// Encode turns a value into what the class would decode to it. It fails
	// with a store.Error of code Invalid for a value it cannot express.
	Encode(ref airflow.Ref, v Value) (*store.Secret, error)
}

// Lookup is what a dialect wants asked for one reference.
type Lookup struct {
	// Names are tried in order until the store has one.
	Names []string
	// Skip says why nothing is asked at all; empty when Names holds
	// something. Airflow answers None then.
	Skip string
	// Warn is set when Airflow logs a warning for the skip (an id refused in
	// multi-team mode, a name the service cannot hold).
	Warn bool
	// Err is set where the class fails before it asks anything, with a lookup
	// pattern that is no regular expression for instance. Names is empty then.
	Err error
}

// Value is what a secret means to Airflow.
type Value struct {
	// Data is a variable's or option's value or a serialized connection: a
	// string, or (Vault variables only) any JSON value as package pyjson
	// decodes it. JSON null is nil, which Airflow treats as not found.
	Data any
	// Connection is set instead of Data where a source holds a connection
	// as separate fields (a database row, an object of a local file).
	Connection *airflow.Connection
	// Warning is what Airflow warns of in its log while it hands the value
	// out, in words and without any part of the value; empty if nothing.
	Warning string
}

// Text returns the value of a variable as a string: Data itself when it is
// one, else the JSON text that Python's json.dumps makes of it.
func (v Value) Text() string { return text(v.Data) }

// NoValueError reports that the backend class answers None although there is
// a secret, or although the service failed.
type NoValueError struct {
	// Reason in words, without any part of the value.
	Reason string
	// Stop is set when no further name of the Lookup is to be tried.
	Stop bool
	// Warn is set when Airflow logs it at warning level or above.
	Warn bool
	// Severe is set beside Warn when Airflow logs it at error level.
	Severe bool
}

// Error returns the reason.
func (e *NoValueError) Error() string { return e.Reason }

// Forgiver is a Dialect whose class answers None for some failures of its
// service besides "not found".
type Forgiver interface {
	// Forgive returns what there is to say where the class passes err over,
	// nil where err is a failure.
	Forgive(err error) *NoValueError
}

// Missed says whether err, of a store's Get, counts as "not found" for the
// class of d: nil means that it is a failure. The reason is empty for what is
// simply not there.
func Missed(d Dialect, err error) *NoValueError {
	if store.CodeOf(err) == store.NotFound {
		return &NoValueError{}
	}
	if f, ok := d.(Forgiver); ok {
		return f.Forgive(err)
	}
	return nil
}
