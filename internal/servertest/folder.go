package servertest

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
)

// Folder is a new folder with files, for a server. Where the test runs as
// root, as whom the server does not, all of it belongs to the user account.
// server is what messages call it.
func Folder(t testing.TB, server, account string, files ...map[string][]byte) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "servertest") // short enough for a socket within
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	paths := []string{dir}
	for _, some := range files {
		for name, content := range some {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	if os.Getuid() == 0 {
		give(t, server, account, paths)
	}
	return dir
}

func give(t testing.TB, server, account string, paths []string) {
	t.Helper()
	u, err := user.Lookup(account)
	if err != nil {
		t.Fatalf("%s does not run as root: %v", server, err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	for _, path := range paths {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}
