package wholefile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/internal/wholefile"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, text := range []string{"old", "new"} {
		if err := wholefile.Replace(root, "f", text, 0o640); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "f"))
		if got, rerr := os.ReadFile(filepath.Join(dir, "f")); err != nil || rerr != nil || string(got) != text || info.Mode().Perm() != 0o640 {
			t.Errorf("the file is %q, %v, %v", got, err, rerr)
		}
	}
	// What cannot be renamed into place leaves nothing behind.
	if err := os.MkdirAll(filepath.Join(dir, "folder", "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := wholefile.Replace(root, "folder", "x", 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
