package dialect_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// awsDialects are both classes with the same kwargs.
func awsDialects(t *testing.T, kwargs string, multiTeam bool) map[string]dialect.Dialect {
	t.Helper()
	v, err := pyjson.Decode(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	ssm, err := dialect.SSMFromKwargs(v.(*pyjson.Object), multiTeam)
	if err != nil {
		t.Fatal(err)
	}
	sm, err := dialect.SecretsManagerFromKwargs(v.(*pyjson.Object), multiTeam)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]dialect.Dialect{"ssm": ssm, "secretsmanager": sm}
}

// TestAWSRefs: what Names asks for, Refs knows again.
func TestAWSRefs(t *testing.T) {
	for _, kwargs := range []string{`{}`, `{"connections_prefix": "", "variables_prefix": "v", "config_prefix": null}`, `{"variables_prefix": "/a/b//", "sep": "/"}`} {
		for _, multiTeam := range []bool{false, true} {
			for class, d := range awsDialects(t, kwargs, multiTeam) {
				for _, kind := range airflow.Kinds() {
					for _, ref := range []airflow.Ref{{Kind: kind, ID: "x"}, {Kind: kind, ID: "a/b"}, {Kind: kind, ID: "x", Team: "t"}} {
						if !multiTeam && ref.Team != "" || kind == airflow.KindConfig && ref.Team != "" {
							continue
						}
						names := d.Names(ref).Names
						if len(names) == 0 || ref.Team != "" && len(names) == 1 {
							continue
						}
						if refs := d.Refs(names[0]); !slices.Contains(refs, ref) {
							t.Errorf("%s %s: Refs(%q) = %v, want %v among them", class, kwargs, names[0], refs, ref)
						}
					}
				}
				if refs := d.Refs("/elsewhere/x"); class == "ssm" && kwargs == `{}` && refs != nil {
					t.Errorf("Refs of a plain name = %v", refs)
				}
			}
		}
	}
}

// TestAWSEncode: what is encoded comes back, or is refused.
func TestAWSEncode(t *testing.T) {
	variable, connection := airflow.Ref{Kind: airflow.KindVariable, ID: "x"}, airflow.Ref{Kind: airflow.KindConnection, ID: "x"}
	whole, err := airflow.ParseConnection("x", `{"conn_type": "t", "host": "h", "description": "d"}`, airflow.SDK)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := airflow.ParseConnection("x", "t://u:p@h:1/s?a=b", airflow.SDK)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		what    string
		ref     airflow.Ref
		value   dialect.Value
		refused string // by which classes
	}{
		{"text", variable, dialect.Value{Data: " v\n"}, ""},
		{"a number", variable, dialect.Value{Data: int64(5)}, "ssm secretsmanager"},
		{"nothing", variable, dialect.Value{}, "ssm secretsmanager"},
		{"a URI", connection, dialect.Value{Data: "t://h"}, ""},
		{"fields", connection, dialect.Value{Connection: plain}, ""},
		{"a description", connection, dialect.Value{Connection: whole}, "secretsmanager"},
		{"JSON with a member that is dropped", connection, dialect.Value{Data: `{"conn_type": "t", "dbname": "x"}`}, "secretsmanager"},
	}
	for _, tt := range tests {
		for class, d := range awsDialects(t, `{}`, false) {
			t.Run(tt.what+" "+class, func(t *testing.T) {
				s, err := d.Encode(tt.ref, tt.value)
				if strings.Contains(" "+tt.refused+" ", " "+class+" ") {
					if store.CodeOf(err) != store.Invalid {
						t.Errorf("Encode = %v, want it refused", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				back, err := d.Decode(tt.ref, s)
				if err != nil {
					t.Fatal(err)
				}
				if tt.value.Connection == nil && back.Data != tt.value.Data {
					t.Errorf("comes back as %q", back.Data)
				}
				if tt.value.Connection != nil {
					c, err := airflow.ParseConnection("x", back.Text(), airflow.SDK)
					if err != nil || fmt.Sprint(c.Host, c.Login, c.Port) != fmt.Sprint(tt.value.Connection.Host, tt.value.Connection.Login, tt.value.Connection.Port) {
						t.Errorf("comes back as another connection: %v", err)
					}
				}
			})
		}
	}
}

// TestSecretsManagerForgives: which failures count as not found.
func TestSecretsManagerForgives(t *testing.T) {
	d := dialect.DefaultSecretsManager()
	for code, forgiven := range map[string]bool{
		"InvalidRequestException": true, "InvalidParameterException": true, "DecryptionFailure": true, "InternalServiceError": true,
		"AccessDeniedException": false, "ThrottlingException": false, "ValidationException": false, "": false,
	} {
		err := fmt.Errorf("look-up: %w", &store.Error{Code: store.Denied, ServiceCode: code})
		if none := dialect.Missed(d, err); (none != nil) != forgiven || none != nil && (none.Warn || none.Stop) {
			t.Errorf("Missed(%s) = %+v, want it forgiven: %t", code, none, forgiven)
		}
		if none := dialect.Missed(dialect.DefaultSSM(), err); none != nil {
			t.Errorf("Parameter Store forgives %s", code)
		}
	}
}

// TestAWSBadKwargs: what the constructors and the look-ups refuse.
func TestAWSBadKwargs(t *testing.T) {
	object := func(text string) *pyjson.Object {
		v, err := pyjson.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		return v.(*pyjson.Object)
	}
	for kwargs, want := range map[string]string{
		`{"variables_prefix": false}`: "'bool' object has no attribute 'rstrip'", `{"config_prefix": ["a"]}`: "'list' object has no attribute 'rstrip'",
	} {
		var raised *airflow.Error
		if _, err := dialect.SSMFromKwargs(object(kwargs), false); !errors.As(err, &raised) || raised.Type != "AttributeError" || raised.Message != want {
			t.Errorf("SSMFromKwargs(%s): %v", kwargs, err)
		}
	}
	for kwargs, code := range map[string]store.Code{
		`{"variables_lookup_pattern": "["}`: store.Invalid, `{"variables_lookup_pattern": 5}`: store.Invalid,
		`{"variables_lookup_pattern": "(?x)a"}`: store.Unsupported, `{"variables_lookup_pattern": "(x+)+$"}`: store.Invalid,
	} {
		for class, d := range awsDialects(t, kwargs, false) {
			lookup := d.Names(airflow.Ref{Kind: airflow.KindVariable, ID: strings.Repeat("x", 50) + "!"})
			if store.CodeOf(lookup.Err) != code || len(lookup.Names) > 0 || store.Hint(lookup.Err) == "" || lookup.Skip == "" {
				t.Errorf("%s %s: Names = %+v, want an error of code %q", class, kwargs, lookup, code)
			}
		}
	}
}
