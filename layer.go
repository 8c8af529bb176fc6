package airlock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wait"
	"github.com/airlock-secrets/airlock/store"
)

// next is what the chain does after a layer.
type next int

const (
	goOn next = iota // ask the next layer
	take             // the layer's answer is the answer
	halt             // the layer's failure is the answer
)

// fallThrough is Airflow's rule of precedence, for a layer that answered with
// v or failed with err. A nil v is None.
//
//   - A variable is taken as soon as it is not None: "" is an answer. A
//     failure is logged and passed over.
//   - A connection of "" is none. Any failure, also of parsing what a layer
//     has, is passed over.
//   - A configuration option is asked of the backend alone, and its failure
//     is the answer.
//   - A refusal with authority, and the end of the process itself, are never
//     passed over. Neither is a credential that airlock withholds, or one of a
//     program that it does not run: Airflow would have it, and its answer.
//
// Sources: Variable.get_variable_from_secrets,
// Connection.get_connection_from_secrets, the SDK's _get_variable and
// _get_connection, AirflowConfigParser._get_config_value_from_secret_backend.
func fallThrough(kind airflow.Kind, v *dialect.Value, err error) next {
	var refused *AccessDenied
	switch {
	case errors.As(err, &refused), errors.Is(err, route.ErrWithheld), errors.Is(err, program.ErrNotRun):
		return halt
	case err != nil && kind == airflow.KindConfig:
		return halt
	case err != nil || isNone(v):
		return goOn
	case kind == airflow.KindConnection && isEmpty(v):
		return goOn
	}
	return take
}

// isNone reports whether v is Python's None.
func isNone(v *dialect.Value) bool { return v == nil || v.Data == nil && v.Connection == nil }

// isEmpty reports whether v is the empty string.
func isEmpty(v *dialect.Value) bool { return v.Connection == nil && v.Data == "" }

// attempt starts the record of asking s.
func (s *Source) attempt() Attempt {
	return Attempt{Layer: s.Layer, Source: s.Class, Setting: s.Setting, Notes: slices.Clone(s.Notes)}
}

// ask asks one source and says what the chain does next.
func (r *Resolver) ask(ctx context.Context, src *Source, ref airflow.Ref, o *LookupOptions) (Attempt, next) {
	a := src.attempt()
	switch {
	case ref.Kind == airflow.KindConfig && src.Layer != LayerBackend:
		a.Outcome, a.Reason = Skipped, "Airflow asks only the secrets backend for configuration options"
		return a, goOn
	case src.Skip != "":
		a.Outcome, a.Reason = Skipped, src.Skip
		return a, goOn
	}
	if ref.Team != "" && (src.NoTeam || r.WorkerTeams && src.Layer != LayerMetadata) {
		ref.Team = ""
		a.Notes = append(a.Notes, "asked without the team, as Airflow does here")
	}
	start := r.now()
	v, err := r.read(ctx, src, ref, &a)
	if err == nil && !isNone(v) {
		err = r.interpret(src, ref, v, o, &a)
	}
	a.Duration = r.now().Sub(start)
	step := fallThrough(ref.Kind, v, err)
	r.record(&a, ref, v, err, step)
	if err != nil && ctx.Err() != nil {
		a.stopped, step = true, goOn // Lookup sees the context itself
	}
	return a, step
}

// record writes the answer of a layer into its attempt.
func (r *Resolver) record(a *Attempt, ref airflow.Ref, v *dialect.Value, err error, step next) {
	switch {
	case err != nil:
		a.Err = coded(last(a.Names), err)
		a.Outcome = outcomeOf(a.Err)
		a.Secret, a.conn, a.parsed = nil, nil, nil
	case step == take:
		a.Outcome, a.Value, a.Reason, a.Hint = Found, *v, "", ""
	case a.Outcome == Skipped:
	default:
		a.Outcome, a.Secret, a.conn = Missing, nil, nil
		if !isNone(v) {
			a.Reason = fmt.Sprintf("it is there but empty, which counts as not found for a %s", ref.Kind)
		}
	}
}

// read asks the store of src for the dialect's names until one answers. A nil
// value without an error is None; why is in a.Reason where there is more to
// say than "not there".
func (r *Resolver) read(ctx context.Context, src *Source, ref airflow.Ref, a *Attempt) (*dialect.Value, error) {
	if src.Err != nil {
		return nil, src.Err
	}
	lookup := src.Dialect.Names(ref)
	if lookup.Err != nil {
		return nil, lookup.Err
	}
	if len(lookup.Names) == 0 {
		a.Outcome, a.Reason, a.unnamed = Skipped, lookup.Skip, true
		a.warn(lookup.Warn)
		return nil, nil
	}
	for _, name := range lookup.Names {
		a.Names = append(a.Names, store.Locate(src.Store, name))
		asked := r.now()
		done := wait.For(store.Label(src.Store))
		secret, missed := src.Store.Get(ctx, name)
		done()
		a.Times = append(a.Times, r.now().Sub(asked))
		v, none, err := decode(src.Dialect, ref, secret, missed)
		if r.Proof && none != nil && missed != nil && !store.Absent(missed) {
			err = unproven(missed)
		}
		switch {
		case err != nil:
			return nil, err
		case none != nil && none.Stop:
			a.pass(none)
			a.Unread = secret
			return nil, nil
		case none != nil:
			a.missed(missed)
			a.pass(none)
			continue
		}
		a.Secret = secret
		if secret != nil && !secret.Stale.IsZero() {
			a.Notes = append(a.Notes, "the value is stale: the source cannot be asked, and gave it at "+secret.Stale.UTC().Format(time.RFC3339))
		}
		if v.Warning != "" {
			a.Notes = append(a.Notes, "Airflow logs a warning: "+v.Warning)
		}
		if src.SetIn != nil {
			a.Setting = src.SetIn(name)
		}
		return &v, nil
	}
	return nil, nil
}

// decode makes a value of what a store answered; none says why there is none
// though nothing failed.
func decode(d dialect.Dialect, ref airflow.Ref, secret *store.Secret, err error) (v dialect.Value, none *dialect.NoValueError, _ error) {
	if err != nil {
		if none = dialect.Missed(d, err); none != nil {
			return v, none, nil
		}
		return v, nil, err
	}
	v, err = d.Decode(ref, secret)
	if errors.As(err, &none) {
		return v, none, nil
	}
	return v, nil, err
}

// unproven is the failure of a source that has not proven a miss.
func unproven(missed error) error {
	e := &store.Error{Op: "get", Code: store.Unavailable, Hint: store.Hint(missed),
		Err: fmt.Errorf("this does not prove that it is not there: %w", missed)}
	var known *store.Error
	if errors.As(missed, &known) {
		e.Store, e.Name, e.ServiceCode, e.Down = known.Store, known.Name, known.ServiceCode, known.Down
		if known.Err != nil {
			e.Err = fmt.Errorf("this does not prove that it is not there: %w", known.Err)
		}
	}
	return e
}

// missed records what a store says of a name that is not there, where it has
// advice or no proof: a mount that does not exist is "not found" to Airflow as
// well.
func (a *Attempt) missed(err error) {
	var e *store.Error
	if !errors.As(err, &e) || e.Code != store.NotFound || e.Hint == "" && e.Absent {
		return
	}
	a.Reason, a.Hint = "", e.Hint
	if e.Err != nil {
		a.Reason = e.Err.Error()
	}
}

// pass records why a name has no value.
func (a *Attempt) pass(none *dialect.NoValueError) {
	if none.Reason == "" {
		return
	}
	a.Reason, a.Hint = none.Reason, ""
	if none.Severe {
		a.Notes = append(a.Notes, "Airflow logs an error: "+a.Reason)
		return
	}
	a.warn(none.Warn)
}

// warn notes that Airflow logs a warning for what the attempt met.
func (a *Attempt) warn(logged bool) {
	if logged {
		a.Notes = append(a.Notes, "Airflow logs a warning: "+a.Reason)
	}
}

// interpret does what Airflow does with a value inside the layer, where a
// failure means the next layer: parsing a connection, and JSON in the SDK.
func (r *Resolver) interpret(src *Source, ref airflow.Ref, v *dialect.Value, o *LookupOptions, a *Attempt) error {
	switch {
	case ref.Kind == airflow.KindConnection && !o.Serialized && !isEmpty(v):
		c, err := r.connection(src, ref, v)
		if err != nil {
			return &store.Error{Op: "parse", Name: last(a.Names), Code: codeOr(err, store.Invalid), Err: err,
				Hint: "the connection that is stored there cannot be read: correct it; Airflow passes it over"}
		}
		a.conn = c
	case ref.Kind == airflow.KindVariable && o.Deserialize && r.Reading == airflow.SDK:
		parsed, err := parseJSON(v.Data)
		if err != nil {
			return &store.Error{Op: "parse", Name: last(a.Names), Code: store.Invalid, Err: err,
				Hint: "the value is not JSON: a worker's task passes it over"}
		}
		a.parsed = &parsed
	}
	return nil
}

func codeOr(err error, code store.Code) store.Code {
	var se *store.Error
	if errors.As(err, &se) {
		return se.Code
	}
	return code
}

// connection builds the connection that the resolver's classes would hold.
// Both of them take its URI before they return it, so one that has none
// counts as failing too.
func (r *Resolver) connection(src *Source, ref airflow.Ref, v *dialect.Value) (*airflow.Connection, error) {
	c := v.Connection
	if c == nil {
		text, ok := v.Data.(string)
		if !ok {
			return nil, &airflow.Error{Type: "AttributeError",
				Message: fmt.Sprintf("'%s' object has no attribute 'strip'", pyjson.TypeName(v.Data))}
		}
		parsed, err := airflow.ParseConnection(ref.ID, text, r.Reading)
		if err != nil {
			return nil, err
		}
		c = parsed
	}
	if _, err := c.URI(); err != nil {
		return nil, err
	}
	if src.Class == ClassExecutionAPI && v.Connection != nil {
		return overExecutionAPI(c)
	}
	return c, nil
}

// parseJSON is Python's json.loads of a variable's value.
func parseJSON(v any) (any, error) {
	text, ok := v.(string)
	if !ok {
		return nil, &airflow.Error{Type: "TypeError",
			Message: "the JSON object must be str, bytes or bytearray, not " + pyjson.TypeName(v)}
	}
	parsed, err := pyjson.Decode(text)
	var bad *pyjson.Error
	if errors.As(err, &bad) {
		return nil, &airflow.Error{Type: bad.Type, Message: bad.Error()}
	}
	return parsed, err
}
