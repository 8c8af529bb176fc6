package control

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// shortDir is a private folder whose path has room for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "airlock-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// mute listens at path and never answers.
func mute(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	chmod(t, path, 0o600)
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func note(t *testing.T, dir, path string) string {
	t.Helper()
	name := filepath.Join(dir, pathFile)
	if err := os.WriteFile(name, []byte(path+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// wantUntrusted wants Dial and Listen to refuse the folder because of path.
func wantUntrusted(t *testing.T, dir, path string) {
	t.Helper()
	_, err := Dial(t.Context(), dir)
	var untrusted *UntrustedError
	if !errors.As(err, &untrusted) || untrusted.Path != path || store.CodeOf(err) != store.Invalid || store.Hint(err) == "" {
		t.Errorf("Dial: %v, want an UntrustedError of %s, Invalid, with a hint", err, path)
	}
	if _, err := Listen(dir, nil, Hooks{}); !errors.As(err, &untrusted) {
		t.Errorf("Listen: %v, want an UntrustedError", err)
	}
}

func TestWhatOthersCanChangeIsNotTrusted(t *testing.T) {
	for name, arrange := range map[string]func(t *testing.T, dir, short string) (culprit string){
		"a folder that others can write": func(t *testing.T, dir, _ string) string {
			mute(t, filepath.Join(dir, socketFile))
			chmod(t, dir, 0o777)
			return dir
		},
		"a socket that others can write": func(t *testing.T, dir, _ string) string {
			path := filepath.Join(dir, socketFile)
			mute(t, path)
			chmod(t, path, 0o666)
			return path
		},
		"a link to a socket": func(t *testing.T, dir, short string) string {
			mute(t, filepath.Join(short, socketFile))
			path := filepath.Join(dir, socketFile)
			if err := os.Symlink(filepath.Join(short, socketFile), path); err != nil {
				t.Fatal(err)
			}
			return path
		},
		"a note that others can write": func(t *testing.T, dir, short string) string {
			mute(t, filepath.Join(short, socketFile))
			path := note(t, dir, filepath.Join(short, socketFile))
			chmod(t, path, 0o666)
			return path
		},
		"a link to a note": func(t *testing.T, dir, short string) string {
			mute(t, filepath.Join(short, socketFile))
			path := filepath.Join(dir, pathFile)
			if err := os.Symlink(note(t, short, filepath.Join(short, socketFile)), path); err != nil {
				t.Fatal(err)
			}
			return path
		},
		"a note that is a pipe": func(t *testing.T, dir, _ string) string {
			path := filepath.Join(dir, pathFile)
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		},
		"a note of no socket": func(t *testing.T, dir, _ string) string { return note(t, dir, "/etc/passwd") },
		"a noted folder that others can enter": func(t *testing.T, dir, short string) string {
			mute(t, filepath.Join(short, socketFile))
			note(t, dir, filepath.Join(short, socketFile))
			chmod(t, short, 0o755)
			return short
		},
		"a noted folder that is a link": func(t *testing.T, dir, short string) string {
			mute(t, filepath.Join(short, socketFile))
			link := short + "-link"
			if err := os.Symlink(short, link); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(link) })
			note(t, dir, filepath.Join(link, socketFile))
			return link
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := shortDir(t)
			wantUntrusted(t, dir, arrange(t, dir, shortDir(t)))
		})
	}
}

func TestWhatAnotherUserOwnsIsNotTrusted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	give := func(path string) string {
		if err := os.Lchown(path, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, arrange := range map[string]func(dir, short string) string{
		"the folder": func(dir, _ string) string { mute(t, filepath.Join(dir, socketFile)); return give(dir) },
		"the socket": func(dir, _ string) string {
			mute(t, filepath.Join(dir, socketFile))
			return give(filepath.Join(dir, socketFile))
		},
		"the note": func(dir, short string) string { return give(note(t, dir, filepath.Join(short, socketFile))) },
		"the noted folder": func(dir, short string) string {
			mute(t, filepath.Join(short, socketFile))
			note(t, dir, filepath.Join(short, socketFile))
			return give(short)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := shortDir(t)
			wantUntrusted(t, dir, arrange(dir, shortDir(t)))
		})
	}
}

// TestAnotherUsersListenerIsNotTrusted is a socket that was given the right
// owner and mode, so that only the system knows who listens.
func TestAnotherUsersListenerIsNotTrusted(t *testing.T) {
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("only root can run a process of another user, and only Linux runs a file it may not reach")
	}
	dir := shortDir(t)
	chmod(t, dir, 0o777) // until the other user has bound
	path := filepath.Join(dir, socketFile)
	c := exec.Command("/proc/self/exe", "-test.run=^TestListenForParent$")
	c.Env = append(os.Environ(), "AIRLOCK_TEST_LISTEN="+path)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = c.Wait() }()
	if b := make([]byte, 1); !read(out, b) {
		t.Fatal("the child did not listen")
	}
	chmod(t, dir, 0o700)
	chmod(t, path, 0o600)
	if err := os.Chown(path, 0, 0); err != nil {
		t.Fatal(err)
	}
	_, err = Dial(t.Context(), dir)
	var untrusted *UntrustedError
	if !errors.As(err, &untrusted) || untrusted.Path != path || !strings.Contains(err.Error(), "12345") {
		t.Errorf("Dial: %v, want an UntrustedError that names the user", err)
	}
}

func read(r interface{ Read([]byte) (int, error) }, b []byte) bool {
	n, err := r.Read(b)
	return err == nil && n > 0
}

// TestListenForParent is the other user's process.
func TestListenForParent(t *testing.T) {
	path := os.Getenv("AIRLOCK_TEST_LISTEN")
	if path == "" {
		return
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	os.Stdout.WriteString("listening\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

func TestPeerOfOurselves(t *testing.T) {
	dir := shortDir(t)
	path := filepath.Join(dir, socketFile)
	mute(t, path)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p, err := connected(path, conn)
	if err != nil || p.uid != int64(os.Geteuid()) || p.pid != os.Getpid() {
		t.Errorf("connected = %+v, %v, want this process", p, err)
	}
	p.uid++
	var untrusted *UntrustedError
	if err := p.check(path); !errors.As(err, &untrusted) {
		t.Errorf("check of another user: %v, want an UntrustedError", err)
	}
}

func TestAFolderThatIsAFileHasNoDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), path); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("Dial: %v, want ErrNoDaemon", err)
	}
}

func TestAStoppedDaemonIsUnavailable(t *testing.T) {
	dir := shortDir(t)
	mute(t, filepath.Join(dir, socketFile))
	_, err := dial(t.Context(), dir, limits{hello: 50 * time.Millisecond, call: time.Hour})
	if store.CodeOf(err) != store.Unavailable || errors.Is(err, ErrNoDaemon) || store.Hint(err) == "" {
		t.Errorf("Dial: %v, want unavailable with a hint", err)
	}
	for _, want := range []string{dir, "(process "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Dial: %v, want %q in it", err, want)
		}
	}
}
