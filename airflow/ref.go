package airflow

import (
	"fmt"

	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// Kind is what sort of thing Airflow asks a secrets backend for. The values
// are the nouns of the airflow command line.
type Kind string

// The three kinds of BaseSecretsBackend: get_variable, get_connection and
// get_config.
const (
	KindVariable   Kind = "variable"
	KindConnection Kind = "connection"
	KindConfig     Kind = "config"
)

// Kinds lists every kind in the order in which they are shown.
func Kinds() []Kind { return []Kind{KindVariable, KindConnection, KindConfig} }

// ParseKind returns the kind called s, or an error that lists the kinds.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if s == string(k) {
			return k, nil
		}
	}
	return "", fmt.Errorf("unknown kind %q: want variable, connection or config",
		excerpt.Near(s, []string{string(KindVariable), string(KindConnection), string(KindConfig)}))
}

// Ref is what Airflow asks for: a variable's key, a connection's id or the
// name that a `_SECRET` option holds, and the team on whose behalf. An empty
// Team means that no team was passed (team_name=None).
type Ref struct {
	Kind Kind
	ID   string
	Team string
}

// String names the reference for people: `variable "x"` or
// `variable "x" of team "a"`. What cannot be a name is not shown.
func (r Ref) String() string {
	if r.Team == "" {
		return fmt.Sprintf("%s %q", r.Kind, excerpt.Name(r.ID))
	}
	return fmt.Sprintf("%s %q of team %q", r.Kind, excerpt.Name(r.ID), excerpt.Name(r.Team))
}

// Reading says which of Airflow's two sets of classes reads a value; they
// differ in details such as the types of a URI's query parameters.
type Reading int

const (
	// SDK is how a worker's task, a triggerer and the DAG parser read:
	// airflow.sdk.definitions.connection.Connection.
	SDK Reading = iota
	// ORM is how the scheduler, the API server and the CLI read:
	// airflow.models.connection.Connection.
	ORM
)

// String returns "sdk" or "orm", the names used in the vectors.
func (r Reading) String() string {
	if r == ORM {
		return "orm"
	}
	return "sdk"
}
