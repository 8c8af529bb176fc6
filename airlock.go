// Package airlock resolves Airflow variables, connections and configuration
// options as Apache Airflow does: it asks the secrets backend, then the
// environment, then the metadata database, with Airflow's rules for what
// counts as an answer and for what is passed over.
//
// A program that wants what a task would get in its own environment calls
// [FromEnvironment]; one that wires its own stores fills a [Resolver].
package airlock

import (
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
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

// Source is one layer of the look-up: a store and the dialect that says how
// Airflow reads it.
type Source struct {
	Layer Layer
	// Class is the dotted path of the Airflow class this source stands for,
	// as Airflow 3 knows it.
	Class string
	Store store.Store
	// Dialect is never nil.
	Dialect dialect.Dialect
	// Err is why the source could not be built (a missing kwarg, an
	// unreadable key file). Store may be nil then. Every look-up fails in
	// this layer with it and goes on, or stops the whole Resolver: see
	// Resolver.Strict.
	Err error
	// Notes are remarks on the configuration that explain shows with the
	// layer ("the class path is gone in Airflow 3: write ...").
	Notes []string
}

// Outcome is what a layer, or a whole look-up, answered.
type Outcome string

// The outcomes. All but found, missing and skipped carry an error.
const (
	Found           Outcome = "found"
	Missing         Outcome = "missing"
	Skipped         Outcome = "skipped"
	Denied          Outcome = "denied"
	Unauthenticated Outcome = "unauthenticated"
	Throttled       Outcome = "throttled"
	Unavailable     Outcome = "unavailable"
	Invalid         Outcome = "invalid"
	Corrupt         Outcome = "corrupt"
	Unsupported     Outcome = "unsupported"
)

// Attempt records what one layer did in a look-up.
type Attempt struct {
	Layer Layer
	// Source is the class of the layer.
	Source string
	// Names are the places asked, in order, as the service calls them.
	Names   []string
	Outcome Outcome
	// Reason says why a layer was skipped or has no value, in words.
	Reason string
	// Err is set for every outcome but found, missing and skipped.
	Err      error
	Duration time.Duration
	Notes    []string

	// Value and Secret are set when Outcome is Found, also in layers below
	// the winner, which only Explain asks.
	Value  dialect.Value
	Secret *store.Secret
}

// Result is the outcome of a look-up and how it came about.
type Result struct {
	Ref     airflow.Ref
	Outcome Outcome
	// Winner is the index in Attempts of the layer that answered, -1 if none.
	Winner int
	// Attempts are in the order tried.
	Attempts []Attempt
	// Value is the winner's.
	Value dialect.Value
	// Connection is the winner's connection as the resolver's Reading has
	// it; nil for other kinds and for serialized look-ups.
	Connection *airflow.Connection
	// Secret is what the value was decoded from; nil where nothing was found.
	Secret *store.Secret
}

// Resolver asks sources in order under Airflow's rules. Its zero value has no
// source and finds nothing. It is safe for concurrent use once filled.
type Resolver struct {
	// Sources in the order in which they are asked.
	Sources []Source
	// Reading is whose classes read: a task's (SDK, the default) or the
	// scheduler's (ORM).
	Reading airflow.Reading
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
	// All asks the layers below the winner too, for explain.
	All bool
}
