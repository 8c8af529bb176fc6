// Package backendcase compares what secrets backends answer with the cases of
// package vectors. It is apart from that package because package airflow's own
// tests use the other.
package backendcase

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
)

// Kind is the kind of reference that an operation of a case asks for.
func Kind(t *testing.T, operation string) airflow.Kind {
	t.Helper()
	kind, ok := map[string]airflow.Kind{
		"get_conn_value": airflow.KindConnection, "get_variable": airflow.KindVariable, "get_config": airflow.KindConfig,
	}[operation]
	if !ok {
		t.Fatalf("operation %q is not understood", operation)
	}
	return kind
}

// WantConnection compares what get_connection makes of a backend's value with
// what a case has: want, or wantErr, or neither, where it does not say.
func WantConnection(t *testing.T, r airflow.Reading, id string, value any, want json.RawMessage, wantErr *vectors.PythonError, inPython func(error) vectors.PythonError) {
	t.Helper()
	if want == nil && wantErr == nil {
		return
	}
	what := fmt.Sprintf("get_connection of the %s", r)
	if value == nil || value == "" {
		vectors.WantJSON(t, what, nil, want)
		return
	}
	got, err := connection(r, id, value)
	if wantErr != nil {
		wantErr.Want(t, "the error of "+what, err, inPython)
		return
	}
	if err != nil {
		t.Errorf("%s fails: %v", what, err)
		return
	}
	vectors.WantJSON(t, what, got, want)
}

// connection is the fields of the connection that value stands for.
func connection(r airflow.Reading, id string, value any) (*pyjson.Object, error) {
	text, ok := value.(string)
	if !ok {
		return nil, &airflow.Error{Type: "AttributeError", Message: fmt.Sprintf("'%s' object has no attribute 'strip'", pyjson.TypeName(value))}
	}
	c, err := airflow.ParseConnection(id, text, r)
	if err != nil {
		return nil, err
	}
	uri, err := c.URI()
	if err != nil {
		return nil, err
	}
	o := pyjson.NewObject()
	for name, v := range map[string]any{
		"conn_type": c.Type, "description": c.Description, "host": c.Host, "login": c.Login, "password": c.Password,
		"schema": c.Schema, "port": c.Port, "extra": c.Extra, "get_uri": uri,
	} {
		o.Set(name, v)
	}
	return o, nil
}
