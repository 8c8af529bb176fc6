package airlock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
)

// Lookup asks the sources in order for ref. The result is never nil and says
// what every layer asked has answered. The error is nil only where ref was
// found; it is a *NotFoundError where every layer missed, else a *LookupError.
// Neither holds any part of a value.
func (r *Resolver) Lookup(ctx context.Context, ref airflow.Ref, o *LookupOptions) (*Result, error) {
	if o == nil {
		o = &LookupOptions{}
	}
	res := &Result{Ref: ref, Outcome: Missing, Winner: -1}
	res.err = r.lookup(ctx, res, o)
	return res, res.err
}

func (r *Resolver) lookup(ctx context.Context, res *Result, o *LookupOptions) error {
	if i := r.broken(); i >= 0 {
		return r.refuseToStart(res, i)
	}
	if err := r.refuseTeam(res.Ref); err != nil {
		return r.stop(res, err)
	}
	for i := range r.Sources {
		if res.decided() && (!o.All || ctx.Err() != nil) {
			break
		}
		if ctx.Err() != nil {
			return r.cancel(ctx, res)
		}
		r.step(ctx, res, &r.Sources[i], o)
	}
	return r.conclude(ctx, res, o)
}

// decided reports whether the chain has ended: later attempts are only shown.
func (r *Result) decided() bool { return r.Winner >= 0 || r.stopped != nil }

// step asks one source and records what came of it.
func (r *Resolver) step(ctx context.Context, res *Result, src *Source, o *LookupOptions) {
	shownOnly := res.decided()
	a, next := r.ask(ctx, src, res.Ref, o)
	if !shownOnly {
		res.asked++
		switch next {
		case take:
			res.Winner, res.Outcome = len(res.Attempts), Found
			res.Value, res.Connection, res.Secret = a.Value, a.conn, a.Secret
			if a.parsed != nil {
				res.Value.Data = *a.parsed
			}
		case halt:
			a.stopped = true
			res.stopped = a.Err
		}
	}
	res.Attempts = append(res.Attempts, a)
}

// conclude turns what the layers answered into the outcome and the error.
func (r *Resolver) conclude(ctx context.Context, res *Result, o *LookupOptions) error {
	if res.Winner >= 0 {
		if o.Deserialize && r.Reading == airflow.ORM && res.Ref.Kind == airflow.KindVariable {
			return r.deserializeAfter(res)
		}
		return nil
	}
	if ctx.Err() != nil && res.stopped == nil {
		return r.cancel(ctx, res)
	}
	failures := res.failures()
	if len(failures) == 0 {
		return &NotFoundError{Ref: res.Ref, Reading: r.Reading, Advice: res.advice()}
	}
	res.Outcome = outcomeOf(failures[0])
	return r.lookupError(res, failures)
}

// deserializeAfter parses the winner's value once the chain is done, as
// Variable.get of the ORM does: a value that is not JSON fails the look-up,
// even where a lower layer has better.
func (r *Resolver) deserializeAfter(res *Result) error {
	v, err := parseJSON(res.Value.Data)
	if err == nil {
		res.Value.Data = v
		return nil
	}
	a := &res.Attempts[res.Winner]
	err = &store.Error{Op: "parse", Name: last(a.Names), Code: store.Invalid, Err: err,
		Hint: "the value is not JSON: correct it, or ask for it as plain text"}
	a.Outcome, a.Err, a.stopped = Invalid, err, true
	a.Value, a.Secret = dialect.Value{}, nil
	res.Winner, res.Value, res.Secret = -1, dialect.Value{}, nil
	return r.stop(res, &layerError{a.Layer, err})
}

// failures returns the errors of the layers of the chain, in order.
func (r *Result) failures() []error {
	var errs []error
	for _, a := range r.Attempts[:r.asked] {
		if a.Err != nil {
			errs = append(errs, &layerError{a.Layer, a.Err})
		}
	}
	return errs
}

func (r *Resolver) lookupError(res *Result, failures []error) error {
	return &LookupError{Ref: res.Ref, Reading: r.Reading, Failures: failures, Stopped: res.stopped != nil}
}

// stop ends a look-up with err, whatever the layers have answered.
func (r *Resolver) stop(res *Result, err error) error {
	res.stopped, res.Outcome = err, outcomeOf(err)
	return r.lookupError(res, []error{err})
}

// cancel ends a look-up whose context is done. Airflow's counterpart is an
// exception that ends the process, which no backend's except clause catches.
func (r *Resolver) cancel(ctx context.Context, res *Result) error {
	err := ctx.Err()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	res.Winner = -1
	return r.stop(res, &store.Error{Op: "look up", Code: store.Unavailable, Err: err})
}

// broken returns the index of the first source without which Airflow does not
// start, -1 where there is none.
func (r *Resolver) broken() int {
	for i, s := range r.Sources {
		if s.Err != nil && s.Fatal {
			return i
		}
	}
	return -1
}

// refuseToStart fails a look-up because source i could not be built: the
// configuration module constructs the backend while it is imported, so no
// Airflow process gets as far as asking anything.
func (r *Resolver) refuseToStart(res *Result, i int) error {
	for j, src := range r.Sources {
		a := src.attempt()
		if j == i {
			a.Err = coded("", src.Err)
			a.Outcome, a.stopped = outcomeOf(a.Err), true
		} else {
			a.Outcome, a.Reason = Skipped, "nothing is asked while the "+string(r.Sources[i].Layer)+" cannot be set up"
		}
		res.Attempts = append(res.Attempts, a)
	}
	res.asked = len(res.Attempts)
	err := &layerError{r.Sources[i].Layer, res.Attempts[i].Err}
	res.stopped, res.Outcome = err, outcomeOf(err)
	return &LookupError{Ref: res.Ref, Reading: r.Reading, Failures: []error{err}, Stopped: true, NotStarted: true}
}

// refuseTeam is the check of Variable.get and get_connection_from_secrets:
// without core.multi_team nothing is asked for a team.
func (r *Resolver) refuseTeam(ref airflow.Ref) error {
	if ref.Team == "" || !r.SingleTeam || r.Reading != airflow.ORM || ref.Kind == airflow.KindConfig {
		return nil
	}
	return &store.Error{Op: "look up", Name: ref.ID, Code: store.Invalid,
		Hint: "set core.multi_team to True, or leave the team out",
		Err: &airflow.Error{Type: "ValueError", Message: fmt.Sprintf("Multi-team mode is not configured in the Airflow "+
			"environment but the task trying to access the %s belongs to a team", ref.Kind)}}
}

func (r *Resolver) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func last(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}
