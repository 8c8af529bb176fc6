package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

func lifecycleTests() []testCase {
	return []testCase{
		{"a closed store is unavailable", testClosed},
		{"a cancelled context stops everything", testCancelled},
		{"many at once", testConcurrent},
		{"what was written outlives the store", testReopen},
		{"a healthy store checks well and locates names", func(t *testing.T, s *suite) {
			ok(t, "Check", store.Check(s.ctx, s.Store))
			if store.Locate(s.Store, "name") == "" {
				t.Error("Locate answers nothing")
			}
		}},
	}
}

func testClosed(t *testing.T, s *suite) {
	s.seed(t, "name", s.sample("x"))
	for i := range 2 {
		if err := s.Store.Close(); err != nil {
			t.Fatalf("Close number %d = %v", i+1, err)
		}
	}
	for op, err := range s.everything(s.ctx) {
		wantCode(t, op+" after Close", err, store.Unavailable)
	}
}

func testCancelled(t *testing.T, s *suite) {
	s.seed(t, "name", s.sample("x"))
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	for op, err := range s.everything(ctx) {
		wantCode(t, op+" with a cancelled context", err, store.Unavailable)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want context.Canceled in it", op, err)
		}
	}
	wantSecret(t, s.get(t, "name"), s.sample("x"))
}

// everything calls each operation that the store supports on "name".
func (s *suite) everything(ctx context.Context) map[string]error {
	errs := map[string]error{}
	_, errs["Get"] = s.Store.Get(ctx, "name")
	if !s.Limits.NoList {
		_, errs["List"] = store.List(ctx, s.Store, "")
	}
	if !s.Limits.ReadOnly {
		_, errs["Put"] = store.Put(ctx, s.Store, "name", s.sample("changed"), nil)
		errs["Delete"] = store.Delete(ctx, s.Store, "name")
	}
	if s.Limits.NoVersions {
		return errs
	}
	if v, err := store.Versions(s.Store); err == nil {
		_, errs["GetVersion"] = v.GetVersion(ctx, "name", 1)
		_, errs["Record"] = v.Record(ctx, "name")
		if !s.Limits.ReadOnly {
			errs["Hide"] = v.Hide(ctx, "name", s.protocol())
			errs["Restore"] = v.Restore(ctx, "name", s.protocol(), 1)
			errs["Destroy"] = v.Destroy(ctx, "name", 1)
		}
	}
	return errs
}

func testConcurrent(t *testing.T, s *suite) {
	const workers, rounds = 8, 10
	for i := range workers {
		s.seed(t, fmt.Sprint("name", i), s.sample(fmt.Sprint("value ", i)))
	}
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			for range rounds {
				name, want := fmt.Sprint("name", i), s.sample(fmt.Sprint("value ", i))
				got, err := s.Store.Get(s.ctx, name)
				if err != nil {
					t.Errorf("Get(%q) = %v", name, err)
					return
				}
				wantSecret(t, got, want)
				if !s.Limits.NoList {
					if names, err := store.List(s.ctx, s.Store, ""); err != nil || len(names) != workers {
						t.Errorf("List = %d names, %v; want %d", len(names), err, workers)
					}
				}
				if !s.Limits.ReadOnly {
					if _, err := store.Put(s.ctx, s.Store, name, want, nil); err != nil {
						t.Errorf("Put(%q) = %v", name, err)
					}
				}
			}
		})
	}
	group.Wait()
}

func testReopen(t *testing.T, s *suite) {
	if s.Reopen == nil || !s.canWrite(t) {
		return
	}
	s.put(t, "name", s.sample("one"))
	s.put(t, "name", s.sample("two"))
	s.put(t, "deleted", s.sample("x"))
	ok(t, "Delete", store.Delete(s.ctx, s.Store, "deleted"))
	ok(t, "Close", s.Store.Close())
	again := s.Reopen(t)
	defer again.Close()
	got, err := again.Get(s.ctx, "name")
	ok(t, "Get after reopening", err)
	wantSecret(t, got, s.sample("two"))
	if !s.Limits.NoNumbers && got.Version != 2 {
		t.Errorf("after reopening the version is %d, want 2", got.Version)
	}
	_, err = again.Get(s.ctx, "deleted")
	wantCode(t, "Get of what was deleted", err, store.NotFound)
}
