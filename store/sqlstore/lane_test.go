package sqlstore

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// until waits for a condition; go test ends a test for which it never comes.
func until(condition func() bool) {
	for !condition() {
		runtime.Gosched()
	}
}

func TestAChangeAheadWaitsForTheOneThatRunsOnly(t *testing.T) {
	db := openTest(t, t.TempDir())
	ctx := context.Background()
	mustPut(t, db.Namespace(SystemNamespace), "client/a", "x")
	if err := db.writers.Enter(ctx, false); err != nil { // the one that runs
		t.Fatal(err)
	}
	const others = 200
	var all sync.WaitGroup
	tenants := db.Namespace(DefaultNamespace)
	for i := range others {
		all.Go(func() {
			if _, err := tenants.Put(ctx, fmt.Sprint(i), &store.Secret{Payload: []byte("x")}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	until(func() bool { return db.writers.Waiting() == others })
	ended, turn := make(chan error, 1), make(chan error, 1)
	go func() { ended <- db.Namespace(SystemNamespace).Ahead().Delete(ctx, "client/a") }()
	until(func() bool { return db.writers.Waiting() == others+1 })
	go func() { turn <- db.writers.Enter(ctx, true) }() // to look, before the others go on
	until(func() bool { return db.writers.Waiting() == others+2 })
	db.writers.Leave()
	if err := <-turn; err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if names, err := tenants.List(ctx, ""); err != nil || len(names) != 0 {
		t.Errorf("%d of the %d that waited were made before it, %v", len(names), others, err)
	}
	db.writers.Leave()
	all.Wait()
}

func TestWhoGivesUpWaitingHasChangedNothing(t *testing.T) {
	db := openTest(t, t.TempDir())
	n := db.Namespace(DefaultNamespace)
	mustPut(t, n, "a", "x")
	_ = db.writers.Enter(context.Background(), false)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.Delete(ctx, "a") }()
	until(func() bool { return db.writers.Waiting() == 1 })
	cancel()
	wantCode(t, "Delete", <-ended, store.Unavailable)
	db.writers.Leave()
	wantValue(t, n, "a", "x")
	if err := n.Delete(context.Background(), "a"); err != nil {
		t.Error(err)
	}
}

// TestManyVersions makes more of them than one transaction touches.
func TestManyVersions(t *testing.T) {
	ctx := context.Background()
	n := openTest(t, t.TempDir()).Namespace(DefaultNamespace)
	keep := func(most string) {
		t.Helper()
		if err := n.SetAttributes(ctx, "a", "vault", map[string]string{"max_versions": most}); err != nil {
			t.Fatal(err)
		}
	}
	readable := func(want ...int64) {
		t.Helper()
		r, err := n.Record(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, v := range r.Versions {
			if v.Hidden.IsZero() && !v.Destroyed {
				got = append(got, v.Version)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("the readable versions are %v, want %v", got, want)
		}
	}
	keep("1000")
	const made = 5*batch + 3
	all := make([]int64, made)
	for i := range all {
		all[i] = int64(i + 1)
		mustPut(t, n, "a", strings.Repeat("x", 100))
	}
	if err := n.Hide(ctx, "a", "vault", all...); err != nil {
		t.Fatal(err)
	}
	readable()
	if err := n.Restore(ctx, "a", "vault", all...); err != nil {
		t.Fatal(err)
	}
	readable(all...)
	if err := n.Destroy(ctx, "a", all[:2*batch]...); err != nil {
		t.Fatal(err)
	}
	readable(all[2*batch:]...)
	keep("2")
	mustPut(t, n, "a", "last")
	readable(made, made+1)
	keep("1000")
	for range 2 * batch {
		mustPut(t, n, "a", "more")
	}
	if err := n.Delete(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	_, err := n.Record(ctx, "a")
	wantCode(t, "Record", err, store.NotFound)
	wantCode(t, "Delete", n.Delete(ctx, "a"), store.NotFound)
}
