package gcpstore

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/internal/vectors/backendcase"
)

// pathsExpect is the expect of the family lookup_paths.
type pathsExpect struct {
	Result            json.RawMessage                           `json:"result"`
	Requests          []string                                  `json:"requests"`
	DefaultScopes     []any                                     `json:"google_auth_default_scopes"`
	Warnings          []struct{ Level, Logger, Message string } `json:"warnings_logged"`
	ConstructionError *vectors.PythonError                      `json:"construction_error"`
	Error             *vectors.PythonError                      `json:"error"`
}

func TestVectorsLookupPathsGCP(t *testing.T) {
	vectors.Run(t, vectors.LookupPaths, otherBackend, func(t *testing.T, c vectors.Case) {
		var in vectorInput
		var want pathsExpect
		vectors.Strict(t, c.Input, &in)
		vectors.Strict(t, c.Expect, &want)
		missing := "google.NotFound"
		s := start(t, in, []vectorAnswer{{Raise: &missing}})
		if want.ConstructionError != nil {
			want.ConstructionError.Want(t, "the error of construction", s.constructionErr, inPython(nil))
			return
		}
		if s.constructionErr != nil {
			t.Fatalf("construction fails: %v", s.constructionErr)
		}
		if got := s.askedDefault(t); !reflect.DeepEqual(got, want.DefaultScopes) && len(got)+len(want.DefaultScopes) > 0 {
			t.Errorf("google.auth.default is asked with %v, want %v", got, want.DefaultScopes)
		}
		value, err := s.lookup(t.Context())
		if want.Error != nil {
			want.Error.Want(t, "the error", err, inPython(nil))
		} else if err != nil {
			t.Errorf("the look-up fails: %v", err)
		} else {
			vectors.WantJSON(t, "the result", value, want.Result)
		}
		if !slices.Equal(s.server.names, want.Requests) {
			t.Errorf("asked for %q, want %q", s.server.names, want.Requests)
		}
		var levels []string
		for _, w := range want.Warnings {
			levels = append(levels, w.Level)
		}
		if !slices.Equal(s.log.above(), levels) {
			t.Errorf("logged at %q, want %q", s.log.above(), levels)
		}
	})
}

// valuesExpect is the expect of the family store_values.
type valuesExpect struct {
	Result     json.RawMessage                   `json:"result"`
	ResultType *string                           `json:"result_type"`
	Error      *vectors.PythonError              `json:"error"`
	Logs       []struct{ Level, Message string } `json:"logs"`
	Requests   []string                          `json:"requests"`
	SDK        json.RawMessage                   `json:"get_connection_sdk"`
	ORM        json.RawMessage                   `json:"get_connection_orm"`
	SDKError   *vectors.PythonError              `json:"get_connection_sdk_error"`
	ORMError   *vectors.PythonError              `json:"get_connection_orm_error"`
}

func TestVectorsStoreValuesGCP(t *testing.T) {
	vectors.Run(t, vectors.StoreValues, otherBackend, func(t *testing.T, c vectors.Case) {
		var in vectorInput
		var want valuesExpect
		vectors.Strict(t, c.Input, &in)
		vectors.Strict(t, c.Expect, &want)
		s := start(t, in, in.Store)
		if s.constructionErr != nil {
			t.Fatal(s.constructionErr)
		}
		value, err := s.lookup(t.Context())
		inPython := inPython(in.Store[min(len(s.server.names), len(in.Store))-1].bytes(t))
		switch {
		case want.Error != nil:
			want.Error.Want(t, "the error", err, inPython)
		case err != nil:
			t.Errorf("the look-up fails: %v", err)
		default:
			vectors.WantJSON(t, "the result", value, want.Result)
			if want.ResultType != nil && pyjson.TypeName(value) != *want.ResultType {
				t.Errorf("the result is a %s, want a %s", pyjson.TypeName(value), *want.ResultType)
			}
		}
		if !slices.Equal(s.server.names, want.Requests) {
			t.Errorf("asked for %q, want %q", s.server.names, want.Requests)
		}
		var levels []string
		for _, l := range want.Logs {
			levels = append(levels, l.Level)
		}
		if !slices.Equal(s.log.levels, levels) {
			t.Errorf("logged at %q, want %q", s.log.levels, levels)
		}
		backendcase.WantConnection(t, airflow.SDK, s.ref.ID, value, want.SDK, want.SDKError, inPython)
		backendcase.WantConnection(t, airflow.ORM, s.ref.ID, value, want.ORM, want.ORMError, inPython)
	})
}
