package metadbstore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// TestLargeFilesAreRefused: libpq's clients read these files whole, and one of
// many gigabytes would end the process.
func TestLargeFilesAreRefused(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	large := filepath.Join(os.Getenv("HOME"), ".pgpass")
	f, err := os.Create(large)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 36); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"sslrootcert=" + large, "sslmode=require&sslcert=" + large + "&sslkey=" + large, "passfile=" + large, ""} {
		if s, err := Open(Options{Conn: "postgresql://u@127.0.0.1:1/d?" + query}); store.CodeOf(err) != store.Invalid {
			t.Errorf("%q: %v, %v, want invalid", query, s, err)
		}
	}
}
