package dialect_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

func config(id string) airflow.Ref { return airflow.Ref{Kind: airflow.KindConfig, ID: id} }

// vaultOf builds the dialect from the text of backend_kwargs.
func vaultOf(t *testing.T, kwargs string, multiTeam bool) *dialect.Vault {
	t.Helper()
	v, err := pyjson.Decode(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := dialect.VaultFromKwargs(v.(*pyjson.Object), multiTeam)
	if err != nil {
		t.Fatalf("VaultFromKwargs(%s) = %v", kwargs, err)
	}
	return d
}

func TestVaultNames(t *testing.T) {
	tests := []struct {
		kwargs string
		multi  bool
		ref    airflow.Ref
		want   string // names with ", " between; "-": not asked; "!": refused with a warning
	}{
		{`{}`, false, variable("x", ""), "variables/x"},
		{`{}`, false, connection("x", ""), "connections/x"},
		{`{}`, false, config("x"), "config/x"},
		{`{"variables_path": null}`, false, variable("x", ""), "-"},
		{`{"variables_path": []}`, false, variable("x", ""), "-"},
		{`{"variables_path": ""}`, false, variable("x", ""), "x"},
		{`{"variables_path": ["a//", "", "/b"]}`, false, variable("x", ""), "a/x, x, /b/x"},
		{`{"variables_path": {"a/": 1, "b": 2}}`, false, variable("x", ""), "a/x, b/x"},
		{`{"global_secrets_path": "g/"}`, false, variable("x", ""), "variables/x, g/x"},
		{`{"global_secrets_path": "", "variables_path": null}`, false, variable("x", ""), "x"},
		{`{"global_secrets_path": null}`, false, variable("x", ""), "variables/x"},
		{`{"mount_point": null}`, false, variable("m/x/y", ""), "m/variables/x/y"},
		{`{"mount_point": ""}`, false, variable("x", ""), "-"},
		{`{"mount_point": null}`, false, variable("/x", ""), "variables/x"},
		{`{"mount_point": null}`, true, variable("m/x", "A"), "m/variables/A/x"},
		{`{"mount_point": null}`, true, variable("m/x/y", ""), "!"},
		{`{}`, true, variable("x", "A"), "variables/A/x"},
		{`{}`, true, variable("x", ""), "variables/x"},
		{`{}`, true, variable("a/x", ""), "!"},
		{`{}`, true, config("a/x"), "config/a/x"},
		{`{}`, false, variable("a/x", "A"), "variables/a/x"},
		{`{"use_team_secrets_path": false}`, true, variable("a/x", "A"), "variables/a/x"},
		{`{"use_team_secrets_path": 0}`, true, variable("a/x", ""), "variables/a/x"},
		{`{"variables_path": ["", "b"]}`, true, variable("x", "A"), "/A/x, b/A/x"},
	}
	for _, tt := range tests {
		got := vaultOf(t, tt.kwargs, tt.multi).Names(tt.ref)
		text := strings.Join(got.Names, ", ")
		if len(got.Names) == 0 {
			text = map[bool]string{false: "-", true: "!"}[got.Warn]
			if got.Skip == "" {
				t.Errorf("%s: Names(%v) does not say why nothing is asked", tt.kwargs, tt.ref)
			}
		}
		if text != tt.want {
			t.Errorf("%s, multi-team %v: Names(%v) = %q, want %q", tt.kwargs, tt.multi, tt.ref, text, tt.want)
		}
	}
}

func TestVaultFromKwargsErrors(t *testing.T) {
	for kwargs, want := range map[string]string{
		`{"connections_path": 5}`:          "TypeError: 'int' object is not iterable",
		`{"variables_path": true}`:         "TypeError: 'bool' object is not iterable",
		`{"config_path": 1.5}`:             "TypeError: 'float' object is not iterable",
		`{"connections_path": ["a", 1]}`:   "AttributeError: 'int' object has no attribute 'rstrip'",
		`{"connections_path": [null]}`:     "AttributeError: 'NoneType' object has no attribute 'rstrip'",
		`{"global_secrets_path": ["a"]}`:   "AttributeError: 'list' object has no attribute 'rstrip'",
		`{"global_secrets_path": {"a":1}}`: "AttributeError: 'dict' object has no attribute 'rstrip'",
	} {
		v, err := pyjson.Decode(kwargs)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = dialect.VaultFromKwargs(v.(*pyjson.Object), false)
		var python *airflow.Error
		if !errors.As(err, &python) || python.Type+": "+python.Message != want {
			t.Errorf("%s: %v, want %s", kwargs, err, want)
		}
	}
	if d, warnings, err := dialect.VaultFromKwargs(nil, true); err != nil || len(warnings) > 0 || !d.MultiTeam {
		t.Errorf("no kwargs: %+v, %q, %v", d, warnings, err)
	}
}

func TestVaultRefs(t *testing.T) {
	tests := []struct {
		kwargs, name string
		multi        bool
		want         []airflow.Ref
	}{
		{`{}`, "variables/x", false, []airflow.Ref{variable("x", "")}},
		{`{}`, "variables/a/x", false, []airflow.Ref{variable("a/x", "")}},
		{`{}`, "variables/a/x", true, []airflow.Ref{variable("x", "a")}},
		{`{}`, "config/a/x", true, []airflow.Ref{config("a/x")}},
		{`{}`, "/variables//x/", false, []airflow.Ref{variable("x", "")}},
		{`{}`, "variables", false, nil},
		{`{}`, "apps/x", false, nil},
		{`{"variables_path": "s", "connections_path": "s", "config_path": null}`, "s/x", false, []airflow.Ref{variable("x", ""), connection("x", "")}},
		{`{"variables_path": ["", "v"], "connections_path": null}`, "v/x", false, []airflow.Ref{variable("v/x", ""), variable("x", "")}},
		{`{"mount_point": null}`, "m/variables/x", false, []airflow.Ref{variable("m/x", "")}},
		{`{"mount_point": null}`, "m/variables/a/x", true, []airflow.Ref{variable("m/x", "a")}},
		{`{"mount_point": null}`, "x", false, nil},
	}
	for _, tt := range tests {
		d := vaultOf(t, tt.kwargs, tt.multi)
		got := d.Refs(tt.name)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s, multi-team %v: Refs(%q) = %v, want %v", tt.kwargs, tt.multi, tt.name, got, tt.want)
		}
		for _, ref := range got {
			if names := d.Names(ref).Names; !slices.Contains(names, strings.Trim(strings.ReplaceAll(tt.name, "//", "/"), "/")) {
				t.Errorf("%s: %v asks for %q, not for %q", tt.kwargs, ref, names, tt.name)
			}
		}
	}
}

func TestVaultDecode(t *testing.T) {
	const stop, warn = "no value, stop", "no value, stop, warn"
	tests := []struct {
		ref           airflow.Ref
		payload, want string // want: the value as JSON, or what kind of none
	}{
		{variable("x", ""), `{"value": "v", "other": 1}`, `"v"`},
		{variable("x", ""), `{"value": ""}`, `""`},
		{variable("x", ""), `{"value": null}`, `null`},
		{variable("x", ""), `{"value": 12345678901234567890}`, `12345678901234567890`},
		{variable("x", ""), `{"value": {"b": NaN}}`, `{"b": NaN}`},
		{config("x"), `{"value": [1]}`, `[1]`},
		{variable("x", ""), `{"Value": "v"}`, warn},
		{variable("x", ""), `{}`, stop},
		{variable("x", ""), `""`, stop},
		{variable("x", ""), `0`, stop},
		{variable("x", ""), `null`, "no value"},
		{connection("x", ""), `null`, "no value"},
		{variable("x", ""), `"text"`, "corrupt"},
		{variable("x", ""), `[1]`, "corrupt"},
		{connection("x", ""), `[]`, "corrupt"},
		{connection("x", ""), `{`, "corrupt"},
		{connection("x", ""), `{"conn_uri": "t://h", "host": "x"}`, `"t://h"`},
		{connection("x", ""), `{"conn_uri": 5}`, `5`},
		{connection("x", ""), `{"conn_uri": "", "host": "\u00e9"}`, `"{\"conn_uri\": \"\", \"host\": \"\\u00e9\"}"`},
		{connection("x", ""), `{"b":1,"a":[ ]}`, `"{\"b\": 1, \"a\": []}"`},
		{connection("x", ""), `{}`, `"{}"`},
	}
	d := dialect.DefaultVault()
	for _, tt := range tests {
		v, err := d.Decode(tt.ref, &store.Secret{Payload: []byte(tt.payload), Form: store.Object})
		got := ""
		var none *dialect.NoValueError
		switch {
		case err == nil:
			got = pyjson.Encode(v.Data)
		case errors.As(err, &none):
			got = "no value"
			if none.Stop {
				got += ", stop"
			}
			if none.Warn {
				got += ", warn"
			}
		default:
			got = string(store.CodeOf(err))
		}
		if got != tt.want {
			t.Errorf("%v of %s is %s, want %s", tt.ref, tt.payload, got, tt.want)
		}
	}
}

// TestVaultEncode checks that what is encoded decodes to the same value.
func TestVaultEncode(t *testing.T) {
	d := dialect.DefaultVault()
	for _, tt := range []struct {
		ref  airflow.Ref
		data any
		want string
	}{
		{variable("x", ""), "v", `{"value": "v"}`},
		{variable("x", ""), "", `{"value": ""}`},
		{config("x"), "é", `{"value": "\u00e9"}`},
		{variable("x", ""), int64(5), `{"value": 5}`},
		{connection("x", ""), "t://u:p@h", `{"conn_uri": "t://u:p@h"}`},
		{connection("x", ""), `{"conn_type": "t"}`, `{"conn_uri": "{\"conn_type\": \"t\"}"}`},
	} {
		s, err := d.Encode(tt.ref, dialect.Value{Data: tt.data})
		if err != nil || string(s.Payload) != tt.want || s.Form != store.Object {
			t.Errorf("Encode(%v, %v) = %q, %v; want %s", tt.ref, tt.data, s.Payload, err, tt.want)
			continue
		}
		if v, err := d.Decode(tt.ref, s); err != nil || v.Data != tt.data {
			t.Errorf("%v comes back as %v, %v", tt.data, v.Data, err)
		}
	}
	nan, err := pyjson.Decode("NaN")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ref  airflow.Ref
		data any
	}{{variable("x", ""), nil}, {connection("x", ""), ""}, {connection("x", ""), nil}, {variable("x", ""), nan}} {
		if _, err := d.Encode(tt.ref, dialect.Value{Data: tt.data}); store.CodeOf(err) != store.Invalid {
			t.Errorf("Encode(%v, %v) = %v, want invalid", tt.ref, tt.data, err)
		}
	}
	c := &airflow.Connection{ID: "x", Type: "t", Host: "h", Port: int64(5)}
	s, err := d.Encode(connection("x", ""), dialect.Value{Connection: c})
	if err != nil || string(s.Payload) != `{"conn_type": "t", "host": "h", "port": 5}` {
		t.Errorf("a connection of fields is encoded as %q, %v", s.Payload, err)
	}
}
