package azurestore

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

func TestVectorsLookupPathsAzure(t *testing.T) {
	vectors.Run(t, vectors.LookupPaths, otherBackend, func(t *testing.T, c vectors.Case) {
		var in vectorInput
		var want struct {
			Result            json.RawMessage                           `json:"result"`
			Requests          []string                                  `json:"requests"`
			Client            []vectorClient                            `json:"client"`
			Warnings          []struct{ Level, Logger, Message string } `json:"warnings_logged"`
			ConstructionError *pythonError                              `json:"construction_error"`
			Error             *pythonError                              `json:"error"`
		}
		strict(t, c.Input, &in)
		strict(t, c.Expect, &want)
		s := start(t, in, []vectorAnswer{{Raise: "azure.ResourceNotFoundError"}})
		if want.ConstructionError != nil {
			wantPython(t, "the error of construction", s.constructionErr, want.ConstructionError)
			return
		}
		if s.constructionErr != nil {
			t.Fatalf("construction fails: %v", s.constructionErr)
		}
		value, err := s.lookup(t.Context())
		switch {
		case want.Error != nil:
			wantPython(t, "the error", err, want.Error)
		case err != nil:
			t.Errorf("the look-up fails: %v", err)
		default:
			wantJSON(t, "the result", value, want.Result)
		}
		if !slices.Equal(s.vault.names, want.Requests) {
			t.Errorf("asked for %q, want %q", s.vault.names, want.Requests)
		}
		if got := s.client(); !reflect.DeepEqual(got, want.Client) {
			t.Errorf("the client is %+v, want %+v", got, want.Client)
		}
		var warnings, levels []string
		for _, level := range s.log.levels {
			if level != "debug" {
				warnings = append(warnings, level)
			}
		}
		for _, w := range want.Warnings {
			levels = append(levels, w.Level)
		}
		if !slices.Equal(warnings, levels) {
			t.Errorf("warned at %q, want %q", warnings, levels)
		}
	})
}

func TestVectorsStoreValuesAzure(t *testing.T) {
	vectors.Run(t, vectors.StoreValues, otherBackend, func(t *testing.T, c vectors.Case) {
		var in vectorInput
		var want struct {
			Result   json.RawMessage `json:"result"`
			Type     *string         `json:"result_type"`
			Error    *pythonError    `json:"error"`
			Logs     []struct{ Level, Message string }
			Requests []string        `json:"requests"`
			SDK      json.RawMessage `json:"get_connection_sdk"`
			ORM      json.RawMessage `json:"get_connection_orm"`
			SDKError *pythonError    `json:"get_connection_sdk_error"`
			ORMError *pythonError    `json:"get_connection_orm_error"`
		}
		strict(t, c.Input, &in)
		strict(t, c.Expect, &want)
		s := start(t, in, in.Store)
		if s.constructionErr != nil {
			t.Fatal(s.constructionErr)
		}
		value, err := s.lookup(t.Context())
		switch {
		case want.Error != nil:
			wantPython(t, "the error", err, want.Error)
		case err != nil:
			t.Errorf("the look-up fails: %v", err)
		default:
			wantJSON(t, "the result", value, want.Result)
			if want.Type != nil && pyjson.TypeName(value) != *want.Type {
				t.Errorf("the result is a %s, want a %s", pyjson.TypeName(value), *want.Type)
			}
		}
		if !slices.Equal(s.vault.names, want.Requests) {
			t.Errorf("asked for %q, want %q", s.vault.names, want.Requests)
		}
		var levels []string
		for _, l := range want.Logs {
			levels = append(levels, l.Level)
		}
		if !slices.Equal(s.log.levels, levels) {
			t.Errorf("logged at %q, want %q", s.log.levels, levels)
		}
		checkConnection(t, airflow.SDK, s.ref.ID, value, want.SDK, want.SDKError)
		checkConnection(t, airflow.ORM, s.ref.ID, value, want.ORM, want.ORMError)
	})
}

// checkConnection compares what get_connection makes of the value: nothing of
// one that is empty.
func checkConnection(t *testing.T, r airflow.Reading, id string, value any, want json.RawMessage, wantErr *pythonError) {
	t.Helper()
	if want == nil && wantErr == nil {
		return
	}
	what := fmt.Sprintf("get_connection of the %s", r)
	text, _ := value.(string)
	if text == "" {
		wantJSON(t, what, nil, want)
		return
	}
	c, err := airflow.ParseConnection(id, text, r)
	if wantErr != nil {
		wantPython(t, "the error of "+what, err, wantErr)
		return
	}
	if err != nil {
		t.Errorf("%s fails: %v", what, err)
		return
	}
	uri, err := c.URI()
	if err != nil {
		t.Errorf("get_uri of the %s fails: %v", r, err)
	}
	expected, err := pyjson.Decode(string(want))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]any{"conn_type": c.Type, "description": c.Description, "host": c.Host, "login": c.Login, "password": c.Password,
		"schema": c.Schema, "port": c.Port, "extra": c.Extra, "get_uri": uri}
	for _, name := range expected.(*pyjson.Object).Keys() {
		e, _ := expected.(*pyjson.Object).Get(name)
		if got, known := fields[name]; !known || pyjson.Encode(got) != pyjson.Encode(e) {
			t.Errorf("%s: %s is %s, want %s", what, name, pyjson.Encode(got), pyjson.Encode(e))
		}
	}
}
