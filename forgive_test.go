package airlock_test

import (
	"context"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
)

// TestForgivenFailures: a failure that the class passes over counts as not
// found, and what Airflow logs of it is noted.
func TestForgivenFailures(t *testing.T) {
	tests := []struct {
		rule    string
		failure string
		outcome airlock.Outcome
		names   int
		notes   []string
	}{
		{"passed over with a debug line", "Quiet", airlock.Missing, 2, nil},
		{"passed over with an error line", "Loud", airlock.Missing, 2, slices.Repeat([]string{"Airflow logs an error: the service answered Loud"}, 2)},
		{"passed over for good", "Final", airlock.Missing, 1, nil},
		{"any other failure", "Other", airlock.Denied, 1, nil},
		{"a failure that the service did not name", "", airlock.Denied, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			r := &airlock.Resolver{Sources: []airlock.Source{{Layer: airlock.LayerBackend, Class: "x.Y",
				Store: refusing(tt.failure), Dialect: forgiving{}}}}
			res, _ := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, nil)
			a := res.Attempts[0]
			if a.Outcome != tt.outcome || len(a.Names) != tt.names || !slices.Equal(a.Notes, tt.notes) {
				t.Errorf("Lookup: %s after %v, notes %q; want %s after %d names, notes %q", a.Outcome, a.Names, a.Notes, tt.outcome, tt.names, tt.notes)
			}
			if tt.outcome == airlock.Missing && a.Reason != "the service answered "+tt.failure {
				t.Errorf("the reason is %q", a.Reason)
			}
		})
	}
}

// With Proof a failure that the class passes over is a failure all the same.
func TestForgivenFailuresProveNothing(t *testing.T) {
	for _, failure := range []string{"Quiet", "Loud", "Final"} {
		r := &airlock.Resolver{Proof: true, Sources: []airlock.Source{{Layer: airlock.LayerBackend, Class: "x.Y",
			Store: refusing(failure), Dialect: forgiving{}}}}
		res, err := r.Lookup(context.Background(), airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, nil)
		if res.Outcome != airlock.Unavailable || store.CodeOf(err) != store.Unavailable || len(res.Attempts[0].Names) != 1 {
			t.Errorf("%s: Lookup = %s after %v, %v; want unavailable after one name", failure, res.Outcome, res.Attempts[0].Names, err)
		}
	}
}

// refusing is a store whose service answers with a failure of its own name.
type refusing string

func (r refusing) Get(_ context.Context, name string) (*store.Secret, error) {
	return nil, &store.Error{Op: "get", Name: name, Code: store.Denied, ServiceCode: string(r)}
}
func (refusing) Close() error { return nil }

type forgiving struct{ twoNames }

func (forgiving) Forgive(err error) *dialect.NoValueError {
	none := &dialect.NoValueError{Reason: "the service answered " + store.ServiceCodeOf(err)}
	switch store.ServiceCodeOf(err) {
	case "Quiet":
		return none
	case "Loud":
		none.Warn, none.Severe = true, true
		return none
	case "Final":
		none.Stop = true
		return none
	}
	return nil
}
