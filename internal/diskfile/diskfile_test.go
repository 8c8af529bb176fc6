package diskfile_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/internal/diskfile"
)

// TestOnlyRegularFiles: none of these is opened, and none is waited for.
func TestOnlyRegularFiles(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	l, err := net.Listen("unix", path("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := errors.Join(syscall.Mkfifo(path("pipe"), 0o600), os.Symlink("pipe", path("link")), os.Mkdir(path("folder"), 0o700),
		os.Symlink("/dev/zero", path("device")), os.WriteFile(path("file"), []byte("text"), 0o600)); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]error{
		"pipe": diskfile.ErrNotRegular, "link": diskfile.ErrNotRegular, "socket": diskfile.ErrNotRegular, "device": diskfile.ErrNotRegular,
		"folder": syscall.EISDIR, "none": fs.ErrNotExist, "file": nil,
	} {
		_, read := diskfile.Read(path(name), 10)
		_, within := diskfile.ReadIn(root, name, 10)
		w, write := diskfile.OpenFile(path(name), os.O_RDWR|os.O_APPEND, 0)
		_ = w.Close()
		if name == "device" {
			within = read // a link that leads out of the folder has an error of its own
		}
		for how, err := range map[string]error{"read": read, "read within": within, "write": write} {
			if !errors.Is(err, want) || want != nil && !errors.As(err, new(*fs.PathError)) {
				t.Errorf("%s %s: %v, want %v", how, name, err, want)
			}
		}
		if err := diskfile.Check(path(name)); !errors.Is(err, want) && name != "none" {
			t.Errorf("check %s: %v, want %v", name, err, want)
		}
	}
	if err := diskfile.CheckRead(path("pipe"), 10); !errors.Is(err, diskfile.ErrNotRegular) {
		t.Errorf("check of a pipe for reading: %v", err)
	}
	if _, err := diskfile.OpenFile(path("link"), os.O_RDWR|syscall.O_NOFOLLOW, 0); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link that is not followed: %v", err)
	}
	if _, err := diskfile.OpenDir(path("pipe")); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a pipe as a folder: %v", err)
	}
}

func TestReadIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := diskfile.Read(path, 5); err != nil || string(b) != "12345" {
		t.Errorf("Read = %q, %v", b, err)
	}
	if _, err := diskfile.Read(path, 4); !errors.As(err, new(*diskfile.TooLargeError)) {
		t.Errorf("Read of more = %v", err)
	}
	if b, err := diskfile.Read("/proc/self/status", 1<<20); err != nil || !strings.Contains(string(b), "Pid:") {
		t.Errorf("a file that says it is empty: %v", err)
	}
}

// TestReadTyped: what the shell makes of <(...) is read, and waited for until
// the context ends.
func TestReadTyped(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	wrote := make(chan error, 1)
	go func() { wrote <- os.WriteFile(pipe, []byte("text"), 0) }()
	if b, err := diskfile.ReadTyped(t.Context(), pipe, 10); err != nil || string(b) != "text" {
		t.Errorf("ReadTyped = %q, %v", b, err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := diskfile.ReadTyped(ctx, pipe, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("ReadTyped that waits = %v", err)
	}
	if _, err := diskfile.ReadTyped(t.Context(), "/dev/zero", 10); !errors.Is(err, diskfile.ErrNotRegular) {
		t.Errorf("ReadTyped of a device = %v", err)
	}
}
