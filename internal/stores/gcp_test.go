package stores_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

const gcpClass = "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"

// TestGCP: the settings of Astronomer's page, by every path the class has had.
func TestGCP(t *testing.T) {
	f := gcpfake.New()
	at := gcpfake.Start(t, f)
	keyfile, public := gcpfake.Account(t, "p", "")
	keyfile["universe_domain"] = at.Universe
	f.Trust = &gcpfake.Trust{Keys: gcpfake.Keys{keyfile["client_email"].(string): public}}
	f.Put("p", "airflow-variables-x", []byte("hello"))
	text, err := json.Marshal(map[string]any{"connections_prefix": "airflow-connections", "variables_prefix": "airflow-variables",
		"gcp_keyfile_dict": keyfile})
	if err != nil {
		t.Fatal(err)
	}
	kwargs, err := pyjson.Decode(string(text))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"GOOGLE_CLOUD_UNIVERSE_DOMAIN": at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": at.CAFile}
	env := stores.Env{Getenv: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
	found, err := stores.Known().Find(gcpClass)
	if err != nil {
		t.Fatal(err)
	}
	for i, class := range append([]string{gcpClass}, found.Row.Old...) {
		b, err := stores.Known().Open(class, kwargs.(*pyjson.Object), env, false)
		if err != nil {
			t.Fatalf("Open(%s) = %v", class, err)
		}
		if old := i > 0; old != (len(b.Notes) == 1) || b.NoTeam {
			t.Errorf("Open(%s): notes %q, without teams %v", class, b.Notes, b.NoTeam)
		}
		names := b.Dialect.Names(airflow.Ref{Kind: airflow.KindVariable, ID: "x"}).Names
		secret, err := b.Store.Get(t.Context(), names[0])
		if err != nil || string(secret.Payload) != "hello" {
			t.Errorf("%s: Get(%q) = %v, %v", class, names, secret, err)
		}
		if err := b.Store.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}

// TestGCPRefused: arguments are checked first, then names, then credentials.
func TestGCPRefused(t *testing.T) {
	for kwargs, want := range map[string]string{
		`{"profile": "x", "sep": "/", "gcp_keyfile_dict": "x"}`: "unexpected keyword argument '***'",
		`{"sep": "/", "gcp_keyfile_dict": "x"}`:                 "should follows that pattern",
		`{"gcp_keyfile_dict": "x"}`:                             "string indices must be integers",
		`{"gcp_key_path": "a.txt"}`:                             "Unrecognised extension",
	} {
		v, err := pyjson.Decode(kwargs)
		if err != nil {
			t.Fatal(err)
		}
		_, err = stores.Known().Open(gcpClass, v.(*pyjson.Object), stores.Env{}, true)
		var raised *airflow.Error
		if !errors.As(err, &raised) || !strings.Contains(raised.Message, want) || store.CodeOf(err) != store.Invalid || store.Hint(err) == "" {
			t.Errorf("%s: %v (hint %q), want %q", kwargs, err, store.Hint(err), want)
		}
	}
}
