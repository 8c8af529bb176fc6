package dialect_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

func azure(t *testing.T, kwargs string, multiTeam bool) *dialect.Azure {
	t.Helper()
	v, err := pyjson.Decode(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	d, err := dialect.AzureFromKwargs(v.(*pyjson.Object), multiTeam)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAzureNames(t *testing.T) {
	tests := []struct {
		rule, kwargs string
		teams        bool
		ref          airflow.Ref
		want         []string
		warn         bool
	}{
		{"underscores become the separator, everywhere", `{"variables_prefix": "air_v"}`, false, airflow.Ref{Kind: "variable", ID: "a_b"}, []string{"air-v-a-b"}, false},
		{"case is kept", `{}`, false, airflow.Ref{Kind: "variable", ID: "MyKey"}, []string{"airflow-variables-MyKey"}, false},
		{"an empty separator deletes underscores", `{"sep": ""}`, false, airflow.Ref{Kind: "connection", ID: "my_conn"}, []string{"airflow-connectionsmyconn"}, false},
		{"an empty prefix adds no separator", `{"config_prefix": ""}`, false, airflow.Ref{Kind: "config", ID: "x"}, []string{"x"}, false},
		{"a prefix of separators is empty", `{"variables_prefix": "--"}`, false, airflow.Ref{Kind: "variable", ID: "x"}, []string{"x"}, false},
		{"a set of characters is stripped, no suffix", `{"variables_prefix": "v-a-", "sep": "a-"}`, false, airflow.Ref{Kind: "variable", ID: "x"}, []string{"va-x"}, false},
		{"a null prefix asks nothing", `{"variables_prefix": null}`, false, airflow.Ref{Kind: "variable", ID: "x"}, nil, false},
		{"a name that cannot be", `{}`, false, airflow.Ref{Kind: "variable", ID: "a/b"}, nil, true},
		{"a name that is too long", `{}`, false, airflow.Ref{Kind: "variable", ID: strings.Repeat("x", 110)}, nil, true},
		{"the team first, whatever the mode", `{}`, false, airflow.Ref{Kind: "variable", ID: "x_y", Team: "t_u"}, []string{"airflow-variables-t-u--x-y", "airflow-variables-x-y"}, false},
		{"a team's name that is too long", `{}`, false, airflow.Ref{Kind: "variable", ID: "x", Team: strings.Repeat("t", 120)}, []string{"airflow-variables-x"}, true},
		{"options know no teams", `{}`, false, airflow.Ref{Kind: "config", ID: "x", Team: "t"}, []string{"airflow-config-x"}, false},
		{"two dashes with several teams", `{}`, true, airflow.Ref{Kind: "variable", ID: "a--b"}, nil, true},
		{"two underscores with several teams", `{}`, true, airflow.Ref{Kind: "config", ID: "a__b"}, nil, true},
		{"two dashes with one team", `{}`, false, airflow.Ref{Kind: "variable", ID: "a__b"}, []string{"airflow-variables-a--b"}, false},
	}
	for _, tt := range tests {
		got := azure(t, tt.kwargs, tt.teams).Names(tt.ref)
		if !slices.Equal(got.Names, tt.want) || got.Warn != tt.warn || (got.Skip == "") != (tt.want != nil) {
			t.Errorf("%s: %+v, want %q, warning %v", tt.rule, got, tt.want, tt.warn)
		}
	}
}

func TestAzureRefs(t *testing.T) {
	tests := []struct {
		rule, kwargs string
		teams        bool
		name         string
		want         []airflow.Ref
	}{
		{"a variable", `{}`, false, "airflow-variables-my-key", []airflow.Ref{{Kind: "variable", ID: "my-key"}}},
		{"a team's", `{}`, true, "airflow-variables-t--key", []airflow.Ref{{Kind: "variable", ID: "key", Team: "t"}}},
		{"two dashes with one team", `{}`, false, "airflow-variables-t--key", []airflow.Ref{{Kind: "variable", ID: "t--key"}}},
		{"of no kind", `{}`, false, "something", nil},
		{"the prefix alone", `{}`, false, "airflow-variables-", nil},
		{"of two kinds", `{"connections_prefix": "", "variables_prefix": "", "config_prefix": null}`, false, "x", []airflow.Ref{{Kind: "variable", ID: "x"}, {Kind: "connection", ID: "x"}}},
	}
	for _, tt := range tests {
		if got := azure(t, tt.kwargs, tt.teams).Refs(tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("%s: Refs(%q) = %v, want %v", tt.rule, tt.name, got, tt.want)
		}
	}
}

func TestAzureKwargs(t *testing.T) {
	for kwargs, class := range map[string]string{
		`{"variables_prefix": 5}`: "AttributeError", `{"config_prefix": ["x"]}`: "AttributeError", `{"sep": 5}`: "TypeError",
	} {
		v, _ := pyjson.Decode(kwargs)
		_, err := dialect.AzureFromKwargs(v.(*pyjson.Object), false)
		var python *airflow.Error
		if !errors.As(err, &python) || python.Type != class {
			t.Errorf("AzureFromKwargs(%s): %v, want a %s", kwargs, err, class)
		}
	}
	if d, err := dialect.AzureFromKwargs(nil, true); err != nil || !d.MultiTeam || d.Sep != "-" {
		t.Errorf("AzureFromKwargs(nil) = %+v, %v", d, err)
	}
}

func TestAzureValues(t *testing.T) {
	d, variable, connection := dialect.DefaultAzure(), airflow.Ref{Kind: "variable", ID: "x"}, airflow.Ref{Kind: "connection", ID: "x"}
	for _, text := range []string{"", "x", " x\n", "null"} {
		s, err := d.Encode(variable, dialect.Value{Data: text})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Decode(variable, s); err != nil || got.Data != text {
			t.Errorf("%q comes back as %v, %v", text, got.Data, err)
		}
	}
	var none *dialect.NoValueError
	if _, err := d.Decode(variable, &store.Secret{Payload: []byte("null"), Form: store.Object}); !errors.As(err, &none) || none.Stop {
		t.Errorf("a secret without a value: %v", err)
	}
	for _, v := range []dialect.Value{{}, {Data: int64(5)}, {Data: "\xff"}} {
		if _, err := d.Encode(variable, v); store.CodeOf(err) != store.Invalid {
			t.Errorf("Encode(%v) = %v", v.Data, err)
		}
	}
	if _, err := d.Encode(connection, dialect.Value{Data: ""}); store.CodeOf(err) != store.Invalid {
		t.Errorf("Encode(an empty connection) = %v", err)
	}
	if s, err := d.Encode(connection, dialect.Value{Connection: &airflow.Connection{Type: "http", Host: "h"}}); err != nil || !strings.Contains(string(s.Payload), `"host": "h"`) {
		t.Errorf("Encode(fields) = %v", err)
	}
}
