// Package airlock resolves Airflow variables, connections and configuration
// options as Apache Airflow does: it asks the secrets backend, then the
// environment, then the metadata database, with Airflow's rules for what
// counts as an answer and for what is passed over.
//
// A program that wants what a task would get in its own environment calls
// [FromEnvironment]; one that wires its own stores fills a [Resolver].
//
// Every look-up gives a [Result] that says what each layer answered, under
// which name, and how long it took; [Result.Explain] is the form of it that
// `airlock explain -o json` prints.
package airlock

import (
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// Layer is a place in Airflow's order of precedence.
type Layer string

// The layers, in the order in which Airflow asks them.
const (
	LayerBackend     Layer = "secrets backend"
	LayerEnvironment Layer = "environment"
	LayerMetadata    Layer = "metadata database"
)

// The classes of the two layers that Airflow always has. A worker's task
// reaches the metadata database through the Execution API; every other
// process reads it itself.
const (
	ClassEnvironment  = "airflow.secrets.environment_variables.EnvironmentVariablesBackend"
	ClassMetastore    = "airflow.secrets.metastore.MetastoreBackend"
	ClassExecutionAPI = "airflow.sdk.execution_time.secrets.execution_api.ExecutionAPISecretsBackend"
)

// Source is one layer of the look-up: a store and the dialect that says how
// Airflow reads it.
type Source struct {
	Layer Layer
	// Class is the dotted path of the Airflow class this source stands for,
	// as Airflow 3 knows it.
	Class string
	// Store and Dialect are nil only where Err or Skip is set.
	Store   store.Store
	Dialect dialect.Dialect
	// Err is why the source could not be built (a database of a kind that
	// cannot be read): in every look-up the layer fails with it.
	Err error
	// Fatal says that Airflow's processes do not start with Err (a secrets
	// backend that cannot be loaded or constructed): every look-up fails with
	// it before anything is asked.
	Fatal bool
	// Skip says why the layer is never asked ("no metadata database is
	// configured"); empty for a layer that is.
	Skip string
	// NoTeam leaves the team out of what the source is asked, as Airflow does
	// with a backend whose methods take none.
	NoTeam bool
	// Setting says where the source is configured:
	// "AIRFLOW__SECRETS__BACKEND in .env:3". Empty if it needs no setting.
	Setting string
	// SetIn says where a name of this source is set, for sources whose names
	// come from several files; "" if it does not know. Nil: Setting says all.
	SetIn func(name string) string
	// Points are the addresses that its requests go to; nil: none, or not
	// known.
	Points []route.Point
	// Notes are remarks on the configuration that explain shows with the
	// layer ("the class path is gone in Airflow 3: write ...").
	Notes []string
}

// Resolver asks sources in order under Airflow's rules. Its zero value has no
// source and finds nothing. It is safe for concurrent use once filled.
type Resolver struct {
	// Sources in the order in which they are asked.
	Sources []Source
	// Reading is whose classes read: a task's (SDK, the default) or the
	// scheduler's (ORM).
	Reading airflow.Reading
	// SingleTeam says that core.multi_team is off. In the ORM reading a
	// look-up for a team is refused then, as Airflow does.
	SingleTeam bool
	// WorkerTeams is how a worker deals with teams: it passes none to its own
	// backends, and the Execution API, behind the last layer, knows the team
	// from the task's token. Only LayerMetadata is asked for the team then.
	WorkerTeams bool
	// Proof says that a source has not a name only where its service proves it
	// (store.Absent). What a class takes for "not found" without proof, a 404
	// of a proxy or a failure that it passes over, is that source failing with
	// code Unavailable: the next source may answer, and where none does the
	// look-up fails. False is what Airflow does. The daemon sets it, because
	// its clients would use a value of their own in the place of one that is
	// there; so does whoever must not take a secret for a free name.
	Proof bool
	// Now tells the time for the durations; nil means time.Now.
	Now func() time.Time
}

// LookupOptions refine a look-up. Nil means none of them.
type LookupOptions struct {
	// Deserialize asks for a variable's value parsed as JSON
	// (deserialize_json): in the SDK reading a value that is not JSON counts
	// as that layer failing, in the ORM reading it fails the look-up.
	Deserialize bool
	// Serialized leaves a connection unparsed: the first layer with a
	// serialized value that is not empty wins, whether or not it parses.
	// Facades ask so, because the client parses.
	Serialized bool
	// All asks the layers below the winner too, for explain. What they
	// answer never changes the outcome.
	All bool
}

// Close closes the store of every source and returns the first error.
func (r *Resolver) Close() error {
	var first error
	for _, s := range r.Sources {
		if s.Store == nil {
			continue
		}
		if err := s.Store.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
