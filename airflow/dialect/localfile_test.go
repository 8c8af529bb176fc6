package dialect_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

func TestLocalFileKwargs(t *testing.T) {
	tests := []struct {
		kwargs string
		want   dialect.LocalFile
		class  string
	}{
		{`{}`, dialect.LocalFile{}, ""},
		{`{"variables_file_path": "v.json", "connections_file_path": "c.yaml", "configs_file_path": "k.env"}`, dialect.LocalFile{Variables: "v.json", Connections: "c.yaml", Configs: "k.env"}, ""},
		{`{"variables_file_path": null, "connections_file_path": "", "configs_file_path": 0}`, dialect.LocalFile{}, ""},
		{`{"variables_file_path": 5}`, dialect.LocalFile{}, "TypeError"},
		{`{"variables_path": "v.json"}`, dialect.LocalFile{}, "TypeError"},
	}
	for _, tt := range tests {
		v, err := pyjson.Decode(tt.kwargs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := dialect.LocalFileFromKwargs(v.(*pyjson.Object))
		var python *airflow.Error
		if got != tt.want || (err != nil) != (tt.class != "") || tt.class != "" && (!errors.As(err, &python) || python.Type != tt.class) {
			t.Errorf("LocalFileFromKwargs(%s) = %+v, %v", tt.kwargs, got, err)
		}
	}
}

func TestLocalFileNames(t *testing.T) {
	d := dialect.LocalFile{Variables: "v.json"}
	ref := airflow.Ref{Kind: airflow.KindVariable, ID: "a/b", Team: "ignored"}
	if got := d.Names(ref); !slices.Equal(got.Names, []string{"variable/a/b"}) {
		t.Errorf("Names = %+v", got)
	}
	if got := d.Names(airflow.Ref{Kind: airflow.KindConnection, ID: "x"}); got.Names != nil || got.Skip == "" || got.Warn {
		t.Errorf("Names without a file = %+v", got)
	}
	ref.Team = ""
	if got := d.Refs("variable/a/b"); !slices.Equal(got, []airflow.Ref{ref}) {
		t.Errorf("Refs = %v", got)
	}
	for _, name := range []string{"variable/", "connection/x", "x", ""} {
		if got := d.Refs(name); got != nil {
			t.Errorf("Refs(%q) = %v", name, got)
		}
	}
}

// TestLocalFileValues: what is written comes back.
func TestLocalFileValues(t *testing.T) {
	d := dialect.LocalFile{Variables: "v.json", Connections: "c.json"}
	variable, connection := airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, airflow.Ref{Kind: airflow.KindConnection, ID: "x"}
	for _, v := range []any{"text", "", int64(5), true, []any{"a"}} {
		s, err := d.Encode(variable, dialect.Value{Data: v})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Decode(variable, s); err != nil || pyjson.Encode(got.Data) != pyjson.Encode(v) {
			t.Errorf("%v comes back as %v, %v", v, got.Data, err)
		}
	}
	for _, v := range []dialect.Value{{Data: "http://u:p@h/s"}, {Connection: &airflow.Connection{Type: "http", Host: "h"}}} {
		s, err := d.Encode(connection, v)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := d.Decode(connection, s); err != nil || got.Connection == nil || got.Connection.Host != "h" {
			t.Errorf("%+v comes back as %+v, %v", v, got, err)
		}
	}
	var none *dialect.NoValueError
	if _, err := d.Decode(variable, &store.Secret{Payload: []byte("null"), Form: store.Object}); !errors.As(err, &none) {
		t.Errorf("null: %v", err)
	}
	if _, err := d.Decode(variable, &store.Secret{Payload: []byte("{"), Form: store.Object}); store.CodeOf(err) != store.Corrupt {
		t.Errorf("no JSON: %v", err)
	}
	for ref, v := range map[airflow.Ref]any{variable: nil, connection: "http://h:port"} {
		if _, err := d.Encode(ref, dialect.Value{Data: v}); store.CodeOf(err) != store.Invalid {
			t.Errorf("Encode(%v) = %v", v, err)
		}
	}
}
