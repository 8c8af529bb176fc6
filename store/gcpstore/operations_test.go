package gcpstore

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/store"
)

// TestClockOff: a clock that is hours off makes tokens that nobody takes.
func TestClockOff(t *testing.T) {
	for _, off := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		f := gcpfake.New()
		keyfile, public := gcpfake.Account(t, "p", "")
		f.Trust = &gcpfake.Trust{Keys: gcpfake.Keys{keyfile["client_email"].(string): public}}
		s, c := client(t, gcpfake.Start(t, f))
		c.at = c.at.Add(off)
		_, err := s.Get(t.Context(), "x")
		wantError(t, err, store.Unauthenticated, "credentials")
		if !strings.Contains(store.Hint(err), "the clock is off") {
			t.Errorf("the hint is %q", store.Hint(err))
		}
	}
}

// TestRenewal: a token is used until shortly before its end.
func TestRenewal(t *testing.T) {
	f := gcpfake.New()
	f.Put("p", "x", []byte("v"))
	s, c := client(t, gcpfake.Start(t, f))
	token := func() string {
		if _, err := s.Get(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		return s.token.token
	}
	first := token()
	c.at = c.at.Add(50 * time.Minute)
	if token() != first {
		t.Error("a good token is not used again")
	}
	c.at = c.at.Add(7 * time.Minute)
	if token() == first {
		t.Error("a token is used until its end")
	}
}

// TestUnreadableLatest: a latest version that is disabled or destroyed is a
// failure to Airflow, and no name to read.
func TestUnreadableLatest(t *testing.T) {
	f := gcpfake.New()
	for _, id := range []string{"good", "disabled", "destroyed"} {
		f.Put("p", id, []byte("v"))
	}
	f.Disable("p", "disabled")
	f.Destroy("p", "destroyed")
	f.Create("p", "versionless")
	s, _ := client(t, gcpfake.Start(t, f))
	for _, id := range []string{"disabled", "destroyed"} {
		_, err := s.Get(t.Context(), id)
		wantError(t, err, store.Invalid, "is in "+strings.ToUpper(id)+" state")
		if store.ServiceCodeOf(err) != "FailedPrecondition" {
			t.Errorf("the service's code is %q", store.ServiceCodeOf(err))
		}
	}
	if _, err := s.Get(t.Context(), "versionless"); store.CodeOf(err) != store.NotFound {
		t.Errorf("Get of a secret without a version = %v", err)
	}
	if names, err := s.List(t.Context(), ""); err != nil || !slices.Equal(names, []string{"good"}) {
		t.Errorf("List = %q, %v", names, err)
	}
}

// TestReadersOnly: who may read but not look at versions sees every name; who
// may not list either is well all the same, unless the API is switched off.
func TestReadersOnly(t *testing.T) {
	f := gcpfake.New()
	f.Put("p", "a", []byte("v"))
	f.Before = func(method, _ string) error {
		if method == "GetSecretVersion" {
			return status.Error(codes.PermissionDenied, "no")
		}
		return nil
	}
	s, _ := client(t, gcpfake.Start(t, f))
	if names, err := s.List(t.Context(), ""); err != nil || !slices.Equal(names, []string{"a"}) {
		t.Errorf("List = %q, %v", names, err)
	}
	f.Before = func(string, string) error { return status.Error(codes.PermissionDenied, "no") }
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("Check = %v", err)
	}
	if _, err := s.List(t.Context(), ""); store.CodeOf(err) != store.Denied {
		t.Errorf("List = %v", err)
	}
	f.Before = func(string, string) error {
		return status.Error(codes.PermissionDenied, "Secret Manager API has not been used in project 1 before or it is disabled.")
	}
	if err := s.Check(t.Context()); store.CodeOf(err) != store.Denied {
		t.Errorf("Check with the API switched off = %v", err)
	}
}

// TestRefusedWrites: what Google cannot keep is refused before it is asked.
func TestRefusedWrites(t *testing.T) {
	f := gcpfake.New()
	s, _ := client(t, gcpfake.Start(t, f))
	f.Calls()
	for what, secret := range map[string]*store.Secret{
		"no secret": nil, "text": {Form: store.Text, Payload: []byte("x")}, "too long": {Form: store.Binary, Payload: make([]byte, gcpfake.MaxPayload+1)},
	} {
		if _, err := s.Put(t.Context(), "x", secret, nil); store.CodeOf(err) != store.Invalid {
			t.Errorf("%s: Put = %v", what, err)
		}
	}
	if calls := f.Calls(); len(calls) > 0 {
		t.Errorf("the service was asked: %q", calls)
	}
	if _, err := s.Put(t.Context(), "a.b", &store.Secret{Form: store.Binary}, nil); store.CodeOf(err) != store.Invalid {
		t.Errorf("Put of a name that Google does not take = %v", err)
	}
}

// TestQuotaProject: whoever pays is named to the service.
func TestQuotaProject(t *testing.T) {
	g := &google{answers: map[string]string{"oauth2.googleapis.com/token": tokenAnswer}}
	person := user()
	person["quota_project_id"] = "payer"
	s, _ := tokenStore(t, g, map[string]any{"gcp_credential_config_file": person, "project_id": "p"})
	if s.credentials.quotaProject != "payer" {
		t.Errorf("the quota project is %q", s.credentials.quotaProject)
	}
	s, _ = tokenStore(t, g, map[string]any{"gcp_credential_config_file": person, "project_id": "p"}, "GOOGLE_CLOUD_QUOTA_PROJECT", "variable")
	if s.credentials.quotaProject != "variable" {
		t.Errorf("the quota project is %q", s.credentials.quotaProject)
	}
}
