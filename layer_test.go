package airlock_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// TestNames: not found means the next name, None or a failure does not.
func TestNames(t *testing.T) {
	tests := []struct {
		rule    string
		answers map[string]any
		outcome airlock.Outcome
		names   int
	}{
		{"not found asks the next name", map[string]any{"two": "v"}, airlock.Found, 2},
		{"a failure does not", map[string]any{"one": failing, "two": "v"}, airlock.Throttled, 1},
		{"no usable value asks the next", map[string]any{"one": "pass", "two": "v"}, airlock.Found, 2},
		{"unless it stops", map[string]any{"one": "stop", "two": "v"}, airlock.Missing, 1},
		{"an empty answer is an answer", map[string]any{"one": "", "two": "v"}, airlock.Found, 1},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			r := &airlock.Resolver{Sources: []airlock.Source{{Layer: airlock.LayerBackend, Class: "x.Y",
				Store: &scripted{answers: tt.answers}, Dialect: twoNames{}}}}
			res, _ := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, nil)
			if res.Outcome != tt.outcome || len(res.Attempts[0].Names) != tt.names {
				t.Errorf("Lookup: %s after %v, want %s after %d names", res.Outcome, res.Attempts[0].Names, tt.outcome, tt.names)
			}
		})
	}
}

// twoNames asks for "one" and "two".
type twoNames struct{ plainNames }

func (twoNames) Names(airflow.Ref) dialect.Lookup {
	return dialect.Lookup{Names: []string{"one", "two"}}
}

func (twoNames) Decode(ref airflow.Ref, s *store.Secret) (dialect.Value, error) {
	switch text, _ := pyjson.Decode(string(s.Payload)); text {
	case "pass":
		return dialect.Value{}, &dialect.NoValueError{Reason: "nothing in it"}
	case "stop":
		return dialect.Value{}, &dialect.NoValueError{Reason: "nothing in it", Stop: true, Warn: true}
	}
	return plainNames{}.Decode(ref, s)
}

func TestIDsThatTheORMDrops(t *testing.T) {
	tests := []struct{ id, want string }{
		{"plain_id", "plain_id"}, {`a#!()-.:/\b`, `a#!()-.:/\b`}, {"größe", "größe"}, {"x\n", "x"},
		{"bad id$", ""}, {"x\ny", ""}, {strings.Repeat("i", 250), strings.Repeat("i", 250)}, {strings.Repeat("i", 251), ""},
	}
	for _, tt := range tests {
		for _, reading := range []airflow.Reading{airflow.ORM, airflow.SDK} {
			s := &scripted{answers: map[string]any{"connections/" + tt.id: "t://h"}}
			r := &airlock.Resolver{Reading: reading, Sources: []airlock.Source{
				{Layer: airlock.LayerBackend, Class: "x.Y", Store: s, Dialect: plainNames{}}}}
			res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindConnection, ID: tt.id}, nil)
			want := tt.want
			if reading == airflow.SDK {
				want = tt.id
			}
			if err != nil || res.Connection.ID != want {
				t.Errorf("%s: connection %.20q has id %.20q, want %.20q (%v)", reading, tt.id, res.Connection.ID, want, err)
			}
		}
	}
}

func TestSerializedConnectionIsNotParsed(t *testing.T) {
	r, _ := layers(airflow.KindConnection, "", "  ", "c://h")
	res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindConnection, ID: "x"},
		&airlock.LookupOptions{Serialized: true})
	if err != nil || res.Winner != 1 || res.Value.Data != "  " || res.Connection != nil {
		t.Errorf("Lookup = winner %d, %q, connection %v, %v; want the blank text of layer 1", res.Winner, res.Value.Data, res.Connection, err)
	}
}

// TestUnreadableLayer: a layer that could not be built, without keeping
// Airflow from starting, fails as one that cannot be asked.
func TestUnreadableLayer(t *testing.T) {
	unreadable := &store.Error{Op: "open", Store: "metadata database", Code: store.Unsupported}
	for _, backend := range []any{"a", none} {
		r, _ := layers(airflow.KindVariable, backend, none, none)
		r.Sources[2].Err, r.Sources[2].Store, r.Sources[2].Dialect = unreadable, nil, nil
		res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, nil)
		if backend == "a" && err != nil || backend == none && (res.Outcome != airlock.Unsupported || !res.Undefined()) {
			t.Errorf("backend %v: outcome %s, %v", backend, res.Outcome, err)
		}
	}
}

// adviser is a store that has nothing and says why.
type adviser struct{ err *store.Error }

func (s adviser) Get(context.Context, string) (*store.Secret, error) { return nil, s.err }
func (adviser) Close() error                                         { return nil }

// What a store says of a name that is not there, with advice, is passed on: a
// mount that does not exist is "missing" like any other.
func TestAdviceOfAMiss(t *testing.T) {
	for _, tt := range []struct {
		what, hint, reason, wantHint, wantReason string
		absent                                   bool
	}{
		{"nothing to say", "", "status 404", "`airlock explain variable NAME` shows every place that was asked", "", true},
		{"no proof", "", "status 404: <html>", "`airlock explain variable NAME` shows every place that was asked", "status 404: <html>", false},
		{"advice", "set mount_point", "no handler", `the secrets backend says "no handler": set mount_point` + "\n" +
			"`airlock explain variable NAME` shows every place that was asked", "no handler", false},
	} {
		t.Run(tt.what, func(t *testing.T) {
			s := adviser{&store.Error{Code: store.NotFound, Err: errors.New(tt.reason), Hint: tt.hint, Absent: tt.absent}}
			r := &airlock.Resolver{Sources: []airlock.Source{{Layer: airlock.LayerBackend, Store: s, Dialect: dialect.DefaultVault()}}}
			res, err := r.Lookup(t.Context(), airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, nil)
			if store.CodeOf(err) != store.NotFound || store.Hint(err) != tt.wantHint {
				t.Errorf("Lookup = %v, hint %q", err, store.Hint(err))
			}
			a := res.Explain(false).Attempts[0]
			if a.Outcome != airlock.Missing || a.Reason != tt.wantReason || a.Hint != tt.hint || a.Error != "" {
				t.Errorf("the attempt is %+v", a)
			}
		})
	}
}

// With Proof what proves nothing is that layer failing: a lower layer may have
// the value, and where none has it the answer is the failure, never "missing".
func TestProof(t *testing.T) {
	ref := airflow.Ref{Kind: airflow.KindVariable, ID: "x"}
	found := memstore.New("lower")
	if _, err := found.Put(t.Context(), "variables/x", &store.Secret{Form: store.Object, Payload: []byte(`{"value": "v"}`)}, nil); err != nil {
		t.Fatal(err)
	}
	proven := &store.Error{Op: "get", Code: store.NotFound, Absent: true}
	page := &store.Error{Op: "get", Code: store.NotFound, Err: errors.New("status 404: a page"), Hint: "see url"}
	for _, tt := range []struct {
		what  string
		upper error
		lower store.Store
		proof bool
		want  airlock.Outcome
	}{
		{"a proven miss", proven, memstore.New("lower"), true, airlock.Missing},
		{"a miss without proof", page, memstore.New("lower"), true, airlock.Unavailable},
		{"a miss without proof, to Airflow", page, memstore.New("lower"), false, airlock.Missing},
		{"a miss without proof, and a value below", page, found, true, airlock.Found},
		{"a miss without proof below", proven, adviser{page}, true, airlock.Unavailable},
	} {
		t.Run(tt.what, func(t *testing.T) {
			var upper *store.Error
			errors.As(tt.upper, &upper)
			r := &airlock.Resolver{Proof: tt.proof, Sources: []airlock.Source{
				{Layer: airlock.LayerBackend, Store: adviser{upper}, Dialect: dialect.DefaultVault()},
				{Layer: airlock.LayerBackend, Store: tt.lower, Dialect: dialect.DefaultVault()}}}
			res, err := r.Lookup(t.Context(), ref, nil)
			if res.Outcome != tt.want || tt.want != airlock.Found && (store.CodeOf(err) == store.NotFound) != (tt.want == airlock.Missing) {
				t.Errorf("Lookup = %s, %v; want %s", res.Outcome, err, tt.want)
			}
			if tt.want == airlock.Unavailable && (store.Hint(err) != page.Hint || !strings.Contains(err.Error(), "status 404: a page")) {
				t.Errorf("Lookup = %v, hint %q; want the reason and the hint of the answer", err, store.Hint(err))
			}
		})
	}
}
