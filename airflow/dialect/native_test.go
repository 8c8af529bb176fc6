package dialect

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/store"
)

func TestNativeNames(t *testing.T) {
	for _, c := range []struct {
		ref   airflow.Ref
		names []string
	}{
		{airflow.Ref{Kind: airflow.KindVariable, ID: "KEY"}, []string{"variable//KEY"}},
		{airflow.Ref{Kind: airflow.KindConnection, ID: "a/b c"}, []string{"connection//a/b c"}},
		{airflow.Ref{Kind: airflow.KindConfig, ID: "sql"}, []string{"config//sql"}},
		{airflow.Ref{Kind: airflow.KindVariable, ID: "x", Team: "a"}, []string{"variable/a/x", "variable//x"}},
		{airflow.Ref{Kind: airflow.KindVariable, ID: "x/y", Team: "a/b %"}, []string{"variable/a%2Fb%20%25/x/y", "variable//x/y"}},
		{airflow.Ref{Kind: airflow.KindVariable}, nil},
	} {
		got := Native{}.Names(c.ref)
		if !slices.Equal(got.Names, c.names) || (got.Skip == "") != (len(c.names) > 0) {
			t.Errorf("Names(%s) = %+v, want %q", c.ref, got, c.names)
		}
		if len(c.names) == 0 {
			continue
		}
		if refs := (Native{}).Refs(got.Names[0]); !slices.Equal(refs, []airflow.Ref{c.ref}) {
			t.Errorf("Refs(%q) = %v, want %s", got.Names[0], refs, c.ref)
		}
	}
}

func TestNativeRefsOfOtherNames(t *testing.T) {
	for _, name := range []string{
		"", "variable", "variable/", "variable//", "variable/x", "variable/%zz/x", "variable/a%2fb/x", "variable/a b/x",
		"Variable//x", "secret//x", "plain/vault/variable//x",
	} {
		if refs := (Native{}).Refs(name); refs != nil {
			t.Errorf("Refs(%q) = %v, want none", name, refs)
		}
	}
}

func TestPlainNames(t *testing.T) {
	for _, c := range []struct{ protocol, exact, name string }{
		{"vault", "apps/x", "plain/vault/apps/x"},
		{"vault", "/x/", "plain/vault//x/"},
		{"a/b", "x", "plain/a%2Fb/x"},
	} {
		if got := PlainName(c.protocol, c.exact); got != c.name {
			t.Errorf("PlainName(%q, %q) = %q, want %q", c.protocol, c.exact, got, c.name)
		}
		protocol, exact, ok := ParsePlainName(c.name)
		if protocol != c.protocol || exact != c.exact || !ok {
			t.Errorf("ParsePlainName(%q) = %q, %q, %v", c.name, protocol, exact, ok)
		}
		if refs := (Native{}).Refs(c.name); refs != nil {
			t.Errorf("Refs(%q) = %v, want none", c.name, refs)
		}
	}
	for _, name := range []string{"", "plain", "plain/", "plain/vault", "plain/vault/", "plain/%/x", "variable//x"} {
		if _, _, ok := ParsePlainName(name); ok {
			t.Errorf("ParsePlainName(%q) succeeded", name)
		}
	}
}

func TestNativeDecode(t *testing.T) {
	variable := airflow.Ref{Kind: airflow.KindVariable, ID: "x"}
	connection := airflow.Ref{Kind: airflow.KindConnection, ID: "x"}
	for _, c := range []struct {
		what    string
		ref     airflow.Ref
		form    store.Form
		payload string
		want    any
		code    store.Code // of the error; "none" for a *NoValueError
	}{
		{"text counts as it stands", variable, store.Text, " {\"value\": 1}\n", " {\"value\": 1}\n", ""},
		{"empty text", variable, store.Text, "", "", ""},
		{"a serialized connection", connection, store.Text, "mysql://h", "mysql://h", ""},
		{"bytes that are text", variable, store.Binary, "ü", "ü", ""},
		{"bytes that are not", variable, store.Binary, "\xff", nil, store.Corrupt},
		{"an object's value", variable, store.Object, `{"value": "v"}`, "v", ""},
		{"an object's value keeps its type", variable, store.Object, `{"value": 7}`, int64(7), ""},
		{"an object without a value", variable, store.Object, `{"x": 1}`, nil, "none"},
		{"an object's conn_uri", connection, store.Object, `{"conn_uri": "mysql://h"}`, "mysql://h", ""},
		{"an object of a connection's fields", connection, store.Object, `{"conn_type":"mysql"}`, `{"conn_type": "mysql"}`, ""},
	} {
		got, err := Native{}.Decode(c.ref, &store.Secret{Form: c.form, Payload: []byte(c.payload)})
		var none *NoValueError
		switch {
		case c.code == "none" && !errors.As(err, &none), c.code != "none" && store.CodeOf(err) != c.code:
			t.Errorf("%s: error %v, want %q", c.what, err, c.code)
		case !reflect.DeepEqual(got.Data, c.want):
			t.Errorf("%s: %#v, want %#v", c.what, got.Data, c.want)
		}
	}
}

func TestNativeEncodeComesBack(t *testing.T) {
	ref := airflow.Ref{Kind: airflow.KindVariable, ID: "x"}
	for _, data := range []any{"", "v", `{"value": "v"}`, "ü\n", int64(7), true, []any{"a"}} {
		s, err := Native{}.Encode(ref, Value{Data: data})
		if err != nil {
			t.Errorf("Encode(%#v): %v", data, err)
			continue
		}
		if _, isText := data.(string); isText != (s.Form == store.Text) {
			t.Errorf("Encode(%#v) has form %s", data, s.Form)
		}
		back, err := Native{}.Decode(ref, s)
		if err != nil || !reflect.DeepEqual(back.Data, data) {
			t.Errorf("Encode(%#v) comes back as %#v, %v", data, back.Data, err)
		}
	}
	for _, data := range []any{nil, "\xff"} {
		if _, err := (Native{}).Encode(ref, Value{Data: data}); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("Encode(%#v): %v, want invalid", data, err)
		}
	}
}
