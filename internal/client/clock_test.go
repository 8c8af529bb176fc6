package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

// steady is the time that nobody sets.
type steady struct{ clock }

func (s *steady) Uptime() time.Duration { return s.Now().Sub(time.Time{}.AddDate(2025, 0, 0)) }

func openSteady(t *testing.T, s store.Store, c *clock, up *steady) *client.Registry {
	t.Helper()
	r, err := client.Open(t.Context(), s, &client.Options{Now: c.Now, Uptime: up.Uptime})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newSteady() *steady { return &steady{*newClock()} }

func TestWhatWasSeenExpiredStaysRefused(t *testing.T) {
	for name, see := range map[string]func(r *client.Registry, creds *client.Credentials){
		"by its token": func(r *client.Registry, creds *client.Credentials) { _, _ = r.Authenticate(creds.Token) },
		"by a log-in": func(r *client.Registry, creds *client.Credentials) {
			_, _, _ = r.Login(context.Background(), creds.RoleID, creds.SecretID)
		},
		"at the start": func(r *client.Registry, _ *client.Credentials) { r.EndExpired() },
	} {
		t.Run(name, func(t *testing.T) {
			c, s := newClock(), memstore.New("system")
			r := open(t, s, c)
			creds := create(t, r, client.Spec{Name: "guest", AppRole: true, Expires: c.Now().Add(time.Hour)})
			lease := login(t, r, creds)
			c.pass(2 * time.Hour)
			see(r, creds)
			c.pass(-2 * time.Hour)
			for _, restarted := range []bool{false, true} {
				if restarted {
					r = open(t, s, c)
				}
				refused(t, r, creds.Token)
				refused(t, r, lease)
				_, _, err := r.Login(t.Context(), creds.RoleID, creds.SecretID)
				code(t, err, store.Unauthenticated)
				if err := r.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				refused(t, r, creds.Token)
				if l := r.List(); len(l) != 1 || !l[0].Expired || l[0].Damage != nil {
					t.Errorf("List() = %+v, want the client, expired", l)
				}
			}
			rotated, err := r.Rotate(t.Context(), "guest", nil)
			if err != nil {
				t.Fatal(err)
			}
			refused(t, r, rotated.Token)
			if err := r.Extend(t.Context(), "guest", c.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			accepted(t, r, rotated.Token, "guest")
			accepted(t, open(t, s, c), rotated.Token, "guest")
			c.pass(time.Minute)
			refused(t, r, rotated.Token)
		})
	}
}

func TestExtend(t *testing.T) {
	c := newClock()
	r := open(t, memstore.New("system"), c)
	creds := create(t, r, client.Spec{Name: "guest", AppRole: true, Expires: c.Now().Add(time.Minute)})
	lease := login(t, r, creds)
	if err := r.Extend(t.Context(), "guest", time.Time{}); err != nil {
		t.Fatal(err)
	}
	c.pass(30 * time.Minute)
	accepted(t, r, creds.Token, "guest")
	accepted(t, r, lease, "guest")
	code(t, r.Extend(t.Context(), "guest", c.Now()), store.Invalid)
	code(t, r.Extend(t.Context(), "nobody", time.Time{}), store.NotFound)
	if l := r.List(); l[0].Expired || !l[0].Expires.IsZero() {
		t.Errorf("List() = %+v", l)
	}
}

// TestAnEndThatCannotBeStoredHoldsAndIsStoredLater also reads the clients anew
// in between, from a store that does not know of the end.
func TestAnEndThatCannotBeStoredHoldsAndIsStoredLater(t *testing.T) {
	c, up, s := newClock(), newSteady(), &stubborn{Store: memstore.New("system")}
	r := openSteady(t, s, c, up)
	creds := create(t, r, client.Spec{Name: "guest", Expires: c.Now().Add(time.Hour)})
	c.pass(time.Hour)
	s.refuse = true
	refused(t, r, creds.Token)
	c.pass(-time.Hour)
	refused(t, r, creds.Token)
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, r, creds.Token)
	accepted(t, open(t, s, c), creds.Token, "guest") // as the store has it
	s.refuse = false
	up.pass(time.Minute)
	refused(t, r, creds.Token)
	refused(t, open(t, s, c), creds.Token)
}

// stubborn is a store that takes nothing while it refuses.
type stubborn struct {
	*memstore.Store
	refuse bool
}

func (s *stubborn) Put(ctx context.Context, name string, secret *store.Secret, o *store.PutOptions) (*store.Secret, error) {
	if s.refuse {
		return nil, &store.Error{Op: "put", Code: store.Unavailable}
	}
	return s.Store.Put(ctx, name, secret, o)
}

func TestLeasesDoNotRevive(t *testing.T) {
	c := newClock()
	r := open(t, memstore.New("system"), c)
	creds := create(t, r, client.Spec{Name: "airflow", AppRole: true})
	token := login(t, r, creds)
	c.pass(time.Hour)
	refused(t, r, token)
	c.pass(-time.Hour)
	refused(t, r, token)
	_, err := r.Renew(token, 0)
	code(t, err, store.Unauthenticated)
	accepted(t, r, creds.Token, "airflow")
}

func TestAClockThatIsSetBackProlongsNothing(t *testing.T) {
	c, up := newClock(), newSteady()
	r := openSteady(t, memstore.New("system"), c, up)
	guest := create(t, r, client.Spec{Name: "guest", Expires: c.Now().Add(90 * time.Minute)})
	creds := create(t, r, client.Spec{Name: "airflow", AppRole: true, SecretTTL: 90 * time.Minute})
	token, renewed := login(t, r, creds), login(t, r, creds)
	c.pass(-10 * time.Hour)
	up.pass(59 * time.Minute)
	accepted(t, r, token, "airflow")
	if s, err := r.Renew(renewed, 0); err != nil || s.TTL != time.Hour {
		t.Fatalf("Renew = %+v, %v", s, err)
	}
	up.pass(time.Minute)
	refused(t, r, token)
	accepted(t, r, renewed, "airflow")
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	accepted(t, r, guest.Token, "guest")
	up.pass(30 * time.Minute)
	refused(t, r, guest.Token)
	_, _, err := r.Login(t.Context(), creds.RoleID, creds.SecretID)
	code(t, err, store.Unauthenticated)
	accepted(t, r, renewed, "airflow")
	up.pass(30 * time.Minute)
	refused(t, r, renewed)
}

func TestTheLongestLifeOfALeaseIsByBothClocks(t *testing.T) {
	c, up := newClock(), newSteady()
	r := openSteady(t, memstore.New("system"), c, up)
	token := login(t, r, create(t, r, client.Spec{Name: "airflow", AppRole: true}))
	days := 0
	for ; days < 40; days++ {
		c.pass(-time.Hour)
		up.pass(24 * time.Hour)
		if _, err := r.Renew(token, 25*time.Hour); err != nil {
			break
		}
	}
	if days != 0 { // an hour is too short to be renewed after a day
		t.Errorf("renewed on %d days", days)
	}
}
