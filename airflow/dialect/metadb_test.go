package dialect_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

const fernetKey = "MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="

func TestMetaDBNames(t *testing.T) {
	for _, c := range []struct {
		ref  airflow.Ref
		name string
	}{
		{airflow.Ref{Kind: airflow.KindVariable, ID: "a/b @ %"}, "variable/a/b @ %"},
		{airflow.Ref{Kind: airflow.KindConnection, ID: "x"}, "connection/x"},
		{airflow.Ref{Kind: airflow.KindConnection, ID: "x", Team: "a/b@c"}, "connection@a%2Fb@c/x"},
		{airflow.Ref{Kind: airflow.KindConfig, ID: "x"}, ""},
		{airflow.Ref{Kind: airflow.KindVariable}, ""},
	} {
		got := dialect.MetaDB{}.Names(c.ref)
		if c.name == "" {
			if len(got.Names) != 0 || got.Skip == "" || got.Warn {
				t.Errorf("Names(%s) = %+v, want none and why", c.ref, got)
			}
			continue
		}
		if !slices.Equal(got.Names, []string{c.name}) || c.name != metadbstore.Name(string(c.ref.Kind), c.ref.Team, c.ref.ID) {
			t.Errorf("Names(%s) = %+v, want %q", c.ref, got, c.name)
		}
		if refs := (dialect.MetaDB{}).Refs(c.name); !slices.Equal(refs, []airflow.Ref{c.ref}) {
			t.Errorf("Refs(%q) = %v, want %s", c.name, refs, c.ref)
		}
	}
	for _, name := range []string{"", "variable", "variable/", "variable@/x", "variable@%2f/x", "config/x", "x/y"} {
		if refs := (dialect.MetaDB{}).Refs(name); refs != nil {
			t.Errorf("Refs(%q) = %v, want none", name, refs)
		}
	}
}

func TestMetaDBEncodeComesBackThroughADatabase(t *testing.T) {
	uri := "mysql://user:p%40ss@h:3306/s?a=1"
	for _, key := range []string{"", fernetKey} {
		d := dialect.MetaDB{FernetKey: key}
		for _, c := range []struct {
			ref   airflow.Ref
			value string
		}{
			{airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, "hello"},
			{airflow.Ref{Kind: airflow.KindVariable, ID: "empty"}, ""},
			{airflow.Ref{Kind: airflow.KindVariable, ID: "ü", Team: "A"}, "ü\n"},
			{airflow.Ref{Kind: airflow.KindConnection, ID: "c"}, uri},
			{airflow.Ref{Kind: airflow.KindConnection, ID: "bare", Team: "A"}, "fs://"},
		} {
			s, err := d.Encode(c.ref, dialect.Value{Data: c.value})
			if err != nil {
				t.Errorf("Encode(%s): %v", c.ref, err)
				continue
			}
			var row map[string]any
			if err := json.Unmarshal(s.Payload, &row); err != nil {
				t.Fatal(err)
			}
			if key != "" && c.value != "" && bytes.Contains(s.Payload, []byte("p@ss")) {
				t.Errorf("Encode(%s) holds the password", c.ref)
			}
			db := metaDatabase(t, string(c.ref.Kind), []string{"A"}, []map[string]any{row})
			got, err := db.Get(t.Context(), d.Names(c.ref).Names[0])
			if err != nil {
				t.Fatal(err)
			}
			back, err := d.Decode(c.ref, got)
			if err != nil {
				t.Errorf("Decode(%s): %v", c.ref, err)
				continue
			}
			if c.ref.Kind == airflow.KindVariable {
				if back.Data != c.value {
					t.Errorf("%s comes back as %#v", c.ref, back.Data)
				}
				continue
			}
			want, err := airflow.ParseConnection(c.ref.ID, c.value, airflow.ORM)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(back.Connection, want) {
				t.Errorf("%s does not come back the same", c.ref)
			}
		}
	}
}

func TestMetaDBEncodeRefuses(t *testing.T) {
	variable := airflow.Ref{Kind: airflow.KindVariable, ID: "x"}
	connection := airflow.Ref{Kind: airflow.KindConnection, ID: "x"}
	for _, c := range []struct {
		what string
		key  string
		ref  airflow.Ref
		v    dialect.Value
	}{
		{"a variable that is no string", "", variable, dialect.Value{Data: int64(1)}},
		{"no value", "", variable, dialect.Value{}},
		{"an option", "", airflow.Ref{Kind: airflow.KindConfig, ID: "x"}, dialect.Value{Data: "v"}},
		{"an empty connection", "", connection, dialect.Value{Data: ""}},
		{"a URI that does not parse", "", connection, dialect.Value{Data: "mysql://h:hunter2x/"}},
		{"a connection without a type", "", connection, dialect.Value{Data: `{"host": "hunter2x"}`}},
		{"an extra that is no object", "", connection, dialect.Value{Connection: &airflow.Connection{Type: "t", Extra: "hunter2x"}}},
		{"a password that is no string", "", connection, dialect.Value{Connection: &airflow.Connection{Type: "t", Password: int64(7)}}},
		{"a malformed key", "hunter2x", variable, dialect.Value{Data: "v"}},
	} {
		_, err := dialect.MetaDB{FernetKey: c.key}.Encode(c.ref, c.v)
		if store.CodeOf(err) != store.Invalid || strings.Contains(err.Error(), "hunter2x") {
			t.Errorf("%s: %v, want invalid and nothing of the value", c.what, err)
		}
	}
}

func TestMetaDBEncodeIsReproducible(t *testing.T) {
	d := dialect.MetaDB{FernetKey: fernetKey, Now: func() time.Time { return time.Unix(1700000000, 0) }}
	var seen []string
	for range 2 {
		d.Random = bytes.NewReader(bytes.Repeat([]byte{7}, 64))
		s, err := d.Encode(airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, dialect.Value{Data: "v"})
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, string(s.Payload))
	}
	if seen[0] != seen[1] {
		t.Errorf("two rows of the same time and randomness differ")
	}
}

func TestMetaDBDecodeOfOddRows(t *testing.T) {
	variable := airflow.Ref{Kind: airflow.KindVariable, ID: "x"}
	connection := airflow.Ref{Kind: airflow.KindConnection, ID: "x"}
	for _, c := range []struct {
		what    string
		ref     airflow.Ref
		payload string
		pyType  string // of an *airflow.Error; "none" and "corrupt" for those
	}{
		{"no JSON", variable, "x", "corrupt"},
		{"no object", variable, "[]", "corrupt"},
		{"no value", variable, `{"key": "x", "val": null, "is_encrypted": 1}`, "none"},
		{"an empty value with the flag", variable, `{"val": "", "is_encrypted": 1}`, "none"},
		{"an encrypted number", variable, `{"val": 7, "is_encrypted": 1}`, "none"},
		{"an encrypted number as password", connection, `{"conn_type": "t", "password": 7, "is_encrypted": 1}`, "TypeError"},
		{"garbage as extra", connection, `{"conn_type": "t", "extra": "x", "is_extra_encrypted": true}`, "InvalidToken"},
		{"an extra that is no object", connection, `{"conn_type": "t", "extra": "[]"}`, "ValueError"},
		{"empty password and extra with the flags", connection, `{"conn_type": "t", "password": "", "extra": "", "is_encrypted": 1, "is_extra_encrypted": 1}`, ""},
		{"a row of an old schema", connection, `{"conn_type": "t"}`, ""},
	} {
		_, err := dialect.MetaDB{FernetKey: fernetKey}.Decode(c.ref, &store.Secret{Form: store.Object, Payload: []byte(c.payload)})
		var none *dialect.NoValueError
		var py *airflow.Error
		got := ""
		switch {
		case errors.As(err, &none):
			got = "none"
		case errors.Is(err, store.ErrCorrupt):
			got = "corrupt"
		case errors.As(err, &py):
			got = py.Type
		}
		if got != c.pyType || (err == nil) != (got == "") {
			t.Errorf("%s: %v, want %q", c.what, err, c.pyType)
		}
	}
}
