package sqlstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/airlock-secrets/airlock/store"
)

// readOnlyCopy puts the files of dir on a file system of their own, which
// cannot be written.
func readOnlyCopy(t *testing.T, dir string) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(at, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", at, "tmpfs", 0, "mode=0700"); err != nil {
		t.Skipf("file systems cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	for name, content := range snapshot(t, dir) {
		if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount("none", at, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAReadOnlyFileSystemIsRead(t *testing.T) {
	ctx := context.Background()
	dir := readOnlyCopy(t, made(t))
	s := openTest(t, dir).Namespace(DefaultNamespace)
	if got, err := s.Get(ctx, "x"); err != nil || string(got.Payload) != "v" {
		t.Errorf("Get = %v, %v", got, err)
	}
	if names, err := s.List(ctx, ""); err != nil || len(names) != 51 {
		t.Errorf("List = %d names, %v", len(names), err)
	}
	_, putErr := s.Put(ctx, "x", &store.Secret{Payload: []byte("w")}, nil)
	_, lockErr := Lock(dir)
	for what, err := range map[string]error{"Put": putErr, "Delete": s.Delete(ctx, "x"), "Lock": lockErr} {
		wantCode(t, what, err, store.Denied)
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "read-only file system") || store.Hint(err) == "" {
			t.Errorf("%s: %v, want a read-only file system and a hint", what, err)
		}
	}
}

func TestAStoreIsNotMadeOnAReadOnlyFileSystem(t *testing.T) {
	_, err := Open(context.Background(), Options{Dir: readOnlyCopy(t, t.TempDir())})
	if !errors.Is(err, syscall.EROFS) || store.Hint(err) == "" {
		t.Errorf("Open: %v, want a read-only file system and a hint", err)
	}
}
