package client_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func open(t *testing.T, s store.Store, c *clock) *client.Registry {
	t.Helper()
	r, err := client.Open(t.Context(), s, &client.Options{Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func create(t *testing.T, r *client.Registry, spec client.Spec) *client.Credentials {
	t.Helper()
	creds, err := r.Create(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return creds
}

func accepted(t *testing.T, r *client.Registry, token, name string) *client.Session {
	t.Helper()
	s, err := r.Authenticate(token)
	if err != nil {
		t.Fatalf("Authenticate: %v, want client %q", err, name)
	}
	if s.Principal.Name != name {
		t.Fatalf("Authenticate: client %q, want %q", s.Principal.Name, name)
	}
	return s
}

func refused(t *testing.T, r *client.Registry, token string) {
	t.Helper()
	if _, err := r.Authenticate(token); store.CodeOf(err) != store.Unauthenticated {
		t.Fatalf("Authenticate: %v, want Unauthenticated", err)
	}
}

func code(t *testing.T, err error, want store.Code) {
	t.Helper()
	if got := store.CodeOf(err); got != want {
		t.Fatalf("error %v, want code %q", err, want)
	}
}

func TestATokenIsTheClientUntilItIsRotatedOrRevoked(t *testing.T) {
	c, s := newClock(), memstore.New("system")
	r := open(t, s, c)
	rules := []acl.Rule{{Actions: []acl.Action{acl.Read}, IDs: []string{"etl_*"}}}
	first := create(t, r, client.Spec{Name: "airflow", Deployment: "prod", Rules: rules})
	if !strings.HasPrefix(first.Token, client.TokenPrefix) || len(first.Token) < 50 {
		t.Errorf("the token has %d bytes or another prefix", len(first.Token))
	}
	got := accepted(t, r, first.Token, "airflow")
	if got.Principal.Deployment != "prod" || len(got.Principal.Rules) != 1 {
		t.Errorf("principal = %+v", got.Principal)
	}
	for _, bad := range []string{"", "x", first.Token + "x", first.Token[:len(first.Token)-1], got.Accessor, strings.Repeat("x", 1<<20)} {
		refused(t, r, bad)
	}
	second, err := r.Rotate(t.Context(), "airflow", nil)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, r, first.Token)
	accepted(t, r, second.Token, "airflow")

	// A restart keeps it, and its rules.
	r = open(t, s, c)
	if p := accepted(t, r, second.Token, "airflow").Principal; len(p.Rules) != 1 || p.Rules[0].IDs[0] != "etl_*" {
		t.Errorf("principal after a restart = %+v", p)
	}
	if err := r.Revoke(t.Context(), "airflow"); err != nil {
		t.Fatal(err)
	}
	refused(t, r, second.Token)
	refused(t, open(t, s, c), second.Token)
	code(t, r.Revoke(t.Context(), "airflow"), store.NotFound)
	_, err = r.Rotate(t.Context(), "airflow", nil)
	code(t, err, store.NotFound)
}

func TestTheStoreHoldsNoCredential(t *testing.T) {
	s := memstore.New("system")
	r := open(t, s, newClock())
	creds := create(t, r, client.Spec{Name: "airflow", AppRole: true})
	secret, err := s.Get(t.Context(), "client/airflow")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []string{creds.Token, creds.SecretID} {
		if strings.Contains(string(secret.Payload), c) {
			t.Error("a credential is stored as it is")
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if out := fmt.Sprintf(verb, creds); strings.Contains(out, creds.Token) || strings.Contains(out, creds.SecretID) {
			t.Errorf("%s prints a credential", verb)
		}
	}
}

func TestAnExpiredClientIsRefused(t *testing.T) {
	c := newClock()
	r := open(t, memstore.New("system"), c)
	creds := create(t, r, client.Spec{Name: "guest", AppRole: true, Expires: c.Now().Add(time.Minute)})
	_, token, err := r.Login(t.Context(), creds.RoleID, creds.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	c.pass(time.Minute)
	refused(t, r, creds.Token)
	refused(t, r, token)
	_, _, err = r.Login(t.Context(), creds.RoleID, creds.SecretID)
	code(t, err, store.Unauthenticated)
}

func TestCreateRefuses(t *testing.T) {
	r := open(t, memstore.New("system"), newClock())
	create(t, r, client.Spec{Name: "taken", Token: "a-token-that-somebody-chose"})
	accepted(t, r, "a-token-that-somebody-chose", "taken")
	for _, c := range []struct {
		spec client.Spec
		want store.Code
	}{
		{client.Spec{Name: ""}, store.Invalid},
		{client.Spec{Name: "a/b"}, store.Invalid},
		{client.Spec{Name: strings.Repeat("x", 65)}, store.Invalid},
		{client.Spec{Name: "x", Token: "short"}, store.Invalid},
		{client.Spec{Name: "x", SecretUses: -1}, store.Invalid},
		{client.Spec{Name: "x", Rules: []acl.Rule{{Actions: []acl.Action{"peek"}}}}, store.Invalid},
		{client.Spec{Name: "taken"}, store.Conflict},
		{client.Spec{Name: "other", Token: "a-token-that-somebody-chose"}, store.Conflict},
	} {
		_, err := r.Create(t.Context(), c.spec)
		code(t, err, c.want)
	}
	if got := r.List(); len(got) != 1 || got[0].Name != "taken" {
		t.Errorf("List() = %+v", got)
	}
}

func TestAStoreThatFailsLetsNobodyIn(t *testing.T) {
	s := memstore.New("system")
	r := open(t, s, newClock())
	few := create(t, r, client.Spec{Name: "few", AppRole: true, SecretUses: 2})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Create(ctx, client.Spec{Name: "lost", Token: "a-token-that-somebody-chose"})
	code(t, err, store.Unavailable)
	refused(t, r, "a-token-that-somebody-chose")
	_, _, err = r.Login(ctx, few.RoleID, few.SecretID)
	code(t, err, store.Unavailable)
}

func BenchmarkAuthenticate(b *testing.B) {
	r, err := client.Open(b.Context(), memstore.New("system"), nil)
	if err != nil {
		b.Fatal(err)
	}
	creds, err := r.Create(b.Context(), client.Spec{Name: "airflow"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Authenticate(creds.Token); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReloadSeesWhatAnotherProcessChanged(t *testing.T) {
	c, s := newClock(), memstore.New("system")
	r := open(t, s, c)
	kept := create(t, r, client.Spec{Name: "kept", AppRole: true})
	rotated := create(t, r, client.Spec{Name: "rotated"})
	revoked := create(t, r, client.Spec{Name: "revoked"})
	_, lease, err := r.Login(t.Context(), kept.RoleID, kept.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	other := open(t, s, c)
	if err := other.Revoke(t.Context(), "revoked"); err != nil {
		t.Fatal(err)
	}
	again, err := other.Rotate(t.Context(), "rotated", nil)
	if err != nil {
		t.Fatal(err)
	}
	added := create(t, other, client.Spec{Name: "added"})
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, r, revoked.Token)
	refused(t, r, rotated.Token)
	accepted(t, r, again.Token, "rotated")
	accepted(t, r, added.Token, "added")
	accepted(t, r, kept.Token, "kept")
	accepted(t, r, lease, "kept")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code(t, r.Reload(ctx), store.Unavailable)
	accepted(t, r, kept.Token, "kept")
}
