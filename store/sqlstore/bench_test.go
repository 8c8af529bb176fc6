package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// fillTest stores count secrets in one transaction.
func fillTest(b *testing.B, s *Namespace, count int) {
	b.Helper()
	ctx := context.Background()
	err := s.change(ctx, true, func(tx *sql.Tx, k *namespaceKey) error {
		now := time.Now().UTC()
		for i := range count {
			name := fmt.Sprintf("variable//KEY_%d", i)
			r, err := findOrMake(ctx, tx, k, name, now)
			if err != nil {
				return err
			}
			r.latest++
			if _, err := s.insert(ctx, tx, k, r, name, &store.Secret{Payload: []byte("value of " + name)},
				&store.Secret{Time: now}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen opens a folder of 10,000 secrets and reads one.
func BenchmarkOpen(b *testing.B) {
	ctx := context.Background()
	o := Options{Dir: b.TempDir()}
	db, err := Open(ctx, o)
	if err != nil {
		b.Fatal(err)
	}
	fillTest(b, db.Namespace(DefaultNamespace), 10_000)
	db.Close()
	for b.Loop() {
		s, err := OpenStore(ctx, o)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.Get(ctx, "variable//KEY_77"); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func BenchmarkGet(b *testing.B) {
	ctx := context.Background()
	db, err := Open(ctx, Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := db.Namespace(DefaultNamespace)
	fillTest(b, s, 10_000)
	for b.Loop() {
		if _, err := s.Get(ctx, "variable//KEY_77"); err != nil {
			b.Fatal(err)
		}
	}
}
