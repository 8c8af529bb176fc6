package dialect_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// gcpOf builds the dialect from the text of backend_kwargs.
func gcpOf(t *testing.T, kwargs string, multiTeam bool) (*dialect.GCP, error) {
	t.Helper()
	v, err := pyjson.Decode(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	return dialect.GCPFromKwargs(v.(*pyjson.Object), multiTeam)
}

func TestGCPNames(t *testing.T) {
	tests := []struct {
		kwargs string
		multi  bool
		ref    airflow.Ref
		want   string // names with ", " between; "-": not asked; "!": refused with a warning
	}{
		{`{}`, false, variable("x_y", ""), "airflow-variables-x_y"},
		{`{}`, false, connection("x", ""), "airflow-connections-x"},
		{`{}`, false, config("x"), "airflow-config-x"},
		{`{}`, false, variable("clé .b/", ""), "airflow-variables-clé .b/"},
		{`{"variables_prefix": null}`, false, variable("x", ""), "-"},
		{`{"variables_prefix": ""}`, false, variable("x", ""), "-x"},
		{`{"variables_prefix": "", "sep": ""}`, false, variable("x", ""), "x"},
		{`{"variables_prefix": "v-"}`, false, variable("x", ""), "v--x"},
		{`{"variables_prefix": "a/b"}`, false, variable("x", ""), "a/b-x"},
		{`{"connections_prefix": null, "sep": null}`, false, variable("x", ""), "airflow-variablesNonex"},
		{`{"variables_prefix": 5}`, false, variable("x", ""), "5-x"},
		{`{}`, false, variable("x", "A"), "airflow-variables-A--x, airflow-variables-x"},
		{`{}`, false, variable("a--b", ""), "airflow-variables-a--b"},
		{`{}`, true, variable("a--b", ""), "!"},
		{`{}`, true, connection("a--b", "A"), "!"},
		{`{}`, true, config("a--b"), "airflow-config-a--b"},
		{`{"variables_prefix": null}`, true, variable("a--b", ""), "-"},
		{`{"connections_prefix": ""}`, true, connection("c", "A"), "-A--c, -c"},
	}
	for _, tt := range tests {
		d, err := gcpOf(t, tt.kwargs, tt.multi)
		if err != nil {
			t.Errorf("GCPFromKwargs(%s) = %v", tt.kwargs, err)
			continue
		}
		got := d.Names(tt.ref)
		text := strings.Join(got.Names, ", ")
		switch {
		case got.Skip != "" && got.Warn:
			text = "!"
		case got.Skip != "":
			text = "-"
		}
		if text != tt.want {
			t.Errorf("%s, multi_team %v: Names(%+v) = %q, want %q", tt.kwargs, tt.multi, tt.ref, text, tt.want)
		}
	}
}

// TestGCPKwargsRefused: the messages are what Airflow 3.3.2 raises.
func TestGCPKwargsRefused(t *testing.T) {
	const pattern = "`connections_prefix`, `variables_prefix` and `sep` should follows that pattern ^[a-zA-Z0-9-_]*$"
	tests := []struct{ kwargs, kind, message string }{
		{`{"sep": "/"}`, "AirflowException", pattern},
		{`{"connections_prefix": "a.b"}`, "AirflowException", pattern},
		{`{"connections_prefix": "é"}`, "AirflowException", pattern},
		{`{"sep": "\n\n"}`, "AirflowException", pattern},
		{`{"sep": null}`, "TypeError", `can only concatenate str (not "NoneType") to str`},
		{`{"sep": 5}`, "TypeError", `can only concatenate str (not "int") to str`},
		{`{"connections_prefix": 5}`, "TypeError", `unsupported operand type(s) for +: 'int' and 'str'`},
		{`{"connections_prefix": [1]}`, "TypeError", `can only concatenate list (not "str") to list`},
		{`{"connections_prefix": {}}`, "TypeError", `unsupported operand type(s) for +: 'dict' and 'str'`},
		{`{"connections_prefix": 1, "sep": 2}`, "TypeError", `expected string or bytes-like object, got 'int'`},
	}
	for _, tt := range tests {
		_, err := gcpOf(t, tt.kwargs, false)
		var raised *airflow.Error
		if !errors.As(err, &raised) || raised.Type != tt.kind || raised.Message != tt.message {
			t.Errorf("GCPFromKwargs(%s) = %v, want %s: %s", tt.kwargs, err, tt.kind, tt.message)
		}
	}
	for _, accepted := range []string{`{"sep": "\n"}`, `{"variables_prefix": "/"}`, `{"connections_prefix": null, "sep": "/"}`} {
		if _, err := gcpOf(t, accepted, false); err != nil {
			t.Errorf("GCPFromKwargs(%s) = %v", accepted, err)
		}
	}
}

func TestGCPRefs(t *testing.T) {
	tests := []struct {
		kwargs, name string
		multi        bool
		want         []airflow.Ref
	}{
		{`{}`, "airflow-variables-x", false, []airflow.Ref{variable("x", "")}},
		{`{}`, "airflow-variables-a--b", false, []airflow.Ref{variable("a--b", "")}},
		{`{}`, "airflow-variables-a--b", true, []airflow.Ref{variable("b", "a")}},
		{`{}`, "airflow-variables-a---b", true, []airflow.Ref{variable("-b", "a"), variable("b", "a-")}},
		{`{}`, "airflow-variables---b", true, nil},
		{`{}`, "airflow-config-a--b", true, []airflow.Ref{config("a--b")}},
		{`{}`, "airflow-variables-", false, nil},
		{`{}`, "other", false, nil},
		{`{"connections_prefix": null}`, "airflow-connections-x", false, nil},
		{`{"connections_prefix": "", "variables_prefix": "", "config_prefix": null}`, "-x", false, []airflow.Ref{connection("x", ""), variable("x", "")}},
	}
	for _, tt := range tests {
		d, err := gcpOf(t, tt.kwargs, tt.multi)
		if err != nil {
			t.Fatal(err)
		}
		got := d.Refs(tt.name)
		byKind := func(a, b airflow.Ref) int {
			return strings.Compare(string(a.Kind)+"\x00"+a.Team+"\x00"+a.ID, string(b.Kind)+"\x00"+b.Team+"\x00"+b.ID)
		}
		slices.SortFunc(got, byKind)
		slices.SortFunc(tt.want, byKind)
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s, multi_team %v: Refs(%q) = %v, want %v", tt.kwargs, tt.multi, tt.name, got, tt.want)
		}
		for _, ref := range got {
			if !slices.Contains(d.Names(ref).Names, tt.name) {
				t.Errorf("Refs(%q) has %v, which asks for %v", tt.name, ref, d.Names(ref))
			}
		}
	}
}

// TestGCPDecode: what Python 3.11 says of bytes.decode("UTF-8").
func TestGCPDecode(t *testing.T) {
	d := dialect.DefaultGCP()
	for _, text := range []string{"", "a\x00", "\ufeffx", "clé€😀", "x\n", "\U0010ffff\ud7ff\ue000"} {
		v, err := d.Decode(variable("x", ""), &store.Secret{Payload: []byte(text)})
		if err != nil || v.Data != text {
			t.Errorf("Decode(%q) = %v, %v", text, v.Data, err)
		}
		s, err := d.Encode(variable("x", ""), v)
		if err != nil || string(s.Payload) != text {
			t.Errorf("Encode(%q) = %v", text, err)
		}
	}
	tests := []struct {
		bytes      string
		start, end int
		reason     string
	}{
		{"\xc3\x28", 0, 1, "invalid continuation byte"},
		{"ab\xff", 2, 3, "invalid start byte"},
		{"\x80", 0, 1, "invalid start byte"},
		{"\xc0\x80", 0, 1, "invalid start byte"},
		{"\xf5\x80\x80\x80", 0, 1, "invalid start byte"},
		{"é\xc3", 2, 3, "unexpected end of data"},
		{"\xe2\x82", 0, 2, "unexpected end of data"},
		{"\xe2\x82x", 0, 2, "invalid continuation byte"},
		{"\xe2x\x82", 0, 1, "invalid continuation byte"},
		{"\xe0\x80", 0, 1, "invalid continuation byte"},
		{"\xed\xa0\x80", 0, 1, "invalid continuation byte"},
		{"\xf0\x9f\x98", 0, 3, "unexpected end of data"},
		{"\xf0\x9f\x98x", 0, 3, "invalid continuation byte"},
		{"\xf4\x90\x80\x80", 0, 1, "invalid continuation byte"},
	}
	for _, tt := range tests {
		_, err := d.Decode(variable("x", ""), &store.Secret{Payload: []byte(tt.bytes)})
		var got *dialect.UnicodeDecodeError
		var raised *airflow.Error
		if !errors.As(err, &got) || *got != (dialect.UnicodeDecodeError{Start: tt.start, End: tt.end, Reason: tt.reason}) {
			t.Errorf("Decode(%q) = %v, want %d-%d %s", tt.bytes, err, tt.start, tt.end, tt.reason)
		}
		if !errors.As(err, &raised) || raised.Type != "UnicodeDecodeError" || store.CodeOf(err) != store.Corrupt {
			t.Errorf("Decode(%q) = %v is no UnicodeDecodeError", tt.bytes, err)
		}
	}
}

func TestGCPEncodeRefuses(t *testing.T) {
	d := dialect.DefaultGCP()
	for _, tt := range []struct {
		ref airflow.Ref
		v   dialect.Value
	}{
		{connection("x", ""), dialect.Value{Data: ""}},
		{variable("x", ""), dialect.Value{Data: nil}},
		{variable("x", ""), dialect.Value{Data: int64(5)}},
		{variable("x", ""), dialect.Value{Data: "\xff"}},
	} {
		if _, err := d.Encode(tt.ref, tt.v); store.CodeOf(err) != store.Invalid {
			t.Errorf("Encode(%v, %#v) = %v, want an invalid value", tt.ref, tt.v.Data, err)
		}
	}
}

func TestGCPForgives(t *testing.T) {
	d := dialect.DefaultGCP()
	for _, tt := range []struct {
		code          store.Code
		service       string
		missed, error bool
	}{
		{store.NotFound, "NotFound", true, false},
		{store.Denied, "PermissionDenied", true, true},
		{store.Invalid, "InvalidArgument", true, true},
		{store.Denied, "Forbidden", false, false},
		{store.Unauthenticated, "Unauthenticated", false, false},
		{store.Invalid, "FailedPrecondition", false, false},
		{store.Invalid, "", false, false},
		{store.Throttled, "ResourceExhausted", false, false},
	} {
		none := dialect.Missed(d, &store.Error{Code: tt.code, ServiceCode: tt.service})
		if (none != nil) != tt.missed || none != nil && none.Severe != tt.error {
			t.Errorf("%s: Missed = %+v, want missed %v, an error in the log %v", tt.service, none, tt.missed, tt.error)
		}
	}
}
