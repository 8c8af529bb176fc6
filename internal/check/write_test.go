package check_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/project"
)

func change(path, old, text string) *check.Change {
	return &check.Change{File: &project.File{Path: path, Text: old}, New: text}
}

func TestChangeWrite(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for path, mode := range map[string]os.FileMode{"private": 0o600, "script.sh": 0o755, "moved": 0o644, "linked": 0o640} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte("old"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "other"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"in": "linked", "out": filepath.Join(outside, "other")} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name    string
		change  *check.Change
		refused bool
		want    string
		mode    os.FileMode
	}{
		{"keeps a private mode", change("private", "old", "new"), false, "new", 0o600},
		{"keeps the mode of a program", change("script.sh", "old", "new"), false, "new", 0o755},
		{"refuses a file that changed", change("moved", "older", "new"), true, "old", 0o644},
		{"makes a file that was not there", change("made", "", "new"), false, "new", 0o644},
		{"follows a link within the folder", change("in", "old", "new"), false, "new", 0o640},
		{"refuses a link out of it", change("out", "old", "new"), true, "old", 0o600},
	}
	for _, tt := range tests {
		if err := tt.change.Write(dir); (err != nil) != tt.refused {
			t.Errorf("%s: %v", tt.name, err)
		}
		path := filepath.Join(dir, tt.change.File.Path)
		got, err := os.ReadFile(path)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %s holds %q, %v, want %q", tt.name, tt.change.File.Path, got, err, tt.want)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != tt.mode {
			t.Errorf("%s: its mode is %v, %v, want %v", tt.name, info.Mode(), err, tt.mode)
		}
	}
	if info, err := os.Lstat(filepath.Join(dir, "in")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if err := change("gone", "old", "new").Write(dir); err == nil {
		t.Error("a file that is gone is written")
	}
	if err := change("moved", "older", "new").Write(dir); !errors.Is(err, check.ErrChanged) {
		t.Errorf("a changed file is refused with %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*airlock*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestChangeWriteStaysInside: not even a folder that becomes a link, or a file
// that becomes a pipe, after it was read leads a fix elsewhere or holds it up.
func TestChangeWriteStaysInside(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "x.env"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "folder")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*check.Change{change("folder/x.env", "old", "new"), change("folder/made.env", "", "new"), change("pipe", "old", "new"), change("../up", "", "new")} {
		if err := c.Write(dir); err == nil {
			t.Errorf("%s is written", c.File.Path)
		}
	}
	if got, err := os.ReadFile(filepath.Join(outside, "x.env")); err != nil || string(got) != "old" {
		t.Errorf("the file outside is changed, %v", err)
	}
	if list, err := os.ReadDir(outside); err != nil || len(list) != 1 {
		t.Errorf("%d files outside, want 1, %v", len(list), err)
	}
}

// TestChangeWriteIsWholeAtAnyTime reads a file all the while it is changed: a
// process that is killed leaves what a reader sees.
func TestChangeWriteIsWholeAtAnyTime(t *testing.T) {
	dir := t.TempDir()
	texts := []string{strings.Repeat("old\n", 1<<14), strings.Repeat("new text\n", 1<<14)}
	path := filepath.Join(dir, ".env")
	if err := os.WriteFile(path, []byte(texts[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		for i := range 50 {
			if err := change(".env", texts[i%2], texts[(i+1)%2]).Write(dir); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		got, err := os.ReadFile(path)
		if err != nil || string(got) != texts[0] && string(got) != texts[1] {
			t.Fatalf("%d bytes of neither text, %v", len(got), err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}
