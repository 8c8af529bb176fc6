package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

func writeTests() []testCase {
	tests := []testCase{
		{"the last write wins", func(t *testing.T, s *suite) {
			for i := range 3 {
				want := s.sample(fmt.Sprint("value ", i))
				s.put(t, "name", want)
				wantSecret(t, s.get(t, "name"), want)
			}
		}},
		{"a write answers what was stored, without the payload", testPutAnswer},
		{"the payload is copied", testCopied},
		{"a form that cannot be held is invalid", testForeignForm},
		{"an object that is none is invalid", testNoObject},
		{"an empty name is invalid", func(t *testing.T, s *suite) {
			_, err := store.Put(s.ctx, s.Store, "", s.sample("x"), nil)
			wantCode(t, "Put", err, store.Invalid)
		}},
		{"a deleted name is gone for good", testDelete},
		{"deleting what is not there is not found", func(t *testing.T, s *suite) {
			wantCode(t, "Delete", store.Delete(s.ctx, s.Store, "missing"), store.NotFound)
		}},
		{"a condition is kept", testConditions},
		{"a name whose versions are all destroyed counts as not there", testAllDestroyed},
		{"of many conditional writes one wins", testRace},
	}
	for i := range tests {
		run := tests[i].run
		tests[i].run = func(t *testing.T, s *suite) {
			if s.canWrite(t) {
				run(t, s)
			}
		}
	}
	return tests
}

func testPutAnswer(t *testing.T, s *suite) {
	secret := s.sample("hello")
	secret.Version, secret.Time = 99, time.Unix(1, 0) // both are the store's to give
	first := s.put(t, "name", secret)
	second := s.put(t, "name", secret)
	for i, stored := range []*store.Secret{first, second} {
		if stored == nil || stored.Payload != nil {
			t.Fatalf("Put answered %v, want a secret without payload", stored)
		}
		if !s.Limits.NoNumbers && stored.Version != int64(i+1) {
			t.Errorf("write %d has version %d", i+1, stored.Version)
		}
		if !stored.Time.IsZero() && time.Since(stored.Time).Abs() > time.Hour {
			t.Errorf("write %d has time %v", i+1, stored.Time)
		}
	}
	if got := s.get(t, "name"); got.Version != second.Version {
		t.Errorf("Get has version %d, Put said %d", got.Version, second.Version)
	}
}

func testDelete(t *testing.T, s *suite) {
	s.put(t, "name", s.sample("one"))
	s.put(t, "name", s.sample("two"))
	s.put(t, s.below("name/below"), s.sample("stays"))
	if err := store.Delete(s.ctx, s.Store, "name"); err != nil {
		t.Fatalf("Delete = %v", err)
	}
	s.gone(t, "name")
	wantCode(t, "second Delete", store.Delete(s.ctx, s.Store, "name"), store.NotFound)
	wantSecret(t, s.get(t, s.below("name/below")), s.sample("stays"))
	if !s.Limits.NoVersions {
		v := s.versioner(t)
		_, err := v.Record(s.ctx, "name")
		wantCode(t, "Record", err, store.NotFound)
	}
	s.put(t, "name", s.sample("three"))
	wantSecret(t, s.get(t, "name"), s.sample("three"))
	if !s.Limits.NoVersions {
		if r := s.record(t, "name"); len(r.Versions) != 1 {
			t.Errorf("after Delete and Put there are %d versions, want 1", len(r.Versions))
		}
	}
}

// putIf writes while the latest version is n.
func (s *suite) putIf(n int64, text string) (*store.Secret, error) {
	return store.Put(s.ctx, s.Store, "name", s.sample(text), &store.PutOptions{IfVersion: &n})
}

func testConditions(t *testing.T, s *suite) {
	if s.Limits.NoConditions {
		_, err := s.putIf(0, "x")
		wantCode(t, "Put with IfVersion", err, store.Unsupported)
		s.gone(t, "name")
		return
	}
	if s.Limits.NewOnly {
		s.testNewOnly(t)
		return
	}
	_, err := s.putIf(1, "no")
	wantCode(t, "Put if version 1 of what is not there", err, store.Conflict)
	s.gone(t, "name")
	if _, err := s.putIf(0, "one"); err != nil {
		t.Fatalf("Put if not there = %v", err)
	}
	_, err = s.putIf(0, "no")
	wantCode(t, "Put if not there of what is there", err, store.Conflict)
	second, err := s.putIf(1, "two")
	if err != nil {
		t.Fatalf("Put if version 1 = %v", err)
	}
	for _, n := range []int64{0, 1, 3, -1} {
		_, err := s.putIf(n, "no")
		wantCode(t, fmt.Sprintf("Put if version %d", n), err, store.Conflict)
	}
	got := s.get(t, "name")
	wantSecret(t, got, s.sample("two"))
	if got.Version != second.Version {
		t.Errorf("version is %d after lost writes, want %d", got.Version, second.Version)
	}
	if err := store.Delete(s.ctx, s.Store, "name"); err != nil {
		t.Fatalf("Delete = %v", err)
	}
	if _, err := s.putIf(0, "again"); err != nil {
		t.Errorf("Put if not there after Delete = %v", err)
	}
}

func (s *suite) testNewOnly(t *testing.T) {
	t.Helper()
	_, err := s.putIf(1, "no")
	wantCode(t, "Put if version 1", err, store.Unsupported)
	s.gone(t, "name")
	for _, text := range []string{"one", "again"} { // the second one after Delete
		if _, err := s.putIf(0, text); err != nil {
			t.Fatalf("Put if not there = %v", err)
		}
		_, err = s.putIf(0, "no")
		wantCode(t, "Put if not there of what is there", err, store.Conflict)
		wantSecret(t, s.get(t, "name"), s.sample(text))
		if err := store.Delete(s.ctx, s.Store, "name"); err != nil {
			t.Fatalf("Delete = %v", err)
		}
	}
}

func testRace(t *testing.T, s *suite) {
	if s.Limits.NoConditions || s.Limits.NewOnly {
		return
	}
	s.put(t, "name", s.sample("start"))
	const writers = 8
	errs := make([]error, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() { _, errs[i] = s.putIf(1, fmt.Sprint("writer ", i)) })
	}
	group.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("writers %d and %d both won", winner, i)
		case !errors.Is(err, store.ErrConflict):
			t.Errorf("writer %d: %v, want a conflict", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	wantSecret(t, s.get(t, "name"), s.sample(fmt.Sprint("writer ", winner)))
}

func testForeignForm(t *testing.T, s *suite) {
	for _, f := range []store.Form{store.Text, store.Binary, store.Object} {
		if !s.hasForm(f) {
			_, err := store.Put(s.ctx, s.Store, "name", secretOf(f, "x"), nil)
			wantCode(t, "Put of "+f.String(), err, store.Invalid)
			s.gone(t, "name")
		}
	}
}

func testNoObject(t *testing.T, s *suite) {
	if !s.hasForm(store.Object) {
		return
	}
	for _, text := range []string{"", "x", "[]", `"x"`, "{", "{} {}"} {
		_, err := store.Put(s.ctx, s.Store, "name", &store.Secret{Form: store.Object, Payload: []byte(text)}, nil)
		wantCode(t, fmt.Sprintf("Put of the object %q", text), err, store.Invalid)
	}
	s.gone(t, "name")
}

func testAllDestroyed(t *testing.T, s *suite) {
	if s.Limits.NoConditions || s.Limits.NoVersions {
		return
	}
	s.put(t, "name", s.sample("one"))
	ok(t, "Destroy", s.versioner(t).Destroy(s.ctx, "name", 1))
	stored, err := s.putIf(0, "two")
	ok(t, "Put if not there", err)
	if stored.Version != 2 {
		t.Errorf("the version after a destroyed one is %d, want 2", stored.Version)
	}
}

func testCopied(t *testing.T, s *suite) {
	secret, want := s.sample("hello"), s.sample("hello")
	s.put(t, "name", secret)
	for i := range secret.Payload {
		secret.Payload[i] = 'x'
	}
	wantSecret(t, s.get(t, "name"), want)
}
