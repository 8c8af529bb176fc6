package airlock

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
)

// TestPortsOverTheExecutionAPI holds what the API server of Airflow 3.3.2
// answered for a row with each port.
func TestPortsOverTheExecutionAPI(t *testing.T) {
	for _, c := range []struct{ column, want any }{
		{nil, nil}, {int64(5432), int64(5432)}, {int64(-1), int64(-1)}, {int64(0), int64(0)}, {true, int64(1)}, {false, int64(0)},
		{5432.0, int64(5432)}, {"5432", int64(5432)}, {" 5432 ", int64(5432)}, {"5_432", int64(5432)}, {"5432.0", int64(5432)},
		{"5432.00", int64(5432)}, {"5_4.0", int64(54)}, {"+80", int64(80)}, {"-1", int64(-1)}, {"-0", int64(0)}, {"007", int64(7)},
	} {
		got, err := overExecutionAPI(&airflow.Connection{ID: "c", Type: "t", Port: c.column, Description: "d", Reading: airflow.ORM})
		if err != nil || !reflect.DeepEqual(got.Port, c.want) || got.Description != nil || got.Reading != airflow.SDK {
			t.Errorf("port %#v becomes %+v, %v, want %#v", c.column, got, err, c.want)
		}
	}
	for _, column := range []any{
		"abc", "", "5432.5", 5432.5, math.NaN(), math.Inf(1), 1e300, "٥٤", "0x10", "1e3", "1.", ".0", "_1", "1_", "1__0", "--1", "+-1",
		"5432.01", "5432._0", strings.Repeat("1", 5000),
	} {
		_, err := overExecutionAPI(&airflow.Connection{ID: "c", Type: "t", Port: column})
		var refused *airflow.Error
		if !errors.As(err, &refused) || refused.Type != "ValidationError" {
			t.Errorf("port %#v: %v, want a ValidationError", column, err)
		}
		if text, ok := column.(string); ok && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("port %#v: the message quotes it: %v", column, err)
		}
	}
}

func TestFieldsOverTheExecutionAPI(t *testing.T) {
	for _, c := range []struct {
		row airflow.Connection
		ok  bool
	}{
		{airflow.Connection{Type: "t"}, true},
		{airflow.Connection{Type: "", Host: "", Schema: "s", Login: "l", Password: "p", Extra: "{}"}, true},
		{airflow.Connection{}, false},
		{airflow.Connection{Type: int64(5)}, false},
		{airflow.Connection{Type: "t", Host: int64(5)}, false},
		{airflow.Connection{Type: "t", Schema: true}, false},
		{airflow.Connection{Type: "t", Login: 1.5}, false},
	} {
		if _, err := overExecutionAPI(&c.row); (err == nil) != c.ok {
			t.Errorf("%+v: %v, passes: %v", c.row, err, c.ok)
		}
	}
}
