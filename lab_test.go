package airlock_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // writes the metadata databases of the cases

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// lab stands for the labbackend module that the cases were made with: backend
// classes whose answers a case scripts, and records of what they were asked.
type lab struct {
	cancel      context.CancelCauseFunc
	store       *scripted
	constructed []string // kwargs as JSON, one for each construction
	initRaises  bool
}

// labNames are the names of a labbackend class: kind, id and, for a class that
// looks at it, team.
type labNames struct {
	plainNames
	team bool
}

const labSep = "\x00"

func (d labNames) Names(ref airflow.Ref) dialect.Lookup {
	name := plural[ref.Kind] + labSep + ref.ID
	if d.team && ref.Team != "" {
		name += labSep + ref.Team
	}
	return dialect.Lookup{Names: []string{name}}
}

// newLab reads the member store of a case.
func newLab(t *testing.T, text json.RawMessage, cancel context.CancelCauseFunc) *lab {
	t.Helper()
	l := &lab{cancel: cancel, store: &scripted{answers: map[string]any{}}}
	for _, kind := range decodeObject(t, text).Keys() {
		v, _ := decodeObject(t, text).Get(kind)
		if kind == "init_raise" {
			l.initRaises = v == true
			continue
		}
		if !slices.Contains([]string{"variables", "connections", "config"}, kind) {
			t.Fatalf("the case's store has a member %q", kind)
		}
		answers := v.(*pyjson.Object)
		for _, id := range answers.Keys() {
			answer, _ := answers.Get(id)
			l.store.answers[kind+labSep+id] = l.answer(t, answer)
		}
	}
	return l
}

// answer translates {v}, {raise} and a list of them.
func (l *lab) answer(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case []any:
		var list sequence
		for _, item := range v {
			list = append(list, l.answer(t, item))
		}
		return list
	case *pyjson.Object:
		if value, ok := v.Get("v"); ok && v.Len() == 1 {
			return value
		}
		if class, ok := v.Get("raise"); ok && v.Len() == 1 {
			return l.raised(class.(string))
		}
	}
	t.Fatalf("the case's store answers %s", pyjson.Encode(v))
	return nil
}

// raised is the one table from an exception of the lab to what a source of
// airlock would answer instead.
func (l *lab) raised(class string) any {
	text := errors.New("fake " + class)
	switch class {
	case "AirflowSecretsBackendAccessDenied":
		return &airlock.AccessDenied{Message: text.Error()}
	case "SystemExit", "KeyboardInterrupt":
		// The end of the process: airlock's is the end of the context.
		return func() error { l.cancel(text); return context.Canceled }
	case "PermissionError":
		return &store.Error{Op: "get", Store: "lab", Code: store.Denied, Err: text}
	}
	return &store.Error{Op: "get", Store: "lab", Code: store.Unavailable, Err: text}
}

// table is what airlock knows, and the classes of the lab.
func (l *lab) table() stores.Table {
	class := func(name string, team, noTeam, kwargs bool) stores.Row {
		return stores.Row{Class: "labbackend." + name, New: func(given *pyjson.Object, _ stores.Env) (*stores.Backend, error) {
			if given.Len() > 0 && !kwargs {
				return nil, &airflow.Error{Type: "TypeError", Message: fmt.Sprintf(
					"%s.__init__() got an unexpected keyword argument '%s'", name, given.Keys()[0])}
			}
			l.constructed = append(l.constructed, pyjson.Encode(given))
			if l.initRaises {
				return nil, &airflow.Error{Type: "RuntimeError", Message: "fake init failure"}
			}
			return &stores.Backend{Store: l.store, Dialect: labNames{team: team}, NoTeam: noTeam}, nil
		}}
	}
	return append(stores.Known(),
		class("FakeBackend", false, false, true),
		class("OtherBackend", false, false, true),
		class("TeamEcho", true, false, true),
		class("OldSignatureBackend", true, true, true),
		class("StrictBackend", false, false, false))
}

// executionAPI is the layer that a worker asks last, as a case scripts it.
func (l *lab) executionAPI(t *testing.T, text json.RawMessage) (airlock.Source, *scripted) {
	t.Helper()
	s := &scripted{answers: map[string]any{}}
	api := decodeObject(t, text)
	for _, kind := range api.Keys() {
		v, _ := api.Get(kind)
		for _, id := range v.(*pyjson.Object).Keys() {
			answer, _ := v.(*pyjson.Object).Get(id)
			s.answers[kind+labSep+id] = apiAnswer(t, strings.TrimSuffix(kind, "s"), id, answer.(*pyjson.Object))
		}
	}
	return airlock.Source{Layer: airlock.LayerMetadata, Class: airlock.ClassExecutionAPI, Store: s, Dialect: apiFields{}, NoTeam: true}, s
}

// apiAnswer translates {v}, {error} and {raise}: a refusal stops the worker,
// any other failure is None to it.
func apiAnswer(t *testing.T, kind, id string, answer *pyjson.Object) any {
	t.Helper()
	if v, ok := answer.Get("v"); ok {
		return v
	}
	if kind == "" || answer.Len() != 1 {
		t.Fatalf("the case's API answers %s", pyjson.Encode(answer))
	}
	if code, _ := answer.Get("error"); code == "PERMISSION_DENIED" {
		return &airlock.AccessDenied{Message: fmt.Sprintf("Access denied for %s '%s' by Execution API; "+
			"refusing to fall back to a less-restrictive secrets backend.", kind, id)}
	}
	return &store.Error{Op: "get", Store: "Execution API", Code: store.NotFound}
}

// apiFields reads the Execution API's answers: a connection is its fields.
type apiFields struct{ labNames }

func (d apiFields) Decode(ref airflow.Ref, s *store.Secret) (dialect.Value, error) {
	v, err := d.labNames.Decode(ref, s)
	fields, ok := v.Data.(*pyjson.Object)
	if err != nil || !ok || ref.Kind != airflow.KindConnection {
		return v, err
	}
	c, err := airflow.NewConnection(ref.ID, fields, airflow.SDK)
	return dialect.Value{Connection: c}, err
}

// metadataDB makes the metadata database of a case, as Airflow's own tables.
func metadataDB(t *testing.T, text json.RawMessage) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "airflow.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(query string, args ...any) {
		if _, err := db.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec(`CREATE TABLE team (name VARCHAR(50) NOT NULL PRIMARY KEY)`)
	exec(`CREATE TABLE variable (id INTEGER NOT NULL PRIMARY KEY, "key" VARCHAR(250) NOT NULL UNIQUE, val TEXT NOT NULL,
		description TEXT, is_encrypted BOOLEAN NOT NULL, team_name VARCHAR(50) REFERENCES team (name) ON DELETE SET NULL)`)
	exec(`CREATE TABLE connection (id INTEGER NOT NULL PRIMARY KEY, conn_id VARCHAR(250) NOT NULL UNIQUE, conn_type VARCHAR(500) NOT NULL,
		description VARCHAR(5000), host VARCHAR(500), schema VARCHAR(500), login TEXT, port INTEGER, team_name VARCHAR(50), password TEXT,
		extra TEXT, is_encrypted BOOLEAN NOT NULL, is_extra_encrypted BOOLEAN NOT NULL)`)
	rows := decodeObject(t, text)
	for _, table := range rows.Keys() {
		v, _ := rows.Get(table)
		switch table {
		case "teams":
			for _, team := range v.([]any) {
				exec(`INSERT INTO team VALUES (?)`, team)
			}
		case "variables":
			insertVariables(v.(*pyjson.Object), exec)
		case "connections":
			insertConnections(v.(*pyjson.Object), exec)
		default:
			t.Fatalf("the case's database has a member %q", table)
		}
	}
	return path
}

func insertVariables(rows *pyjson.Object, exec func(string, ...any)) {
	for _, key := range rows.Keys() {
		value, _ := rows.Get(key)
		var team any
		if o, ok := value.(*pyjson.Object); ok {
			team, _ = o.Get("team")
			value, _ = o.Get("v")
		}
		exec(`INSERT INTO variable ("key", val, is_encrypted, team_name) VALUES (?, ?, 0, ?)`, key, value, team)
	}
}

func insertConnections(rows *pyjson.Object, exec func(string, ...any)) {
	for _, id := range rows.Keys() {
		fields, _ := rows.Get(id)
		columns, values := []string{"conn_id"}, []any{id}
		for _, column := range fields.(*pyjson.Object).Keys() {
			v, _ := fields.(*pyjson.Object).Get(column)
			if column == "team" {
				column = "team_name"
			}
			columns, values = append(columns, column), append(values, v)
		}
		exec(fmt.Sprintf(`INSERT INTO connection (is_encrypted, is_extra_encrypted, %s) VALUES (0, 0%s)`,
			strings.Join(columns, ", "), strings.Repeat(", ?", len(values))), values...)
	}
}

// decodeObject reads a JSON object; nothing at all is an empty one.
func decodeObject(t *testing.T, text json.RawMessage) *pyjson.Object {
	t.Helper()
	if len(text) == 0 {
		return pyjson.NewObject()
	}
	v, err := pyjson.Decode(string(text))
	o, ok := v.(*pyjson.Object)
	if err != nil || !ok {
		t.Fatalf("%s is no JSON object (%v)", text, err)
	}
	return o
}
