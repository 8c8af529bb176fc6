package dialect_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/envstore"
)

func variable(id, team string) airflow.Ref {
	return airflow.Ref{Kind: airflow.KindVariable, ID: id, Team: team}
}

func connection(id, team string) airflow.Ref {
	return airflow.Ref{Kind: airflow.KindConnection, ID: id, Team: team}
}

func TestEnvNames(t *testing.T) {
	tests := []struct {
		ref   airflow.Ref
		multi bool
		want  []string // nil: nothing is asked
	}{
		{ref: variable("my_key", ""), want: []string{"AIRFLOW_VAR_MY_KEY"}},
		{ref: connection("my-conn.x", ""), want: []string{"AIRFLOW_CONN_MY-CONN.X"}},
		{ref: variable("straße", ""), want: []string{"AIRFLOW_VAR_STRASSE"}},
		{ref: variable("k", "teamA"), want: []string{"AIRFLOW_VAR__TEAMA___K", "AIRFLOW_VAR_K"}},
		{ref: connection("c", "teamA"), multi: true, want: []string{"AIRFLOW_CONN__TEAMA___C", "AIRFLOW_CONN_C"}},
		{ref: variable("_teamA___k", ""), want: []string{"AIRFLOW_VAR__TEAMA___K"}},
		{ref: variable("_teamA___k", ""), multi: true},
		{ref: variable("a___b", "teamA"), multi: true},
		{ref: variable("a=b", "")},
		{ref: variable("a\x00b", "")},
		{ref: variable("k", "a=b"), want: []string{"AIRFLOW_VAR_K"}},
		{ref: airflow.Ref{Kind: airflow.KindConfig, ID: "x"}},
	}
	for _, tt := range tests {
		got := dialect.Env{MultiTeam: tt.multi}.Names(tt.ref)
		if !slices.Equal(got.Names, tt.want) || (got.Skip == "") != (tt.want != nil) || got.Warn {
			t.Errorf("multi-team %v: Names(%v) = %+v, want %q", tt.multi, tt.ref, got, tt.want)
		}
	}
}

func TestEnvRefs(t *testing.T) {
	tests := []struct {
		name  string
		multi bool
		want  []airflow.Ref
	}{
		{name: "AIRFLOW_VAR_MY_KEY", want: []airflow.Ref{variable("my_key", "")}},
		{name: "AIRFLOW_CONN_X-Y", want: []airflow.Ref{connection("x-y", "")}},
		{name: "AIRFLOW_VAR__TEAM___K", multi: true, want: []airflow.Ref{variable("k", "team")}},
		{name: "AIRFLOW_VAR__TEAM___K", want: []airflow.Ref{variable("_team___k", ""), variable("k", "team")}},
		{name: "AIRFLOW_VAR_lower"},
		{name: "AIRFLOW__CORE__FERNET_KEY"},
		{name: "PATH"},
	}
	for _, tt := range tests {
		if got := (dialect.Env{MultiTeam: tt.multi}).Refs(tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("multi-team %v: Refs(%q) = %v, want %v", tt.multi, tt.name, got, tt.want)
		}
	}
}

// TestEnvTeam looks up as the resolver does: of a team's own variable only
// one that is not empty counts.
func TestEnvTeam(t *testing.T) {
	tests := []struct {
		environ []string
		want    any // nil: not found
	}{
		{[]string{"AIRFLOW_VAR__A___K=team", "AIRFLOW_VAR_K=plain"}, "team"},
		{[]string{"AIRFLOW_VAR__A___K=", "AIRFLOW_VAR_K=plain"}, "plain"},
		{[]string{"AIRFLOW_VAR__A___K=", "AIRFLOW_VAR_K="}, ""},
		{[]string{"AIRFLOW_VAR__A___K="}, nil},
		{[]string{"AIRFLOW_VAR_K="}, ""},
		{nil, nil},
	}
	for _, tt := range tests {
		s, d, ref := envstore.New("environment", tt.environ), dialect.Env{MultiTeam: true}, variable("k", "A")
		var got any
		for _, name := range d.Names(ref).Names {
			secret, err := s.Get(context.Background(), name)
			if err != nil {
				continue
			}
			v, err := d.Decode(ref, secret)
			var none *dialect.NoValueError
			if errors.As(err, &none) && !none.Stop && !none.Warn {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got = v.Data
			break
		}
		if got != tt.want {
			t.Errorf("%q gives %v, want %v", tt.environ, got, tt.want)
		}
	}
}

func TestEnvEncode(t *testing.T) {
	d := dialect.Env{}
	for _, text := range []string{"", "x", "clé\n"} {
		s, err := d.Encode(variable("k", ""), dialect.Value{Data: text})
		if err != nil {
			t.Fatalf("Encode(%q) = %v", text, err)
		}
		if v, err := d.Decode(variable("k", ""), s); err != nil || v.Data != text {
			t.Errorf("%q comes back as %v, %v", text, v.Data, err)
		}
	}
	for _, v := range []dialect.Value{{Data: nil}, {Data: int64(1)}, {Data: "a\x00b"}} {
		if _, err := d.Encode(variable("k", ""), v); store.CodeOf(err) != store.Invalid {
			t.Errorf("Encode(%v) = %v, want invalid", v.Data, err)
		}
	}
	if _, err := d.Encode(connection("c", ""), dialect.Value{Data: ""}); store.CodeOf(err) != store.Invalid {
		t.Errorf("Encode of an empty connection = %v, want invalid", err)
	}
}
