package client_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/memstore"
)

func TestAppRole(t *testing.T) {
	c, s := newClock(), memstore.New("system")
	r := open(t, s, c)
	creds := create(t, r, client.Spec{Name: "airflow", AppRole: true})
	session, token, err := r.Login(t.Context(), creds.RoleID, creds.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	if session.TTL != time.Hour || !session.Renewable() {
		t.Errorf("TTL %v, renewable %v, want one hour and true", session.TTL, session.Renewable())
	}
	accepted(t, r, token, "airflow")
	for _, bad := range [][2]string{
		{creds.RoleID, ""}, {"", creds.SecretID}, {"", ""}, {creds.RoleID, creds.Token}, {creds.RoleID, creds.SecretID + "x"},
		{strings.Repeat("x", 1<<16), creds.SecretID},
	} {
		_, _, err := r.Login(t.Context(), bad[0], bad[1])
		code(t, err, store.Unauthenticated)
	}
	c.pass(59 * time.Minute)
	accepted(t, r, token, "airflow")
	if _, err := r.Renew(token, 0); err != nil {
		t.Fatal(err)
	}
	c.pass(59 * time.Minute)
	accepted(t, r, token, "airflow")
	c.pass(time.Minute)
	refused(t, r, token)
	_, err = r.Renew(token, 0)
	code(t, err, store.Unauthenticated)

	// A rotation ends the secret id and every lease; a restart the leases.
	_, token, err = r.Login(t.Context(), creds.RoleID, creds.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	next, err := r.Rotate(t.Context(), "airflow", nil)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, r, token)
	_, _, err = r.Login(t.Context(), creds.RoleID, creds.SecretID)
	code(t, err, store.Unauthenticated)
	if next.RoleID != creds.RoleID {
		t.Error("a rotation changed the role id")
	}
	_, token, err = r.Login(t.Context(), next.RoleID, next.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	r = open(t, s, c)
	refused(t, r, token)
	if _, _, err = r.Login(t.Context(), next.RoleID, next.SecretID); err != nil {
		t.Fatal(err)
	}
}

func TestALeaseIsNeverRenewedBeyondItsLongest(t *testing.T) {
	c := newClock()
	r := open(t, memstore.New("system"), c)
	creds := create(t, r, client.Spec{Name: "airflow", AppRole: true})
	_, token, err := r.Login(t.Context(), creds.RoleID, creds.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Renew(token, 1000*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Expires.Sub(s.Created), 32*24*time.Hour; got != want {
		t.Errorf("the lease lives %v, want %v", got, want)
	}
	_, err = r.Renew(creds.Token, 0)
	code(t, err, store.Invalid)
	if err := r.Drop(token); err != nil {
		t.Fatal(err)
	}
	refused(t, r, token)
	code(t, r.Drop(creds.Token), store.Denied)
	code(t, r.Drop("x"), store.Unauthenticated)
	accepted(t, r, creds.Token, "airflow")
}

func TestSecretIDsEnd(t *testing.T) {
	c, s := newClock(), memstore.New("system")
	r := open(t, s, c)
	short := create(t, r, client.Spec{Name: "short", AppRole: true, SecretTTL: time.Minute})
	few := create(t, r, client.Spec{Name: "few", AppRole: true, SecretUses: 2})
	login := func(creds *client.Credentials) error {
		_, _, err := r.Login(t.Context(), creds.RoleID, creds.SecretID)
		return err
	}
	if err := login(short); err != nil {
		t.Fatal(err)
	}
	c.pass(time.Minute)
	code(t, login(short), store.Unauthenticated)
	if err := login(few); err != nil {
		t.Fatal(err)
	}
	r = open(t, s, c) // the count survives a restart
	_, token, err := r.Login(t.Context(), few.RoleID, few.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	code(t, login(few), store.Unauthenticated)
	accepted(t, r, token, "few")
	for _, i := range r.List() {
		if i.Name == "few" && i.SecretUses != -1 {
			t.Errorf("SecretUses = %d, want -1", i.SecretUses)
		}
	}
	again, err := r.Rotate(t.Context(), "few", &client.Spec{SecretUses: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := login(again); err != nil {
		t.Fatal(err)
	}
	code(t, login(again), store.Unauthenticated)
}

func TestASecretIDIsNotUsedMoreOftenByHurrying(t *testing.T) {
	r := open(t, memstore.New("system"), newClock())
	creds := create(t, r, client.Spec{Name: "few", AppRole: true, SecretUses: 5})
	var wg sync.WaitGroup
	var mu sync.Mutex
	in := 0
	for range 40 {
		wg.Go(func() {
			_, token, err := r.Login(t.Context(), creds.RoleID, creds.SecretID)
			if err != nil {
				return
			}
			if _, err := r.Authenticate(token); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			in++
		})
	}
	wg.Wait()
	if in != 5 {
		t.Errorf("%d logins, want 5", in)
	}
}

func login(t *testing.T, r *client.Registry, creds *client.Credentials) string {
	t.Helper()
	_, token, err := r.Login(t.Context(), creds.RoleID, creds.SecretID)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestAClientsOwnOldestLeaseGoes(t *testing.T) {
	r := open(t, memstore.New("system"), newClock())
	busy := create(t, r, client.Spec{Name: "busy", AppRole: true})
	quiet := create(t, r, client.Spec{Name: "quiet", AppRole: true})
	other := login(t, r, quiet)
	const most, more = 1024, 3
	var tokens []string
	for range most {
		tokens = append(tokens, login(t, r, busy))
	}
	if err := r.Drop(tokens[0]); err != nil { // which makes room for one
		t.Fatal(err)
	}
	for range more + 1 {
		tokens = append(tokens, login(t, r, busy))
	}
	for i, token := range tokens {
		if i < more+1 {
			refused(t, r, token)
		} else {
			accepted(t, r, token, "busy")
		}
	}
	accepted(t, r, other, "quiet")
}

// TestManyLogIns is what evicted the lease of another client, and would take
// minutes if a log-in looked at every lease.
func TestManyLogIns(t *testing.T) {
	r := open(t, memstore.New("system"), newClock())
	busy := create(t, r, client.Spec{Name: "busy", AppRole: true})
	other := login(t, r, create(t, r, client.Spec{Name: "quiet", AppRole: true}))
	last := ""
	for range 70_000 {
		last = login(t, r, busy)
	}
	accepted(t, r, last, "busy")
	accepted(t, r, other, "quiet")
}
