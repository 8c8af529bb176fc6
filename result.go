package airlock

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
)

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

// outcomeOf is the one table from an error's code to an outcome.
func outcomeOf(err error) Outcome {
	switch store.CodeOf(err) {
	case store.NotFound:
		return Missing
	case store.Denied:
		return Denied
	case store.Unauthenticated:
		return Unauthenticated
	case store.Throttled:
		return Throttled
	case store.Invalid, store.Conflict:
		return Invalid
	case store.Corrupt:
		return Corrupt
	case store.Unsupported:
		return Unsupported
	}
	return Unavailable
}

// Attempt records what one layer did in a look-up.
type Attempt struct {
	Layer Layer
	// Source is the class of the layer.
	Source string
	// Setting says where the source is configured; empty if nowhere.
	Setting string
	// Names are the places asked, in order, as the service calls them.
	Names []string
	// Times are how long the store took for each of Names.
	Times   []time.Duration
	Outcome Outcome
	// Reason says why a layer was skipped or has no value, in words.
	Reason string
	// Hint says what to do about a place that is missing, where its service
	// tells; the hint of a failure is in Err.
	Hint string
	// Err is set for every outcome but found, missing and skipped.
	Err      error
	Duration time.Duration
	Notes    []string

	// Value and Secret are set when Outcome is Found, also in layers below
	// the winner, which only Explain asks.
	Value  dialect.Value
	Secret *store.Secret
	// Unread is the secret that is there though the class has no value for it
	// and asks no further name; nil in every other case.
	Unread *store.Secret

	// unnamed says that the class has no name for the reference.
	unnamed bool
	// conn is the connection that Value stands for, nil where it is not parsed.
	conn *airflow.Connection
	// parsed points at the variable's value as JSON, where a layer parses it.
	parsed *any
	// stopped says that Err ended the chain.
	stopped bool
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

	// stopped is the error that ended the chain early, if one did.
	stopped error
	// asked counts the attempts of the chain itself; those after it were
	// made for LookupOptions.All.
	asked int
	// err is what Lookup returned with the result.
	err error
}

// Undefined reports whether Airflow takes the look-up for "not found": no
// layer answered and none stopped the chain, though some may have failed.
// Airflow uses a default then and only then. It is false for configuration
// options whose backend failed, for access denied with authority, for JSON
// that the ORM reading cannot parse and for a setup that cannot start.
func (r *Result) Undefined() bool { return r.Winner < 0 && r.stopped == nil }

// Log is a line that Airflow writes to its own log during a look-up.
type Log struct {
	// Level is "error" for variables and "debug" for connections: Airflow
	// hides why a connection was not found.
	Level   string
	Message string
}

// advice is what the layers that were passed over say to do, or why they were
// not asked, each once.
func (r *Result) advice() []string {
	var all []string
	for _, a := range r.Attempts[:r.asked] {
		text := ""
		switch {
		case a.Hint != "" && a.Reason != "":
			text = fmt.Sprintf("the %s says %q: %s", a.Layer, a.Reason, a.Hint)
		case a.Hint != "":
			text = a.Hint
		case a.unnamed && a.Reason != "":
			text = fmt.Sprintf("the %s was not asked: %s", a.Layer, a.Reason)
		}
		if text != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// AirflowLogs returns what Airflow logs about the layers that failed and were
// passed over, in order. The Execution API's failures are never logged.
func (r *Result) AirflowLogs() []Log {
	level := map[airflow.Kind]string{airflow.KindVariable: "error", airflow.KindConnection: "debug"}[r.Ref.Kind]
	if level == "" {
		return nil
	}
	var logs []Log
	for _, a := range r.Attempts[:r.asked] {
		if a.Err == nil || a.Source == ClassExecutionAPI || a.stopped {
			continue
		}
		logs = append(logs, Log{level, fmt.Sprintf(
			"Unable to retrieve %s from secrets backend (%s). Checking subsequent secrets backend.",
			r.Ref.Kind, ShortClass(a.Source))})
	}
	return logs
}

// ShortClass returns the last part of a dotted class path.
func ShortClass(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
