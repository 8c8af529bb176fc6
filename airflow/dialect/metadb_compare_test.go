package dialect_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// modules is where Python keeps the classes that ours stand for.
var modules = map[string]string{
	"ValueError": "builtins", "TypeError": "builtins", "KeyError": "builtins", "UnicodeDecodeError": "builtins",
	"InvalidToken": "cryptography.fernet", "AirflowException": "airflow.sdk.exceptions",
	"AirflowNotFoundException": "airflow.sdk.exceptions",
}

// wordings are our own messages and Airflow's, where ours say more. The
// others have Airflow's words as their original.
var wordings = map[string]string{
	"the connection's password is encrypted, but core.fernet_key is empty: set the key that Airflow has": "Can't decrypt encrypted password, FERNET_KEY configuration is missing",
	"the connection's extra is encrypted, but core.fernet_key is empty: set the key that Airflow has":    "Can't decrypt `extra` params, FERNET_KEY configuration is missing",
}

// checkVariable compares with MetastoreBackend.get_variable.
func checkVariable(t *testing.T, want *outcome, v dialect.Value, err error) {
	t.Helper()
	var none *dialect.NoValueError
	if errors.As(err, &none) {
		err = nil
	}
	if err != nil || want.Error != nil {
		checkError(t, "metastore_backend", want.Error, err)
		return
	}
	if want.Value == nil {
		t.Fatal("metastore_backend: neither value nor error")
	}
	if expected := python(t, want.Value); !reflect.DeepEqual(v.Data, expected) {
		t.Errorf("metastore_backend: value %#v, want %#v", v.Data, expected)
	}
}

// checkConnection compares with MetastoreBackend.get_connection and the
// properties of what it returns.
func checkConnection(t *testing.T, want *outcome, d dialect.MetaDB, ref airflow.Ref, got *store.Secret) {
	t.Helper()
	if got == nil {
		if string(want.Connection) != "null" {
			t.Errorf("metastore_backend: no row, want %s", want.Connection)
		}
		return
	}
	row, ok := python(t, got.Payload).(*pyjson.Object)
	if !ok {
		t.Fatal("the row is no object")
	}
	c, extraErr, err := d.LoadConnection(ref.ID, row)
	if err != nil || want.Error != nil {
		checkError(t, "metastore_backend", want.Error, err)
		return
	}
	checkFields(t, "metastore_backend", want.Connection, c, extraErr, row)
	if _, err := d.Decode(ref, got); (err == nil) != (extraErr == nil) {
		t.Errorf("Decode: %v, extra: %v", err, extraErr)
	}
}

// checkFields compares every member of an expected connection. row is nil
// where the columns are not looked at.
func checkFields(t *testing.T, what string, raw json.RawMessage, c *airflow.Connection, extraErr error, row *pyjson.Object) {
	t.Helper()
	var want map[string]json.RawMessage
	if err := json.Unmarshal(raw, &want); err != nil || want == nil {
		t.Fatalf("%s: a connection, want %s", what, raw)
	}
	values := map[string]any{
		"conn_id": c.ID, "conn_type": c.Type, "description": c.Description, "host": c.Host, "login": c.Login,
		"password": c.Password, "schema": c.Schema, "port": c.Port,
	}
	failures := map[string]error{}
	uri, uriErr := c.URI()
	if extraErr != nil {
		failures["extra_error"], uriErr = extraErr, extraErr
	} else {
		values["extra"] = c.Extra
	}
	if row != nil {
		for _, flag := range []string{"is_encrypted", "is_extra_encrypted"} {
			v, _ := row.Get(flag)
			values[flag] = v == int64(1) || v == true
		}
		values["team_name"], _ = row.Get("team_name")
		if uriErr != nil {
			failures["get_uri_error"] = uriErr
		} else {
			values["get_uri"] = uri
		}
	}
	for member, raw := range want {
		got, isValue := values[member]
		failure, isFailure := failures[member]
		switch {
		case isFailure:
			var e pyError
			strict(t, raw, &e)
			checkError(t, what+" "+member, &e, failure)
		case !isValue:
			t.Errorf("%s: %s = %s, which we do not have", what, member, raw)
		case !reflect.DeepEqual(got, python(t, raw)):
			t.Errorf("%s: %s = %#v, want %s", what, member, got, raw)
		}
	}
	if len(want) != len(values)+len(failures) {
		t.Errorf("%s: %d members, want %d", what, len(values)+len(failures), len(want))
	}
}

// checkError compares type, module and message with Airflow's.
func checkError(t *testing.T, what string, want *pyError, got error) {
	t.Helper()
	var e *airflow.Error
	if want == nil || !errors.As(got, &e) {
		t.Errorf("%s: error %v, want %+v", what, got, want)
		return
	}
	message, ok := wordings[e.Message]
	if !ok {
		message = e.Original()
	}
	if e.Type == "UnicodeDecodeError" { // Python names the byte, which is part of a value
		message = want.Message
	}
	if e.Type != want.Type || modules[e.Type] != want.Module || message != want.Message {
		t.Errorf("%s: %s (%s): %q, want %+v", what, e.Type, modules[e.Type], message, *want)
	}
}

// checkModelGet compares with Variable.get and
// Connection.get_connection_from_secrets.
func checkModelGet(t *testing.T, want *outcome, res *airlock.Result, err error) {
	t.Helper()
	switch {
	case err != nil || want.Error != nil:
		e := airlock.AirflowError(err)
		if e == nil {
			t.Errorf("model_get: error %v, want %+v", err, want.Error)
			return
		}
		checkError(t, "model_get", want.Error, e)
	case res.Connection != nil:
		checkFields(t, "model_get", want.Connection, res.Connection, nil, nil)
	case want.Value == nil:
		t.Errorf("model_get: value %#v, want none", res.Value.Data)
	default:
		if expected := python(t, want.Value); !reflect.DeepEqual(res.Value.Data, expected) {
			t.Errorf("model_get: value %#v, want %#v", res.Value.Data, expected)
		}
	}
}
