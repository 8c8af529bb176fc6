package airlock_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/store"
)

// failing is an ordinary failure of a store, code Throttled.
var failing = &store.Error{Op: "get", Store: "script", Code: store.Throttled, Hint: "ask less often"}

// layers builds a resolver of three scripted layers; what each answers for
// the id x of kind is given in the order of precedence. The word none leaves
// the id out.
func layers(kind airflow.Kind, answers ...any) (*airlock.Resolver, []*scripted) {
	places := []airlock.Source{
		{Layer: airlock.LayerBackend, Class: "labbackend.FakeBackend"},
		{Layer: airlock.LayerEnvironment, Class: airlock.ClassEnvironment},
		{Layer: airlock.LayerMetadata, Class: airlock.ClassMetastore},
	}
	r := &airlock.Resolver{Sources: places[:len(answers)]}
	var stores []*scripted
	for i, answer := range answers {
		s := &scripted{answers: map[string]any{}}
		if answer != none {
			s.answers[plural[kind]+"/x"] = answer
		}
		stores = append(stores, s)
		r.Sources[i].Store, r.Sources[i].Dialect = s, plainNames{}
	}
	return r, stores
}

type nothing struct{}

var none = nothing{}

// layersCase says what the backend, the environment and the database answer,
// and what comes of it.
type layersCase struct {
	rule    string
	kind    airflow.Kind
	answers []any
	winner  int
	outcome airlock.Outcome
	asked   int
}

// precedence is Airflow's order of precedence.
func precedence() []layersCase {
	const v, c, cfg = airflow.KindVariable, airflow.KindConnection, airflow.KindConfig
	denied := &store.Error{Op: "get", Code: store.Denied}
	withAuthority := fmt.Errorf("asking: %w", &airlock.AccessDenied{Message: "no"})
	return []layersCase{
		{"the first value wins", v, []any{"a", "b", "c"}, 0, airlock.Found, 1},
		{"a layer that has none is passed over", v, []any{none, "b", "c"}, 1, airlock.Found, 2},
		{"the database is last", v, []any{none, none, "c"}, 2, airlock.Found, 3},
		{"an empty variable is an answer", v, []any{"", "b", "c"}, 0, airlock.Found, 1},
		{"an empty variable of a lower layer too", v, []any{none, "", "c"}, 1, airlock.Found, 2},
		{"null is none", v, []any{nil, "b"}, 1, airlock.Found, 2},
		{"a number is an answer", v, []any{int64(0), "b"}, 0, airlock.Found, 1},
		{"a failure is passed over", v, []any{failing, "b"}, 1, airlock.Found, 2},
		{"a plain refusal is passed over", v, []any{denied, "b"}, 1, airlock.Found, 2},
		{"a refusal with authority stops", v, []any{withAuthority, "b"}, -1, airlock.Denied, 1},
		{"nothing anywhere is missing", v, []any{none, none, none}, -1, airlock.Missing, 3},
		{"nothing, and a failure, is the failure", v, []any{none, failing, denied}, -1, airlock.Throttled, 3},

		{"the first connection wins", c, []any{"a://h", "b://h"}, 0, airlock.Found, 1},
		{"an empty connection is none", c, []any{"", "b://h"}, 1, airlock.Found, 2},
		{"a blank connection does not parse and is passed over", c, []any{"  ", "b://h"}, 1, airlock.Found, 2},
		{"bad JSON is passed over", c, []any{`{"conn_type": }`, "b://h"}, 1, airlock.Found, 2},
		{"a bad port is passed over", c, []any{"a://h:port", "b://h"}, 1, airlock.Found, 2},
		{"a connection that is a number is passed over", c, []any{int64(5), "b://h"}, 1, airlock.Found, 2},
		{"a failing layer is passed over", c, []any{failing, "b://h"}, 1, airlock.Found, 2},
		{"a refusal with authority stops a connection", c, []any{withAuthority, "b://h"}, -1, airlock.Denied, 1},
		{"only an unreadable connection is invalid, not missing", c, []any{"  ", none, none}, -1, airlock.Invalid, 3},
		{"only empty ones are missing", c, []any{"", "", ""}, -1, airlock.Missing, 3},

		{"an option comes from the backend", cfg, []any{"a", "b", "c"}, 0, airlock.Found, 1},
		{"an empty option is an answer", cfg, []any{"", "b", "c"}, 0, airlock.Found, 1},
		{"an option is asked of the backend alone", cfg, []any{none, "b", "c"}, -1, airlock.Missing, 1},
		{"a failure is the answer for an option", cfg, []any{failing, "b", "c"}, -1, airlock.Throttled, 1},
	}
}

func TestFallThrough(t *testing.T) {
	for _, tt := range precedence() {
		t.Run(string(tt.kind)+"/"+tt.rule, func(t *testing.T) {
			r, stores := layers(tt.kind, tt.answers...)
			res, err := r.Lookup(context.Background(), airflow.Ref{Kind: tt.kind, ID: "x"}, nil)
			if res.Winner != tt.winner || res.Outcome != tt.outcome {
				t.Errorf("Lookup: winner %d, outcome %s; want %d, %s (error %v)", res.Winner, res.Outcome, tt.winner, tt.outcome, err)
			}
			if (err == nil) != (tt.outcome == airlock.Found) {
				t.Errorf("Lookup: error %v with outcome %s", err, tt.outcome)
			}
			var missing *airlock.NotFoundError
			if errors.As(err, &missing) != (tt.outcome == airlock.Missing) {
				t.Errorf("Lookup: error %T with outcome %s", err, tt.outcome)
			}
			if asked := calls(stores); asked != tt.asked {
				t.Errorf("Lookup asked %d layers, want %d", asked, tt.asked)
			}
			checkAll(t, tt.kind, tt.winner, tt.outcome, tt.answers)
		})
	}
}

// checkAll asks again for explain: every layer is asked, nothing else changes.
func checkAll(t *testing.T, kind airflow.Kind, winner int, outcome airlock.Outcome, answers []any) {
	t.Helper()
	r, stores := layers(kind, answers...)
	res, _ := r.Lookup(context.Background(), airflow.Ref{Kind: kind, ID: "x"}, &airlock.LookupOptions{All: true})
	if res.Winner != winner || res.Outcome != outcome {
		t.Errorf("Lookup of all: winner %d, outcome %s; want %d, %s", res.Winner, res.Outcome, winner, outcome)
	}
	want := len(answers)
	if kind == airflow.KindConfig {
		want = 1
	}
	if asked := calls(stores); asked != want || len(res.Attempts) != len(answers) {
		t.Errorf("Lookup of all asked %d layers and records %d, want %d and %d", asked, len(res.Attempts), want, len(answers))
	}
}

func calls(stores []*scripted) int {
	n := 0
	for _, s := range stores {
		n += len(s.calls)
	}
	return n
}

// TestDeserialize: the SDK parses inside the layer, the ORM after the chain.
func TestDeserialize(t *testing.T) {
	tests := []struct {
		rule    string
		reading airflow.Reading
		answers []any
		want    any
		failure string // the type of Airflow's exception
	}{
		{"both read JSON", airflow.SDK, []any{"[1]"}, []any{int64(1)}, ""},
		{"both read JSON", airflow.ORM, []any{"[1]"}, []any{int64(1)}, ""},
		{"text that is not JSON is passed over", airflow.SDK, []any{"no", "2"}, int64(2), ""},
		{"text that is not JSON fails", airflow.ORM, []any{"no", "2"}, nil, "JSONDecodeError"},
		{"empty text is not JSON either", airflow.SDK, []any{"", "2"}, int64(2), ""},
		{"empty text is not JSON either", airflow.ORM, []any{"", "2"}, nil, "JSONDecodeError"},
		{"what is no text is passed over", airflow.SDK, []any{int64(1), "2"}, int64(2), ""},
		{"what is no text fails", airflow.ORM, []any{int64(1), "2"}, nil, "TypeError"},
		{"JSON null is an answer", airflow.SDK, []any{"null", "2"}, nil, ""},
		{"JSON null is an answer", airflow.ORM, []any{"null", "2"}, nil, ""},
		{"nothing that parses is not found", airflow.SDK, []any{"no", "no"}, nil, "AirflowRuntimeError"},
	}
	for _, tt := range tests {
		t.Run(tt.reading.String()+"/"+tt.rule, func(t *testing.T) {
			r, _ := layers(airflow.KindVariable, tt.answers...)
			r.Reading = tt.reading
			res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindVariable, ID: "x"},
				&airlock.LookupOptions{Deserialize: true})
			if tt.failure == "" && (err != nil || !reflect.DeepEqual(res.Value.Data, tt.want)) {
				t.Errorf("Lookup = %#v, %v; want %#v", res.Value.Data, err, tt.want)
			}
			if tt.failure != "" {
				if e := airlock.AirflowError(err); e == nil || e.Type != tt.failure {
					t.Errorf("AirflowError(%v) = %+v, want type %s", err, e, tt.failure)
				}
				if res.Winner != -1 || store.CodeOf(err) != store.Invalid {
					t.Errorf("Lookup: winner %d, code %q", res.Winner, store.CodeOf(err))
				}
			}
			if want := tt.failure == "AirflowRuntimeError"; res.Undefined() != want {
				t.Errorf("Undefined() = %v, want %v", res.Undefined(), want)
			}
		})
	}
}

func TestTeams(t *testing.T) {
	ref := airflow.Ref{Kind: airflow.KindVariable, ID: "x", Team: "a"}
	r, stores := layers(airflow.KindVariable, none, none)
	r.Sources[1].NoTeam = true
	if _, err := r.Lookup(context.Background(), ref, nil); store.CodeOf(err) != store.NotFound {
		t.Errorf("Lookup: %v", err)
	}
	if got, want := stores[0].calls[0]+" "+stores[1].calls[0], "variables/x/a variables/x"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}

	r, stores = layers(airflow.KindVariable, none, none, none)
	r.WorkerTeams = true
	if _, err := r.Lookup(context.Background(), ref, nil); store.CodeOf(err) != store.NotFound {
		t.Errorf("Lookup: %v", err)
	}
	if got, want := stores[0].calls[0]+" "+stores[1].calls[0]+" "+stores[2].calls[0], "variables/x variables/x variables/x/a"; got != want {
		t.Errorf("a worker asked for %s, want %s", got, want)
	}

	r, stores = layers(airflow.KindVariable, "v")
	r.Reading, r.SingleTeam = airflow.ORM, true
	res, err := r.Lookup(context.Background(), ref, nil)
	if e := airlock.AirflowError(err); e == nil || e.Type != "ValueError" || calls(stores) != 0 || res.Undefined() {
		t.Errorf("Lookup for a team without core.multi_team: %v (Airflow: %+v), %d calls", err, e, calls(stores))
	}
}

func TestErrorsCarryTheFirstCode(t *testing.T) {
	odd := errors.New("disk on fire")
	r, _ := layers(airflow.KindConnection, "a://h:secretport", failing, odd)
	res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindConnection, ID: "x"}, nil)
	if got := store.CodeOf(err); got != store.Invalid {
		t.Errorf("CodeOf = %q, want the first failure's, invalid", got)
	}
	if !errors.Is(err, store.ErrThrottled) || !errors.Is(err, odd) {
		t.Errorf("%v does not wrap every failure", err)
	}
	if strings.Contains(err.Error(), "secretport") {
		t.Errorf("the error quotes the value: %v", err)
	}
	if e := airlock.AirflowError(err); e == nil || e.Message != "The conn_id `x` isn't defined" || !res.Undefined() {
		t.Errorf("AirflowError = %+v, undefined %v", e, res.Undefined())
	}
}

func TestNotFoundTexts(t *testing.T) {
	tests := []struct {
		kind    airflow.Kind
		reading airflow.Reading
		id      string
		want    string
	}{
		{airflow.KindVariable, airflow.ORM, "k", "Variable k does not exist."},
		{airflow.KindVariable, airflow.SDK, "k", "VARIABLE_NOT_FOUND: {'message': 'Variable k not found'}"},
		{airflow.KindVariable, airflow.SDK, "k'", `VARIABLE_NOT_FOUND: {'message': 'Variable *** not found'}`},
		{airflow.KindVariable, airflow.SDK, "k\n", `VARIABLE_NOT_FOUND: {'message': 'Variable *** not found'}`},
		{airflow.KindConnection, airflow.SDK, "c", "The conn_id `c` isn't defined"},
		{airflow.KindConnection, airflow.ORM, "c", "The conn_id `c` isn't defined"},
		{airflow.KindConfig, airflow.ORM, "o", `the secrets backend has no config "o"`},
	}
	for _, tt := range tests {
		r := &airlock.Resolver{Reading: tt.reading}
		res, err := r.Lookup(context.Background(), airflow.Ref{Kind: tt.kind, ID: tt.id}, nil)
		if err == nil || err.Error() != tt.want || res.Outcome != airlock.Missing {
			t.Errorf("%s %s %q: %v, want %s", tt.reading, tt.kind, tt.id, err, tt.want)
		}
		if store.CodeOf(err) != store.NotFound || store.Hint(err) == "" {
			t.Errorf("%v: code %q, hint %q", err, store.CodeOf(err), store.Hint(err))
		}
	}
	long := &airlock.NotFoundError{Ref: airflow.Ref{Kind: airflow.KindConnection, ID: strings.Repeat("x", 10_000)}}
	if n := len(long.Error()); n > 300 {
		t.Errorf("a long id makes a message of %d bytes", n)
	}
}

func TestCancelledLookup(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("the operator pressed ^C")
	r, stores := layers(airflow.KindVariable, func() error { cancel(why); return context.Canceled }, "b")
	res, err := r.Lookup(ctx, airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, why) || res.Undefined() || res.Winner != -1 {
		t.Errorf("Lookup = %+v, %v; want it stopped by the context", res, err)
	}
	if len(stores[1].calls) != 0 {
		t.Errorf("the next layer was asked after the context was done")
	}

	// What is asked for explain only cannot take the answer away.
	ctx, cancel = context.WithCancelCause(context.Background())
	r, _ = layers(airflow.KindVariable, "a", func() error { cancel(why); return context.Canceled }, "c")
	res, err = r.Lookup(ctx, airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, &airlock.LookupOptions{All: true})
	if err != nil || res.Winner != 0 || len(res.Attempts) != 2 {
		t.Errorf("Lookup of all = winner %d after %d attempts, %v", res.Winner, len(res.Attempts), err)
	}
}

func TestBrokenSourceStopsEverything(t *testing.T) {
	broken := &store.Error{Op: "open", Store: "vault", Code: store.Invalid, Hint: "set token",
		Err: &airflow.Error{Type: "VaultError", Message: "The 'token' authentication type requires 'token' or 'token_path', on None None"}}
	r, stores := layers(airflow.KindVariable, "a", "b")
	r.Sources[0].Err, r.Sources[0].Fatal, r.Sources[0].Store = broken, true, nil
	res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, &airlock.LookupOptions{All: true})
	var failed *airlock.LookupError
	if !errors.As(err, &failed) || !failed.NotStarted || store.Hint(err) != "set token" || calls(stores) != 0 {
		t.Errorf("Lookup = %v, %d calls", err, calls(stores))
	}
	if e := airlock.AirflowError(err); e == nil || e.Type != "VaultError" {
		t.Errorf("AirflowError = %+v", e)
	}
	if res.Attempts[0].Outcome != airlock.Invalid || res.Attempts[1].Outcome != airlock.Skipped || res.Undefined() {
		t.Errorf("attempts %+v", res.Attempts)
	}
}

func TestLookupsSideBySide(t *testing.T) {
	r, _ := layers(airflow.KindConnection, "", failing, "c://h")
	r.Sources[0].Notes = []string{"a note"}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindConnection, ID: "x", Team: "a"}, nil)
			if store.CodeOf(err) != store.NotFound || len(res.Attempts) != 3 {
				t.Errorf("with a team: %v", err)
			}
			res, err = r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindConnection, ID: "x"}, nil)
			if err != nil || res.Winner != 2 {
				t.Errorf("without: %v", err)
			}
		})
	}
	all.Wait()
}

// ticking is a clock that moves a millisecond each time it is read.
func ticking() func() time.Time {
	now := time.Unix(0, 0)
	return func() time.Time { now = now.Add(time.Millisecond); return now }
}
