package awsconn_test

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
	Result   json.RawMessage `json:"result"`
	Requests []string        `json:"requests"`
	HTTP     *struct {
		Target string           `json:"target"`
		URL    string           `json:"url"`
		Bodies []map[string]any `json:"bodies"`
	} `json:"http"`
	Warnings          []struct{ Level, Logger, Message string } `json:"warnings_logged"`
	ConstructionError *vectors.PythonError                      `json:"construction_error"`
	Error             *vectors.PythonError                      `json:"error"`
}

// missing is how each service says that there is nothing.
func missing(backend string) []vectorAnswer {
	code := "ResourceNotFoundException"
	if backend == "ssm" {
		code = "ParameterNotFound"
	}
	return []vectorAnswer{{Status: 400, Code: code, Body: json.RawMessage(`{"message": "nf"}`)}}
}

func TestVectorsLookupPathsAWS(t *testing.T) {
	vectors.Run(t, vectors.LookupPaths, otherBackend, func(t *testing.T, c vectors.Case) {
		var in vectorInput
		var want pathsExpect
		vectors.Strict(t, c.Input, &in)
		vectors.Strict(t, c.Expect, &want)
		s := start(t, in, missing(in.Backend))
		if want.ConstructionError != nil {
			want.ConstructionError.Want(t, "the error of construction", s.constructionErr, inPython(in.Backend))
			return
		}
		if s.constructionErr != nil {
			t.Fatalf("construction fails: %v", s.constructionErr)
		}
		value, err := s.lookup(t.Context())
		if want.Error != nil {
			want.Error.Want(t, "the error", err, inPython(in.Backend))
		} else if err != nil {
			t.Errorf("the look-up fails: %v", err)
		} else {
			vectors.WantJSON(t, "the result", value, want.Result)
		}
		if got := s.server.asked(); len(got)+len(want.Requests) > 0 && !slices.Equal(got, want.Requests) {
			t.Errorf("asked for %q, want %q", got, want.Requests)
		}
		checkHTTP(t, s, &want)
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
			t.Errorf("logged at %q, want %q", warnings, levels)
		}
	})
}

func checkHTTP(t *testing.T, s *session, want *pathsExpect) {
	t.Helper()
	if want.HTTP == nil {
		if len(s.server.sent) > 0 {
			t.Errorf("sent %d requests, want none", len(s.server.sent))
		}
		return
	}
	var bodies []map[string]any
	for _, r := range s.server.sent {
		bodies = append(bodies, r.body)
		if r.target != want.HTTP.Target || r.url != want.HTTP.URL {
			t.Errorf("sent %s to %s, want %s to %s", r.target, r.url, want.HTTP.Target, want.HTTP.URL)
		}
	}
	if !reflect.DeepEqual(bodies, want.HTTP.Bodies) {
		t.Errorf("sent %v, want %v", bodies, want.HTTP.Bodies)
	}
}

// valuesExpect is the expect of the family store_values.
type valuesExpect struct {
	Result     json.RawMessage                   `json:"result"`
	ResultType *string                           `json:"result_type"`
	Error      *vectors.PythonError              `json:"error"`
	Logs       []struct{ Level, Message string } `json:"logs"`
	Attempts   int                               `json:"http_attempts"`
	Sleeps     int                               `json:"retry_sleeps"`
	Requests   []string                          `json:"requests"`
	SDK        json.RawMessage                   `json:"get_connection_sdk"`
	ORM        json.RawMessage                   `json:"get_connection_orm"`
	SDKError   *vectors.PythonError              `json:"get_connection_sdk_error"`
	ORMError   *vectors.PythonError              `json:"get_connection_orm_error"`
}

func TestVectorsStoreValuesAWS(t *testing.T) {
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
		switch {
		case want.Error != nil:
			want.Error.Want(t, "the error", err, inPython(in.Backend))
		case err != nil:
			t.Errorf("the look-up fails: %v", err)
		default:
			vectors.WantJSON(t, "the result", value, want.Result)
			if want.ResultType != nil && pyjson.TypeName(value) != *want.ResultType {
				t.Errorf("the result is a %s, want a %s", pyjson.TypeName(value), *want.ResultType)
			}
		}
		checkTrace(t, s, &want)
		backendcase.WantConnection(t, airflow.SDK, s.ref.ID, value, want.SDK, want.SDKError, inPython(in.Backend))
		backendcase.WantConnection(t, airflow.ORM, s.ref.ID, value, want.ORM, want.ORMError, inPython(in.Backend))
	})
}

// checkTrace compares what was sent, how often, and what was logged.
func checkTrace(t *testing.T, s *session, want *valuesExpect) {
	t.Helper()
	if got := s.server.asked(); !slices.Equal(got, want.Requests) {
		t.Errorf("asked for %q, want %q", got, want.Requests)
	}
	if len(s.server.sent) != want.Attempts || s.sleeps != want.Sleeps {
		t.Errorf("%d attempts and %d sleeps, want %d and %d", len(s.server.sent), s.sleeps, want.Attempts, want.Sleeps)
	}
	var levels []string
	for _, l := range want.Logs {
		levels = append(levels, l.Level)
	}
	if !slices.Equal(s.log.levels, levels) {
		t.Errorf("logged at %q, want %q", s.log.levels, levels)
	}
}
