package dialect_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/envstore"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

// metaInput is the input of a case of metastore.json.
type metaInput struct {
	Kind      string                       `json:"kind"`
	Model     string                       `json:"model"` // of a write case
	FernetKey string                       `json:"fernet_key"`
	Rows      []map[string]json.RawMessage `json:"rows"`
	ID        string                       `json:"id"`
	TeamName  *string                      `json:"team_name"`
	Teams     []string                     `json:"teams"`
	MultiTeam *bool                        `json:"multi_team"`
}

func (in metaInput) team() string {
	if in.TeamName == nil {
		return ""
	}
	return *in.TeamName
}

// outcome is what Airflow answered; Connection and Value tell null from
// absent by their presence.
type outcome struct {
	Value      json.RawMessage `json:"value"`
	Connection json.RawMessage `json:"connection"`
	Error      *pyError        `json:"error"`
	Logs       []struct {
		Level   string `json:"level"`
		Message string `json:"message"`
	} `json:"logs"`
}

type pyError struct {
	Type    string `json:"type"`
	Module  string `json:"module"`
	Message string `json:"message"`
}

// unheard are messages of Airflow that have nothing to do with a look-up.
var unheard = []string{"Skipping masking for a secret as it's too short (<5 chars)"} // once for each process

func TestVectorsMetastore(t *testing.T) {
	for name, engine := range metaEngines() {
		skip := onlySQLite
		if name == "SQLite" {
			skip = nil
		}
		t.Run(name, func(t *testing.T) { metastoreCases(t, engine(t), skip) })
	}
}

// onlySQLite leaves out rows that a column with a type of its own refuses.
func onlySQLite(t *testing.T, c vectors.Case) string {
	var in metaInput
	strict(t, c.Input, &in)
	for _, row := range in.Rows {
		if strings.HasPrefix(string(row["port"]), `"`) {
			return "only SQLite holds text in an integer column"
		}
	}
	return ""
}

func metastoreCases(t *testing.T, engine metaEngine, skip func(*testing.T, vectors.Case) string) {
	vectors.Run(t, vectors.Metastore, skip, func(t *testing.T, c vectors.Case) {
		var in metaInput
		strict(t, c.Input, &in)
		switch in.Kind {
		case "variable", "connection":
			var expect struct {
				Backend  *outcome `json:"metastore_backend"`
				ModelGet *outcome `json:"model_get"`
			}
			strict(t, c.Expect, &expect)
			if expect.Backend == nil || expect.ModelGet == nil {
				t.Fatal("the case lacks an outcome")
			}
			runMetastore(t, engine, in, expect.Backend, expect.ModelGet)
		case "write":
			runWrite(t, in, c.Expect)
		default:
			t.Fatalf("a case of unknown kind %q", in.Kind)
		}
	})
}

// strict decodes and fails on a member that is not understood.
func strict(t *testing.T, raw json.RawMessage, to any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		t.Fatalf("the case is not understood: %v", err)
	}
}

// python decodes a value as Python sees it.
func python(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	v, err := pyjson.Decode(string(raw))
	if err != nil {
		t.Fatalf("the case is not understood: %v", err)
	}
	return v
}

// header is the part of the file's header that makes a database.
func header(t *testing.T) (statements []string) {
	t.Helper()
	files, err := vectors.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Family() != vectors.Metastore {
			continue
		}
		var ddl map[string]string
		strict(t, f.Header["ddl_sqlite"], &ddl)
		for _, table := range []string{"team", "connection", "variable"} {
			if ddl[table] == "" {
				t.Fatalf("%s: no DDL of table %s", f.Name, table)
			}
			statements = append(statements, ddl[table])
		}
		var indexes []string
		strict(t, f.Header["indexes"], &indexes)
		return append(statements, indexes...)
	}
	t.Fatal("no header")
	return nil
}

func (in metaInput) open(t *testing.T, engine metaEngine) *metadbstore.Store {
	t.Helper()
	var rows []map[string]any
	for _, raw := range in.Rows {
		row := map[string]any{}
		for column, v := range raw {
			row[column] = python(t, v)
		}
		rows = append(rows, row)
	}
	return engine(t, in.Kind, in.Teams, rows)
}

func runMetastore(t *testing.T, engine metaEngine, in metaInput, backend, modelGet *outcome) {
	s := in.open(t, engine)
	d := dialect.MetaDB{FernetKey: in.FernetKey}
	ref := airflow.Ref{Kind: airflow.Kind(in.Kind), ID: in.ID, Team: in.team()}

	got, err := s.Get(t.Context(), d.Names(ref).Names[0])
	missing := errors.Is(err, store.ErrNotFound)
	if err != nil && !missing {
		t.Fatal(err)
	}
	var v dialect.Value
	var decodeErr error
	if !missing {
		v, decodeErr = d.Decode(ref, got)
	}
	levels := levelsOf(v, decodeErr)
	if ref.Kind == airflow.KindVariable {
		checkVariable(t, backend, v, decodeErr)
	} else {
		checkConnection(t, backend, d, ref, got)
	}
	checkLevels(t, "metastore_backend", backend, levels)

	multiTeam := in.MultiTeam != nil && *in.MultiTeam
	r := airlock.Resolver{Reading: airflow.ORM, SingleTeam: !multiTeam, Sources: []airlock.Source{
		{Layer: airlock.LayerEnvironment, Class: airlock.ClassEnvironment, Store: envstore.New("environment", nil), Dialect: dialect.Env{MultiTeam: multiTeam}},
		{Layer: airlock.LayerMetadata, Class: airlock.ClassMetastore, Store: s, Dialect: d},
	}}
	res, err := r.Lookup(t.Context(), ref, nil)
	if ref.Kind == airflow.KindConnection && len(res.Attempts) == 2 && res.Attempts[1].Err != nil {
		levels = append(levels, "debug")
	}
	checkModelGet(t, modelGet, res, err)
	checkLevels(t, "model_get", modelGet, levels)
}

// levelsOf are the levels at which Airflow logs what came of a row.
func levelsOf(v dialect.Value, err error) (levels []string) {
	var none *dialect.NoValueError
	if errors.As(err, &none) && none.Warn {
		levels = append(levels, "error")
	}
	// Airflow warns of an empty key when it first needs one.
	if v.Warning != "" || err != nil && strings.Contains(err.Error(), "core.fernet_key is empty") {
		levels = append(levels, "warning")
	}
	return levels
}

func checkLevels(t *testing.T, what string, want *outcome, levels []string) {
	t.Helper()
	var wanted []string
	for _, l := range want.Logs {
		if !slices.Contains(unheard, l.Message) {
			wanted = append(wanted, l.Level)
		}
	}
	got, expected := slices.Compact(slices.Sorted(slices.Values(levels))), slices.Compact(slices.Sorted(slices.Values(wanted)))
	if !slices.Equal(got, expected) {
		t.Errorf("%s: log levels %q, want %q", what, got, expected)
	}
}

// runWrite compares with the raw columns of a model that was constructed.
func runWrite(t *testing.T, in metaInput, rawExpect json.RawMessage) {
	d := dialect.MetaDB{FernetKey: in.FernetKey}
	ref := airflow.Ref{Kind: airflow.Kind(in.Model), ID: "x"}
	v, secretColumn, plain := dialect.Value{Data: "hello"}, "val", "hello"
	if ref.Kind == airflow.KindConnection {
		v = dialect.Value{Data: `{"conn_type": "t", "password": "pass", "extra": {"a": 1}}`}
		secretColumn, plain = "password", "pass"
	}
	s, err := d.Encode(ref, v)
	if err != nil {
		t.Fatal(err)
	}
	row, ok := python(t, s.Payload).(*pyjson.Object)
	if !ok {
		t.Fatal("the row is no object")
	}
	written, _ := row.Get(secretColumn)
	var expect map[string]json.RawMessage
	strict(t, rawExpect, &expect)
	for member, raw := range expect {
		var got any
		switch member {
		case "is_encrypted", "is_extra_encrypted":
			got, _ = row.Get(member)
		case "val_is_plain", "password_column_is_plain":
			got = written == plain
		case "decrypts_with_first_key":
			first, _, _ := strings.Cut(in.FernetKey, ",")
			f, err := airflow.ParseFernet(first)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := written.(string)
			b, err := f.Decrypt(text)
			if err != nil {
				t.Error(err)
			}
			got = string(b)
		default:
			t.Errorf("a member %q that is not understood", member)
			continue
		}
		if !reflect.DeepEqual(got, python(t, raw)) {
			t.Errorf("%s = %v, want %s", member, got, raw)
		}
	}
}
