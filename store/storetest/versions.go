package storetest

import (
	"fmt"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

func versionTests() []testCase {
	tests := []testCase{
		{"each version can be read", testEachVersion},
		{"a record describes every version", testRecord},
		{"a missing name has no record and no version", func(t *testing.T, s *suite) {
			v := s.versioner(t)
			_, err := v.Record(s.ctx, "missing")
			wantCode(t, "Record", err, store.NotFound)
			_, err = v.GetVersion(s.ctx, "missing", 0)
			wantCode(t, "GetVersion", err, store.NotFound)
			_, err = v.GetVersion(s.ctx, "missing", 1)
			wantCode(t, "GetVersion", err, store.NotFound)
		}},
		{"a hidden latest version hides the name", testHideLatest},
		{"a hidden old version hides itself alone", testHideOld},
		{"only the protocol that hid restores", testRestoreByAnother},
		{"unknown versions are ignored", func(t *testing.T, s *suite) {
			v := s.versioner(t)
			s.put(t, "name", s.sample("one"))
			ok(t, "Hide", v.Hide(s.ctx, "name", s.protocol(), 7, 8))
			ok(t, "Restore", v.Restore(s.ctx, "name", s.protocol(), 7))
			ok(t, "Destroy", v.Destroy(s.ctx, "name", 7))
			wantSecret(t, s.get(t, "name"), s.sample("one"))
		}},
		{"a call names each version once and a hundred at most", testManyVersions},
		{"a destroyed version never comes back", testDestroy},
		{"a write after hiding is readable", func(t *testing.T, s *suite) {
			v := s.versioner(t)
			s.put(t, "name", s.sample("one"))
			ok(t, "Hide", v.Hide(s.ctx, "name", s.protocol()))
			stored := s.put(t, "name", s.sample("two"))
			if stored.Version != 2 {
				t.Errorf("the version after a hidden one is %d, want 2", stored.Version)
			}
			wantSecret(t, s.get(t, "name"), s.sample("two"))
			_, err := v.GetVersion(s.ctx, "name", 1)
			wantCode(t, "GetVersion of a hidden version", err, store.NotFound)
		}},
	}
	for i := range tests {
		run := tests[i].run
		tests[i].run = func(t *testing.T, s *suite) {
			if s.canVersion(t) {
				run(t, s)
			}
		}
	}
	return tests
}

// canVersion says whether there are versions to test, having checked that a
// store without them refuses.
func (s *suite) canVersion(t *testing.T) bool {
	t.Helper()
	if !s.Limits.NoVersions {
		return s.canWrite(t)
	}
	v, err := store.Versions(s.Store)
	if err == nil {
		_, err = v.Record(s.ctx, "name") // a wrapper has the methods, which then refuse
	}
	wantCode(t, "Versions", err, store.Unsupported)
	return false
}

func (s *suite) versioner(t *testing.T) store.Versioner {
	t.Helper()
	v, err := store.Versions(s.Store)
	if err != nil {
		t.Fatalf("Versions = %v", err)
	}
	return v
}

func (s *suite) record(t *testing.T, name string) *store.Record {
	t.Helper()
	r, err := s.versioner(t).Record(s.ctx, name)
	if err != nil {
		t.Fatalf("Record(%q) = %v", name, err)
	}
	return r
}

// protocol is one that may hide.
func (s *suite) protocol() string {
	if s.Limits.Protocol != "" {
		return s.Limits.Protocol
	}
	return "vault"
}

func ok(t *testing.T, op string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s = %v", op, err)
	}
}

func testEachVersion(t *testing.T, s *suite) {
	v := s.versioner(t)
	for i := 1; i <= 3; i++ {
		s.put(t, "name", s.sample(fmt.Sprint("version ", i)))
	}
	for i := int64(1); i <= 3; i++ {
		got, err := v.GetVersion(s.ctx, "name", i)
		ok(t, "GetVersion", err)
		wantSecret(t, got, s.sample(fmt.Sprint("version ", i)))
		if got.Version != i {
			t.Errorf("version %d says it is %d", i, got.Version)
		}
	}
	latest, err := v.GetVersion(s.ctx, "name", 0)
	ok(t, "GetVersion(0)", err)
	wantSecret(t, latest, s.sample("version 3"))
	for _, n := range []int64{4, 1 << 40} {
		_, err := v.GetVersion(s.ctx, "name", n)
		wantCode(t, fmt.Sprintf("GetVersion(%d)", n), err, store.NotFound)
	}
}

func testRecord(t *testing.T, s *suite) {
	s.put(t, "name", s.sample("one"))
	s.put(t, "name", s.sample("two"))
	r := s.record(t, "name")
	if r.Name != "name" || r.Latest != 2 || len(r.Versions) != 2 {
		t.Fatalf("record has name %q, latest %d, %d versions; want name, 2, 2", r.Name, r.Latest, len(r.Versions))
	}
	for i, info := range r.Versions {
		if info.Version != int64(i+1) || info.Created.IsZero() || !info.Hidden.IsZero() || info.HiddenBy != "" || info.Destroyed {
			t.Errorf("version %d is described as %+v", i+1, info)
		}
	}
	if r.Created.IsZero() || r.Updated.Before(r.Created) {
		t.Errorf("created %v, updated %v", r.Created, r.Updated)
	}
}

func testHideLatest(t *testing.T, s *suite) {
	v := s.versioner(t)
	s.put(t, "name", s.sample("one"))
	s.put(t, "name", s.sample("two"))
	s.put(t, "other", s.sample("x"))
	ok(t, "Hide", v.Hide(s.ctx, "name", s.protocol()))
	s.gone(t, "name")
	_, err := v.GetVersion(s.ctx, "name", 2)
	wantCode(t, "GetVersion of a hidden version", err, store.NotFound)
	old, err := v.GetVersion(s.ctx, "name", 1)
	ok(t, "GetVersion(1)", err)
	wantSecret(t, old, s.sample("one"))
	s.list(t, "", "other")
	info := s.record(t, "name").Versions[1]
	if info.Hidden.IsZero() || info.HiddenBy != s.protocol() || info.Destroyed {
		t.Errorf("the hidden version is described as %+v", info)
	}
	ok(t, "Restore", v.Restore(s.ctx, "name", s.protocol(), 2))
	wantSecret(t, s.get(t, "name"), s.sample("two"))
	s.list(t, "", "name", "other")
	if info := s.record(t, "name").Versions[1]; !info.Hidden.IsZero() || info.HiddenBy != "" {
		t.Errorf("the restored version is described as %+v", info)
	}
}

func testHideOld(t *testing.T, s *suite) {
	v := s.versioner(t)
	for i := 1; i <= 3; i++ {
		s.put(t, "name", s.sample(fmt.Sprint("version ", i)))
	}
	ok(t, "Hide", v.Hide(s.ctx, "name", s.protocol(), 1, 2))
	wantSecret(t, s.get(t, "name"), s.sample("version 3"))
	for n := int64(1); n <= 2; n++ {
		_, err := v.GetVersion(s.ctx, "name", n)
		wantCode(t, "GetVersion of a hidden version", err, store.NotFound)
	}
	ok(t, "Hide again", v.Hide(s.ctx, "name", s.protocol(), 3))
	s.gone(t, "name")
	if r := s.record(t, "name"); r.Latest != 3 || len(r.Versions) != 3 {
		t.Errorf("with every version hidden the record has latest %d and %d versions", r.Latest, len(r.Versions))
	}
	ok(t, "Restore", v.Restore(s.ctx, "name", s.protocol(), 2))
	s.gone(t, "name")
	got, err := v.GetVersion(s.ctx, "name", 2)
	ok(t, "GetVersion of a restored version", err)
	wantSecret(t, got, s.sample("version 2"))
}

func testRestoreByAnother(t *testing.T, s *suite) {
	v := s.versioner(t)
	s.put(t, "name", s.sample("one"))
	if s.Limits.Protocol != "" {
		wantCode(t, "Hide by another protocol", v.Hide(s.ctx, "name", "another"), store.Unsupported)
		wantCode(t, "Restore by another protocol", v.Restore(s.ctx, "name", "another", 1), store.Unsupported)
		wantSecret(t, s.get(t, "name"), s.sample("one"))
		return
	}
	ok(t, "Hide", v.Hide(s.ctx, "name", "vault"))
	if err := v.Restore(s.ctx, "name", "cli", 1); err != nil && store.CodeOf(err) == store.Unavailable {
		t.Errorf("Restore by another protocol = %v", err)
	}
	s.gone(t, "name")
	ok(t, "Hide by another", v.Hide(s.ctx, "name", "cli", 1))
	if by := s.record(t, "name").Versions[0].HiddenBy; by != "vault" {
		t.Errorf("hidden once more, the version is hidden by %q, want still vault", by)
	}
	ok(t, "Restore", v.Restore(s.ctx, "name", "vault", 1))
	wantSecret(t, s.get(t, "name"), s.sample("one"))
}

func testManyVersions(t *testing.T, s *suite) {
	v := s.versioner(t)
	s.put(t, "name", s.sample("one"))
	s.put(t, "name", s.sample("two"))
	many := make([]int64, store.MaxVersions+1)
	for i := range many {
		many[i] = 1
	}
	wantCode(t, "Hide of too many", v.Hide(s.ctx, "name", s.protocol(), many...), store.Invalid)
	wantCode(t, "Restore of too many", v.Restore(s.ctx, "name", s.protocol(), many...), store.Invalid)
	wantCode(t, "Destroy of too many", v.Destroy(s.ctx, "name", many...), store.Invalid)
	_, err := v.GetVersion(s.ctx, "name", 1)
	ok(t, "GetVersion", err)
	ok(t, "Hide of one a hundred times", v.Hide(s.ctx, "name", s.protocol(), many[1:]...))
	_, err = v.GetVersion(s.ctx, "name", 1)
	wantCode(t, "GetVersion of a hidden version", err, store.NotFound)
	wantSecret(t, s.get(t, "name"), s.sample("two"))
}

func testDestroy(t *testing.T, s *suite) {
	v := s.versioner(t)
	s.put(t, "name", s.sample("one"))
	s.put(t, "name", s.sample("two"))
	ok(t, "Destroy", v.Destroy(s.ctx, "name", 2))
	s.gone(t, "name")
	ok(t, "Restore", v.Restore(s.ctx, "name", s.protocol(), 2))
	s.gone(t, "name")
	s.list(t, "")
	r := s.record(t, "name")
	if r.Latest != 2 || len(r.Versions) != 2 || !r.Versions[1].Destroyed || r.Versions[0].Destroyed {
		t.Errorf("after Destroy the record is %+v", r)
	}
	if stored := s.put(t, "name", s.sample("three")); stored.Version != 3 {
		t.Errorf("the version after a destroyed one is %d, want 3", stored.Version)
	}
	wantSecret(t, s.get(t, "name"), s.sample("three"))
}
