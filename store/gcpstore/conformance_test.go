package gcpstore_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/gcpstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// object is v as package pyjson decodes it.
func object(t testing.TB, v any) *pyjson.Object {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	o, err := pyjson.Decode(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return o.(*pyjson.Object)
}

// environment is an Env of variables, each a name and a value.
func environment(pairs ...string) gcpstore.Env {
	values := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return gcpstore.Env{Getenv: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
}

// leadingTo is the environment of a client of at.
func leadingTo(at *gcpfake.Endpoint) gcpstore.Env {
	return environment("GOOGLE_CLOUD_UNIVERSE_DOMAIN", at.Universe, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", at.CAFile, "NO_GCE_CHECK", "true")
}

// trusting starts a fake that believes one service account, and returns the
// account's key file.
func trusting(t testing.TB, f *gcpfake.Server, project string) (*gcpfake.Endpoint, map[string]any) {
	t.Helper()
	at := gcpfake.Start(t, f)
	keyfile, public := gcpfake.Account(t, project, "")
	keyfile["universe_domain"] = at.Universe
	f.Trust = &gcpfake.Trust{Keys: gcpfake.Keys{keyfile["client_email"].(string): public}}
	return at, keyfile
}

// open builds a store from kwargs.
func open(t testing.TB, env gcpstore.Env, kwargs map[string]any) *gcpstore.Store {
	t.Helper()
	s, warnings, err := gcpstore.FromKwargs(object(t, kwargs), env)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("FromKwargs: warnings %q, error %v", warnings, err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

var held = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		f := gcpfake.New()
		f.PageSize = 3
		at, keyfile := trusting(t, f, "p")
		return storetest.Harness{
			Store:   open(t, leadingTo(at), map[string]any{"gcp_keyfile_dict": keyfile}),
			Service: "Google Secret Manager", Answers: misses(f, keyfile), Dialect: dialect.DefaultGCP(),
			Seed: func(_ *testing.T, name string, s *store.Secret) { f.Put("p", name, s.Payload) },
			Reopen: func(t *testing.T) store.Store {
				return open(t, leadingTo(at), map[string]any{"gcp_keyfile_dict": keyfile})
			},
			Limits: storetest.Limits{NoVersions: true, NoConditions: true, Forms: []store.Form{store.Binary},
				Holds: held.MatchString, MaxName: 255, MaxPayload: gcpfake.MaxPayload},
		}
	})
}
