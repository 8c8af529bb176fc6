package sqlstore

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

func TestIdentity(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "data")
	if id, err := Identity(dir); id != "" || err != nil {
		t.Errorf("no folder: %q, %v", id, err)
	}
	var told []string
	open := func(dir string) {
		t.Helper()
		s, err := OpenStore(ctx, Options{Dir: dir, Made: func(id string) { told = append(told, id) }})
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, "x", "v")
		s.Close()
	}
	open(dir)
	id, err := Identity(dir)
	if err != nil || len(id) != 32 || len(told) != 1 || told[0] != id {
		t.Errorf("Identity = %q, %v; the maker was told %q", id, err, told)
	}
	before := snapshot(t, dir)
	open(dir)
	if again, err := Identity(dir); again != id || err != nil || len(told) != 1 {
		t.Errorf("after another opening: %q, %v; the maker was told %q", again, err, told)
	}
	if len(snapshot(t, dir)) != len(before) {
		t.Error("files were made")
	}
	other := filepath.Join(t.TempDir(), "data")
	open(other)
	if another, err := Identity(other); another == id || err != nil {
		t.Errorf("another store: %q, %v", another, err)
	}
	// A key that is swapped makes another store.
	b, err := os.ReadFile(filepath.Join(other, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	edit(t, filepath.Join(dir, keyFile), func([]byte) []byte { return b })
	if swapped, err := Identity(dir); swapped == id || err != nil {
		t.Errorf("a swapped key: %q, %v", swapped, err)
	}
}

func TestIdentityFollowsNothing(t *testing.T) {
	for _, name := range []string{databaseFile, keyFile} {
		dir := made(t)
		path := filepath.Join(dir, name)
		if err := os.Rename(path, path+".moved"); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path+".moved", path); err != nil {
			t.Fatal(err)
		}
		_, err := Identity(dir)
		wantCode(t, "Identity with a link for "+name, err, store.Invalid)
	}
}

func TestVacant(t *testing.T) {
	dir := t.TempDir()
	want := func(want bool) {
		t.Helper()
		if got, err := Vacant(dir); got != want || err != nil {
			t.Errorf("Vacant = %v, %v", got, err)
		}
	}
	want(true)
	lock, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	lock.Close()
	want(true)
	if err := os.WriteFile(filepath.Join(dir, keyFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want(false)
	dir = filepath.Join(dir, "none")
	want(true)
}

func TestALinkIsNoLock(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, lockFile)); err != nil {
		t.Fatal(err)
	}
	_, err := Lock(dir)
	wantCode(t, "Lock", err, store.Invalid)
	if b, err := os.ReadFile(target); string(b) != "keep" || err != nil {
		t.Errorf("the target holds %q, %v", b, err)
	}
}
