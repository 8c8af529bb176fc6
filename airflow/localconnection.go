package airflow

import (
	"sort"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// ParseLocalConnection reads one value of a connections file of the local
// filesystem backend, always as the ORM class: a string is a URI, even where
// it looks like JSON, and an object holds the constructor's fields, or
// extra_dejson in place of extra (local_filesystem._create_connection). An
// error is an *Error.
func ParseLocalConnection(id string, value any) (*Connection, error) {
	switch v := value.(type) {
	case string:
		return newORM(id, uriField(v))
	case *pyjson.Object:
		return fromLocalFields(id, v)
	}
	class := pyjson.TypeName(value)
	return nil, fail("AirflowException", "the connection is a value of type "+class+": write a URI or an object with its fields",
		"Unexpected value type: <class '"+class+"'>. The connection can only be defined using a string or object.")
}

func fromLocalFields(id string, given *pyjson.Object) (*Connection, error) {
	if err := checkLocalFields(id, given); err != nil {
		return nil, err
	}
	fields := given.Clone()
	fields.Delete("conn_id")
	if v, ok := fields.Get("extra_dejson"); ok {
		fields.Delete("extra_dejson")
		fields.Set("extra", pyjson.Encode(v))
	}
	return newORM(id, fields)
}

func checkLocalFields(id string, given *pyjson.Object) error {
	known := []string{"conn_id", "conn_type", "description", "extra", "extra_dejson", "host", "login",
		"password", "port", "schema", "team_name", "uri"}
	var illegal []string
	for _, key := range given.Keys() {
		if i := sort.SearchStrings(known, key); i == len(known) || known[i] != key {
			illegal = append(illegal, key)
		}
	}
	if illegal != nil {
		return fail("AirflowException", "the connection has a field that Airflow does not know: the fields are "+strings.Join(known, ", "),
			"The object have illegal keys: "+strings.Join(illegal, ", ")+
				". The dictionary can only contain the following keys: {'"+strings.Join(known, "', '")+"'}")
	}
	_, text := given.Get("extra")
	_, parsed := given.Get("extra_dejson")
	if text && parsed {
		return fail("AirflowException", "the connection has both extra and extra_dejson: keep one of them",
			"The extra and extra_dejson parameters are mutually exclusive. Please provide only one parameter.")
	}
	if v, ok := given.Get("conn_id"); ok && v != any(id) {
		return fail("AirflowException", "the connection's conn_id is not the name it is kept under: leave it out",
			"Mismatch conn_id. The dictionary key has the value: "+pyjson.Str(v)+". The item has the value: "+id+".")
	}
	return nil
}
