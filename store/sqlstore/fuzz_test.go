package sqlstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// FuzzDamage changes bytes of a database file: each flip is four bytes, where
// and two that are turned over. What is answered then was stored under that
// very name, and every failure has a code.
func FuzzDamage(f *testing.F) {
	dir := f.TempDir()
	db, err := Open(f.Context(), Options{Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	names := []string{"a", "b", "variable//key", "connection//c"}
	s := db.Namespace(DefaultNamespace)
	for _, name := range names {
		for _, of := range []string{"first ", "second "} {
			if _, err := s.Put(f.Context(), name, &store.Secret{Payload: []byte(of + name)}, nil); err != nil {
				f.Fatal(err)
			}
		}
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(dir, databaseFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for at := 0; at < len(whole); at += 2039 {
		f.Add(binary.BigEndian.AppendUint32(nil, uint32(at%(1<<16))<<16|0x0101), uint8(at>>16), 0)
	}
	f.Add([]byte{}, uint8(0), 0)
	f.Add([]byte{0, 18, 0xff, 0}, uint8(0), 4096)
	f.Fuzz(func(t *testing.T, flips []byte, high uint8, cut int) {
		damaged := slices.Clone(whole)
		for flip := range slices.Chunk(flips[:min(len(flips), 400)], 4) {
			if len(flip) == 4 {
				at := (int(high)<<16 | int(flip[0])<<8 | int(flip[1])) % (len(damaged) - 1)
				damaged[at], damaged[at+1] = damaged[at]^flip[2], damaged[at+1]^flip[3]
			}
		}
		if cut > 0 && cut < len(damaged) {
			damaged = damaged[:len(damaged)-cut]
		}
		for _, left := range []string{"-wal", "-shm", "-journal"} {
			if err := os.Remove(path + left); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		readDamaged(t, dir, names)
	})
}

// readDamaged reads all that a folder has.
func readDamaged(t *testing.T, dir string, names []string) {
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: dir, MustExist: true})
	typed(t, "open", err)
	if err != nil {
		return
	}
	defer func() { _ = db.Close() }()
	s := db.Namespace(DefaultNamespace)
	for _, name := range names {
		for version := range int64(4) {
			got, err := s.Get(ctx, name)
			if version > 0 {
				got, err = s.GetVersion(ctx, name, version)
			}
			typed(t, "get", err)
			if err == nil && string(got.Payload) != "first "+name && string(got.Payload) != "second "+name {
				t.Errorf("%q has the value %q", name, got.Payload)
			}
			if err == nil && version > 0 && string(got.Payload) != []string{"first ", "second "}[(version-1)%2]+name {
				t.Errorf("version %d of %q is %q", version, name, got.Payload)
			}
		}
		_, err := s.Record(ctx, name)
		typed(t, "record", err)
	}
	_, err = s.List(ctx, "")
	typed(t, "list", err)
}

// typed fails for an error that is none of a store's.
func typed(t *testing.T, what string, err error) {
	t.Helper()
	var failed *store.Error
	if err == nil {
		return
	}
	if !errors.As(err, &failed) || !slices.Contains([]store.Code{store.NotFound, store.Corrupt, store.Invalid, store.Unavailable, store.Unsupported}, failed.Code) {
		t.Errorf("%s: %s has no code of its own", what, fmt.Sprint(err))
	}
}
