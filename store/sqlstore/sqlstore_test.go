package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// openTest opens the folder dir until the test ends.
func openTest(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatalf("Open(%s): %v", dir, err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func mustPut(t *testing.T, s store.Store, name, value string) *store.Secret {
	t.Helper()
	stored, err := store.Put(context.Background(), s, name, &store.Secret{Payload: []byte(value)}, nil)
	if err != nil {
		t.Fatalf("Put(%q): %v", name, err)
	}
	return stored
}

func wantValue(t *testing.T, s store.Store, name, want string) {
	t.Helper()
	got, err := s.Get(context.Background(), name)
	if err != nil {
		t.Errorf("Get(%q): %v, want %q", name, err, want)
		return
	}
	if string(got.Payload) != want {
		t.Errorf("Get(%q) = %q, want %q", name, got.Payload, want)
	}
}

// wantCode checks the code, and that there is a hint where one is due.
func wantCode(t *testing.T, what string, err error, want store.Code) {
	t.Helper()
	if store.CodeOf(err) != want {
		t.Errorf("%s: error %v has code %q, want %q", what, err, store.CodeOf(err), want)
	}
	var e *store.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %T is no *store.Error", what, err)
	}
}

func TestValuesSurviveReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder with ? # %41 and ü", "data")
	ctx := context.Background()
	s, err := OpenStore(ctx, Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "a", "one")
	mustPut(t, s, "a", "two")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again := openTest(t, dir).Namespace(DefaultNamespace)
	wantValue(t, again, "a", "two")
	first, err := again.GetVersion(ctx, "a", 1)
	if err != nil || string(first.Payload) != "one" {
		t.Errorf("GetVersion(1) = %v, %v, want one", first, err)
	}
}

func TestNamespacesAreApart(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, t.TempDir())
	mustPut(t, db.Namespace("one"), "x", "1")
	if _, err := db.Namespace("two").Get(ctx, "x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get in the other namespace: %v, want not found", err)
	}
	mustPut(t, db.Namespace("two"), "x", "2")
	wantValue(t, db.Namespace("one"), "x", "1")
	wantValue(t, db.Namespace("two"), "x", "2")
	if names, err := db.Namespace("three").List(ctx, ""); err != nil || len(names) != 0 {
		t.Errorf("List of a namespace that was never written = %q, %v", names, err)
	}
}

func TestListUsesBytePrefixes(t *testing.T) {
	s := openTest(t, t.TempDir()).Namespace(DefaultNamespace)
	names := []string{"A", "a", "a/b", "a/bc", "a%", "a_", "b", "é", "a\xff", "a\xff\xff1"}
	for _, name := range names {
		mustPut(t, s, name, "v")
	}
	for _, prefix := range []string{"", "a", "a/", "a%", "\xff", "a\xff", "a\xff\xff", "é", "zz"} {
		var want []string
		for _, name := range names {
			if strings.HasPrefix(name, prefix) {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		got, err := s.List(context.Background(), prefix)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("List(%q) = %q, %v, want %q", prefix, got, err, want)
		}
	}
}

func TestBounds(t *testing.T) {
	ctx := context.Background()
	s := openTest(t, t.TempDir()).Namespace(DefaultNamespace)
	long := strings.Repeat("n", MaxName)
	payload := strings.Repeat("p", MaxPayload)
	mustPut(t, s, long, payload)
	wantValue(t, s, long, payload)
	for what, err := range map[string]error{
		"an empty name": second(s.Put(ctx, "", &store.Secret{}, nil)),
		"a long name":   second(s.Put(ctx, long+"n", &store.Secret{}, nil)),
		"a big payload": second(s.Put(ctx, "x", &store.Secret{Payload: []byte(payload + "p")}, nil)),
		"no secret":     second(s.Put(ctx, "x", nil, nil)),
		"an odd form":   second(s.Put(ctx, "x", &store.Secret{Form: 7}, nil)),
		"big attributes": s.SetAttributes(ctx, "x", "vault",
			map[string]string{"a": strings.Repeat("v", MaxAttributes)}),
	} {
		wantCode(t, what, err, store.Invalid)
	}
	if _, err := s.Record(ctx, "x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a refused write left a record behind: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestOldVersionsAreDropped(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		maxVersions string
		keeps       int
	}{{"", 10}, {"0", 10}, {"three", 10}, {"3", 3}, {"12", 12}} {
		s := openTest(t, t.TempDir()).Namespace(DefaultNamespace)
		if err := s.SetAttributes(ctx, "x", "vault", map[string]string{"max_versions": c.maxVersions}); err != nil {
			t.Fatal(err)
		}
		for range 15 {
			mustPut(t, s, "x", "v")
		}
		r, err := s.Record(ctx, "x")
		if err != nil {
			t.Fatal(err)
		}
		if r.Latest != 15 || len(r.Versions) != c.keeps || r.Versions[c.keeps-1].Version != 15 {
			t.Errorf("max_versions %q: latest %d, %d versions kept, want 15 and %d", c.maxVersions, r.Latest, len(r.Versions), c.keeps)
		}
	}
}

func TestPermissions(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "data")
	s := openTest(t, dir).Namespace(DefaultNamespace)
	mustPut(t, s, "x", "v")
	lock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	seen := map[string]bool{}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen[d.Name()] = true
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %04o, want %04o", path, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{databaseFile, databaseFile + "-wal", keyFile, lockFile, ".gitignore"} {
		if !seen[name] {
			t.Errorf("%s is not there", name)
		}
	}
}

func TestNothingIsStoredInTheClear(t *testing.T) {
	dir := t.TempDir()
	db := openTest(t, dir)
	s := db.Namespace(DefaultNamespace)
	mustPut(t, s, "x", "correct horse battery staple")
	if err := s.SetAttributes(context.Background(), "x", "vault", map[string]string{"owner": "a very private note"}); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{databaseFile, databaseFile + "-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"horse battery", "private note"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %q", file, secret)
			}
		}
	}
}

func TestConcurrentWritersLoseNothing(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	const writers, writes = 4, 10
	var wg sync.WaitGroup
	for w := range writers {
		db := openTest(t, dir) // as separate processes would
		wg.Go(func() {
			s := db.Namespace(DefaultNamespace)
			for i := range writes {
				name := fmt.Sprintf("own/%d/%d", w, i)
				if _, err := s.Put(ctx, name, &store.Secret{Payload: []byte(name)}, nil); err != nil {
					t.Errorf("Put(%q): %v", name, err)
				}
				if _, err := s.Put(ctx, "shared", &store.Secret{Payload: []byte(name)}, nil); err != nil {
					t.Errorf("Put(shared): %v", err)
				}
				if _, err := s.Get(ctx, "shared"); err != nil {
					t.Errorf("Get(shared): %v", err)
				}
			}
		})
	}
	wg.Wait()
	s := openTest(t, dir).Namespace(DefaultNamespace)
	names, err := s.List(ctx, "own/")
	if err != nil || len(names) != writers*writes {
		t.Errorf("%d names after %d writes, %v", len(names), writers*writes, err)
	}
	r, err := s.Record(ctx, "shared")
	if err != nil || r.Latest != writers*writes {
		t.Errorf("shared is at version %d after %d writes, %v", r.Latest, writers*writes, err)
	}
}

func TestConcurrentFirstUseMakesOneStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			db, err := Open(context.Background(), Options{Dir: dir})
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			defer db.Close()
			if _, err := db.Namespace(DefaultNamespace).Put(context.Background(), fmt.Sprint(i), &store.Secret{}, nil); err != nil {
				t.Errorf("Put: %v", err)
			}
		})
	}
	wg.Wait()
	names, err := openTest(t, dir).Namespace(DefaultNamespace).List(context.Background(), "")
	if err != nil || len(names) != 6 {
		t.Errorf("List = %q, %v, want 6 names", names, err)
	}
}

func TestCloseEndsEveryNamespace(t *testing.T) {
	ctx := context.Background()
	db := openTest(t, t.TempDir())
	s := db.Namespace(DefaultNamespace)
	mustPut(t, s, "x", "v")
	other := db.Namespace(DefaultNamespace)
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "x", "v")
	_, err := other.Get(ctx, "x")
	wantCode(t, "Get of a closed namespace", err, store.Unavailable)
	db.Close()
	_, err = s.Get(ctx, "x")
	wantCode(t, "Get after the folder was closed", err, store.Unavailable)
	wantCode(t, "Check after the folder was closed", s.Check(ctx), store.Unavailable)
}

func TestLockNamesTheHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	lock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(dir)
	wantCode(t, "a second Lock", err, store.Unavailable)
	var inUse *InUseError
	if !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
		t.Errorf("a second Lock: %v, want an InUseError of process %d", err, os.Getpid())
	}
	if !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || store.Hint(err) == "" {
		t.Errorf("a second Lock: %v, hint %q", err, store.Hint(err))
	}
	openTest(t, dir) // a command beside the daemon
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Lock(dir)
	if err != nil {
		t.Fatalf("Lock after Close: %v", err)
	}
	again.Close()
}
