package vaultstore

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

// valuesExpect is the expect of the family store_values.
type valuesExpect struct {
	Result     json.RawMessage `json:"result"`
	ResultType *string         `json:"result_type"`
	Error      *pythonError    `json:"error"`
	Logs       []struct{ Level, Message string }
	Requests   []string        `json:"requests"`
	SDK        json.RawMessage `json:"get_connection_sdk"`
	ORM        json.RawMessage `json:"get_connection_orm"`
	SDKError   *pythonError    `json:"get_connection_sdk_error"`
	ORMError   *pythonError    `json:"get_connection_orm_error"`
}

func TestVectorsStoreValuesVault(t *testing.T) {
	vectors.Run(t, vectors.StoreValues, otherBackend, func(t *testing.T, c vectors.Case) {
		var in vectorInput
		var want valuesExpect
		strict(t, c.Input, &in)
		strict(t, c.Expect, &want)
		s := start(t, in, in.Store)
		if s.constructionErr != nil {
			t.Fatal(s.constructionErr)
		}
		value, _, err := s.lookup(t.Context())
		switch {
		case want.Error != nil:
			wantPython(t, "the error", s.ref.Kind, err, want.Error)
		case err != nil:
			t.Errorf("the look-up fails: %v", err)
		default:
			wantJSON(t, "the result", value, want.Result)
			if want.ResultType != nil && pyjson.TypeName(value) != *want.ResultType {
				t.Errorf("the result is a %s, want a %s", pyjson.TypeName(value), *want.ResultType)
			}
		}
		checkTrace(t, s, &want)
		checkConnection(t, airflow.SDK, s.ref.ID, value, want.SDK, want.SDKError)
		checkConnection(t, airflow.ORM, s.ref.ID, value, want.ORM, want.ORMError)
	})
}

// checkTrace compares what was sent and at which levels was logged.
func checkTrace(t *testing.T, s *session, want *valuesExpect) {
	t.Helper()
	var sent []string
	for _, r := range s.server.sent {
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, r.Method+" "+u.EscapedPath())
	}
	if !slices.Equal(sent, want.Requests) {
		t.Errorf("sent %q, want %q", sent, want.Requests)
	}
	var levels []string
	for _, l := range want.Logs {
		levels = append(levels, l.Level)
	}
	if !slices.Equal(s.log.levels, levels) {
		t.Errorf("logged at %q, want %q", s.log.levels, levels)
	}
}

// checkConnection compares what get_connection makes of the value.
func checkConnection(t *testing.T, r airflow.Reading, id string, value any, want json.RawMessage, wantErr *pythonError) {
	t.Helper()
	if want == nil && wantErr == nil {
		return
	}
	what := fmt.Sprintf("get_connection of the %s", r)
	if value == nil {
		wantJSON(t, what, nil, want)
		return
	}
	text, ok := value.(string)
	var c *airflow.Connection
	err := error(&airflow.Error{Type: "AttributeError", Message: fmt.Sprintf("'%s' object has no attribute 'strip'", pyjson.TypeName(value))})
	if ok {
		c, err = airflow.ParseConnection(id, text, r)
	}
	if wantErr != nil {
		wantPython(t, "the error of "+what, airflow.KindConnection, err, wantErr)
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
	got := pyjson.NewObject()
	for name, v := range map[string]any{
		"conn_type": c.Type, "description": c.Description, "host": c.Host, "login": c.Login, "password": c.Password,
		"schema": c.Schema, "port": c.Port, "extra": c.Extra, "get_uri": uri,
	} {
		got.Set(name, v)
	}
	wantJSON(t, what, got, want)
}
