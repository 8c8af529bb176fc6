package airlock

import (
	"math"
	"slices"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// Mask stands for a value that is not shown.
const Mask = "********"

// ExplainDoc is what `airlock explain -o json` prints. Members are only ever
// added; kind, id, outcome, winner and attempts are always there.
type ExplainDoc struct {
	// Kind is "variable", "connection" or "config".
	Kind airflow.Kind `json:"kind"`
	ID   string       `json:"id"`
	// Outcome is "found", "missing", or the failure of the first layer that
	// failed: "denied", "unauthenticated", "throttled", "unavailable",
	// "invalid", "corrupt", "unsupported".
	Outcome Outcome `json:"outcome"`
	// Winner is the index in Attempts of the layer that answered; null if none.
	Winner *int `json:"winner"`
	// Attempts has one entry for each layer, in the order tried.
	Attempts []ExplainAttempt `json:"attempts"`

	// Team is the team asked for; left out if none.
	Team string `json:"team,omitempty"`
	// Error and Hint say why nothing was found and what to do about it.
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
	// Airflow is what Airflow itself raises: type and message.
	Airflow *ExplainError `json:"airflow,omitempty"`
}

// ExplainError is a Python exception.
type ExplainError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// ExplainAttempt is what one layer did. The first six members are always
// there.
type ExplainAttempt struct {
	Layer Layer `json:"layer"`
	// Source is the class of the layer.
	Source string `json:"source"`
	// Name is the place that decided: the last one asked, as the service
	// calls it. Empty where nothing was asked.
	Name string `json:"name"`
	// Outcome is as for the document, or "skipped".
	Outcome Outcome `json:"outcome"`
	// Error is empty where the layer did not fail. It never holds a value.
	Error string `json:"error"`
	// DurationMS is how long the layer took, in milliseconds.
	DurationMS float64 `json:"duration_ms"`

	// Names has every place asked, in order, where there were several.
	Names []string `json:"names,omitempty"`
	// Requests are the same places with the time that the store took for each.
	Requests []ExplainRequest `json:"requests,omitempty"`
	// Reason says why a layer was skipped or has no value.
	Reason string `json:"reason,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Setting says where the layer is configured.
	Setting string   `json:"setting,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	// Hidden is true for a layer that has a value which an earlier one hides.
	Hidden bool `json:"hidden,omitempty"`
	// Stale is when the source gave the value, where the source cannot be asked
	// and airlock serve answers for it; left out for what was asked for now.
	Stale *time.Time `json:"stale,omitempty"`
	// Value is the value, or "********" unless it was asked for. It is left
	// out where the layer has none. A value that is not a string, and a
	// connection that is kept as separate fields, is JSON text.
	Value *string `json:"value,omitempty"`
}

// ExplainRequest is one place asked and how long its answer took, retries and
// a log-in included.
type ExplainRequest struct {
	Name       string  `json:"name"`
	DurationMS float64 `json:"duration_ms"`
}

// Places returns every place asked, in order.
func (a ExplainAttempt) Places() []string {
	if len(a.Names) == 0 && a.Name != "" {
		return []string{a.Name}
	}
	return a.Names
}

// Explain describes the look-up. Values are masked unless reveal is set.
func (r *Result) Explain(reveal bool) ExplainDoc {
	doc := ExplainDoc{Kind: r.Ref.Kind, ID: excerpt.Whole(r.Ref.ID), Team: excerpt.Whole(r.Ref.Team), Outcome: r.Outcome,
		Attempts: make([]ExplainAttempt, 0, len(r.Attempts))}
	if r.Winner >= 0 {
		doc.Winner = &r.Winner
	}
	if r.err != nil {
		doc.Error, doc.Hint = r.err.Error(), store.Hint(r.err)
		if e := AirflowError(r.err); e != nil {
			doc.Airflow = &ExplainError{e.Type, e.Message}
		}
	}
	for i := range r.Attempts {
		a := &r.Attempts[i]
		e := explainAttempt(a)
		if a.Outcome == Found {
			v := Mask
			if reveal {
				v = valueText(a)
			}
			e.Value, e.Hidden = &v, i != r.Winner && r.Winner >= 0
		}
		doc.Attempts = append(doc.Attempts, e)
	}
	return doc
}

func explainAttempt(a *Attempt) ExplainAttempt {
	e := ExplainAttempt{Layer: a.Layer, Source: a.Source, Name: excerpt.Whole(last(a.Names)), Outcome: a.Outcome,
		DurationMS: milliseconds(a.Duration), Reason: a.Reason, Hint: a.Hint, Setting: a.Setting, Notes: slices.Clone(a.Notes)}
	for i, took := range a.Times {
		e.Requests = append(e.Requests, ExplainRequest{excerpt.Whole(a.Names[i]), milliseconds(took)})
	}
	if len(a.Names) > 1 {
		for _, name := range a.Names {
			e.Names = append(e.Names, excerpt.Whole(name))
		}
	}
	if a.Secret != nil && !a.Secret.Stale.IsZero() {
		at := a.Secret.Stale.UTC()
		e.Stale = &at
	}
	if a.Err != nil {
		e.Error, e.Hint = a.Err.Error(), store.Hint(a.Err)
	}
	return e
}

// valueText is the value of a found layer in clear.
func valueText(a *Attempt) string {
	if a.Value.Connection == nil {
		return a.Value.Text()
	}
	text, err := a.Value.Connection.JSON()
	if err != nil {
		return Mask // its fields have no JSON form; Airflow cannot show it either
	}
	return text
}

// milliseconds keeps three decimals: what a person reads, and stable.
func milliseconds(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e3 }
