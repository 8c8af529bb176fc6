package gcpstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/store"
)

// obj is an object of kwargs.
type obj = map[string]any

// construction is a set of kwargs and what the stock class raises for it, as
// asked of it. An empty kind: construction succeeds, and every look-up fails
// where it is broken.
type construction struct {
	kwargs        obj
	kind, message string
	broken        bool
}

const projectless = "Project ID could not be determined. Please provide 'project_id' in backend configuration or ensure your credentials include a default project."

// inConfig gives members as a credential configuration.
func inConfig(members obj) obj { return obj{"gcp_credential_config_file": members, "project_id": "p"} }

var constructions = []construction{
	{obj{"bogus": 1}, "TypeError", "LoggingMixin.__init__() got an unexpected keyword argument '***'", false},
	{obj{"context": nil, "project_id": "p"}, "", "", true},
	{obj{"gcp_keyfile_dict": "{\"private_key\": \"hunter2\"}"}, "TypeError", "string indices must be integers, not 'str'", false},
	{obj{"gcp_keyfile_dict": []any{1}}, "TypeError", "list indices must be integers or slices, not str", false},
	{obj{"gcp_keyfile_dict": true}, "TypeError", "'bool' object is not subscriptable", false},
	{obj{"gcp_keyfile_dict": obj{"client_email": "a"}}, "KeyError", "'private_key'", false},
	{obj{"gcp_keyfile_dict": obj{"private_key": nil}}, "AttributeError", "'NoneType' object has no attribute 'replace'", false},
	{obj{"gcp_keyfile_dict": obj{"private_key": 5}}, "AttributeError", "'int' object has no attribute 'replace'", false},
	{obj{"gcp_keyfile_dict": obj{"private_key": "hunter2", "client_email": "a", "token_uri": "b"}}, "ValueError",
		"Unable to load PEM file. See https://cryptography.io/en/latest/faq/#why-can-t-i-import-my-pem-file for more details. MalformedFraming", false},
	{obj{"gcp_keyfile_dict": obj{"private_key": "hunter2"}, "project_id": "p"}, "", "", true},
	{obj{"gcp_keyfile_dict": obj{"private_key": "hunter2"}}, "AttributeError", noProject, false},
	{obj{"gcp_key_path": obj{"a": 1}}, "AttributeError", "'dict' object has no attribute 'endswith'", false},
	{obj{"gcp_key_path": "/nonexistent.json", "project_id": "p"}, "", "", true},
	{obj{"gcp_key_path": "/nonexistent.p12"}, "AirflowException", "Legacy P12 key file are not supported, use a JSON key file.", false},
	{obj{"gcp_key_path": "a.json", "gcp_credential_config_file": "b"}, "AirflowException", "The `keyfile_dict`, `key_path`, `credential_config_file`, " +
		"`is_anonymous` and `key_secret_name` fields are all mutually exclusive. Received options: ['key_path', 'credential_config_file']. Please provide only one value.", false},
	{obj{"gcp_credential_config_file": "nonsense", "project_id": "p"}, "", "", true},
	{obj{"gcp_credential_config_file": "[1]"}, "AttributeError", "'list' object has no attribute 'get'", false},
	{obj{"gcp_credential_config_file": 5, "project_id": "p"}, "", "", true},
	{inConfig(obj{"type": "other"}), "", "", true},
	{inConfig(obj{"type": "service_account", "client_email": "a", "token_uri": "b", "private_key": "hunter2"}), "", "", true},
	{inConfig(obj{"type": "external_account"}), "", "", true},
	{inConfig(obj{"type": "external_account", "credential_source": "x"}), "AttributeError", "'str' object has no attribute 'get'", false},
	{inConfig(obj{"type": "authorized_user"}), "", "", true},
	{inConfig(obj{"type": "impersonated_service_account"}), "AttributeError", "'NoneType' object has no attribute 'get'", false},
	{inConfig(user()), "", "", false},
	{obj{"gcp_credential_config_file": user()}, "ValueError", projectless, false},
	{obj{"impersonation_chain": 5}, "TypeError", "'int' object is not subscriptable", false},
	{obj{"impersonation_chain": obj{"a": 1}}, "KeyError", "-1", false},
	{obj{"gcp_credential_config_file": user(), "impersonation_chain": []any{"x"}}, "AirflowException",
		"Could not extract project_id from service account's email: ***.", false},
	{obj{"gcp_credential_config_file": user(), "impersonation_chain": []any{5}}, "AttributeError", "'int' object has no attribute 'split'", false},
	{obj{"gcp_scopes": 5}, "TypeError", "'int' object is not iterable", false},
	{obj{"project_id": 5}, "", "", true},
}

func TestConstruction(t *testing.T) {
	for _, tt := range constructions {
		kwargs := kwargsOf(t, tt.kwargs)
		err := CheckKwargs(kwargs)
		var s *Store
		if err == nil {
			s, _, err = FromKwargs(kwargs, envOf())
		}
		if strings.Contains(fmt.Sprintf("%+v%s", err, store.Hint(err)), "hunter2") {
			t.Fatalf("%v: the error holds a part of the key", err)
		}
		var raised *airflow.Error
		switch {
		case tt.kind != "":
			if !errors.As(err, &raised) || raised.Type != tt.kind || raised.Message != tt.message || store.Hint(err) == "" {
				t.Errorf("%v: %v (hint %q), want %s: %s", tt.kwargs, err, store.Hint(err), tt.kind, tt.message)
			}
		case err != nil:
			t.Errorf("%v: %v", tt.kwargs, err)
		case (s.broken != nil) != tt.broken:
			t.Errorf("%v: broken %v, want %v", tt.kwargs, s.broken, tt.broken)
		case tt.broken:
			_, err := s.Get(t.Context(), "x")
			wantError(t, err, store.Invalid, "the credentials cannot be loaded")
			if !errors.As(err, &raised) || raised.Message != noCredentials {
				t.Errorf("%v: a look-up fails with %v", tt.kwargs, err)
			}
		}
	}
}

// TestUniverseNote: a key of one universe and a service in another are likely
// a mistake, which Google's library does not look for any more.
func TestUniverseNote(t *testing.T) {
	keyfile, _ := gcpfake.Account(t, "p", "")
	for _, tt := range []struct {
		key, variable string
		notes         int
	}{
		{"", "", 0}, {"example.org", "", 1}, {"", "example.org", 1}, {"example.org", "example.org", 0}, {"example.org", " example.org ", 0},
	} {
		if keyfile["universe_domain"] = tt.key; tt.key == "" {
			delete(keyfile, "universe_domain")
		}
		env := envOf()
		if tt.variable != "" {
			env = envOf("GOOGLE_CLOUD_UNIVERSE_DOMAIN", tt.variable)
		}
		_, notes, err := FromKwargs(kwargsOf(t, obj{"gcp_keyfile_dict": keyfile}), env)
		if err != nil || len(notes) != tt.notes {
			t.Errorf("key of %q, variable %q: notes %q, error %v", tt.key, tt.variable, notes, err)
		}
	}
	for _, variable := range []string{"", " ", "a/b", "u:p@h"} {
		_, _, err := FromKwargs(kwargsOf(t, obj{"gcp_keyfile_dict": keyfile}), envOf("GOOGLE_CLOUD_UNIVERSE_DOMAIN", variable))
		if store.CodeOf(err) != store.Invalid {
			t.Errorf("GOOGLE_CLOUD_UNIVERSE_DOMAIN=%q: %v", variable, err)
		}
	}
}
