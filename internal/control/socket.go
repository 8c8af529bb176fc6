package control

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/airlock-secrets/airlock/internal/diskfile"
)

const (
	socketFile = "airlock.sock"
	pathFile   = "airlock.sock.path"
	// maxSocketPath is how long the path of a Unix socket may be: 104 bytes
	// with the closing null on macOS, 108 on Linux.
	maxSocketPath = 103
)

// listen binds the folder's socket and returns what removes it again. A
// socket that nobody answers on is a leftover and is replaced.
func listen(dir string) (net.Listener, func(), error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	path, err := socketPath(abs)
	var untrusted *UntrustedError
	switch {
	case err == nil:
		if err := clear(path); err != nil {
			return nil, nil, err
		}
		if filepath.Dir(path) != abs {
			_ = os.Remove(filepath.Dir(path)) // the dead daemon's, and empty now
		}
	case errors.As(err, &untrusted):
		return nil, nil, err
	}
	record := filepath.Join(abs, pathFile)
	if err := os.Remove(record); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	path = filepath.Join(abs, socketFile)
	if len(path) <= maxSocketPath {
		l, err := bind(path)
		return l, func() { _ = os.Remove(path) }, err
	}
	return listenElsewhere(record)
}

// listenElsewhere binds a socket in a private folder with a short path and
// notes where.
func listenElsewhere(record string) (net.Listener, func(), error) {
	short, err := os.MkdirTemp("", "airlock-") // mode 0700
	if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(short, socketFile)
	remove := func() {
		_ = os.Remove(record)
		_ = os.RemoveAll(short)
	}
	if len(path) > maxSocketPath {
		remove()
		return nil, nil, fmt.Errorf("the paths of the data folder and of the temporary folder %s are too long for a socket: set TMPDIR to a shorter one",
			filepath.Dir(short))
	}
	l, err := bind(path)
	if err == nil {
		if err = writeRecord(record, path); err != nil {
			l.Close()
		}
	}
	if err != nil {
		remove()
		return nil, nil, err
	}
	return l, remove, nil
}

// writeRecord writes down where the socket is, into a file that is not there yet.
func writeRecord(record, path string) error {
	f, err := diskfile.OpenFile(record, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(path + "\n")
	return errors.Join(err, f.Close())
}

// bind makes a socket of mode 0600. It is made in a folder that only its owner
// can enter and moved from there, so that it never stands open to others.
func bind(path string) (net.Listener, error) {
	private := filepath.Join(filepath.Dir(path), ".sock")
	if err := os.RemoveAll(private); err != nil {
		return nil, err
	}
	if err := os.Mkdir(private, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	first := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: first, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it will have moved
	if err = os.Chmod(first, 0o600); err == nil {
		err = os.Rename(first, path)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// socketPath says where the socket of a folder is or would be. It is
// fs.ErrNotExist where neither socket nor note is there, and *UntrustedError
// where somebody else could have put them there.
func socketPath(abs string) (string, error) {
	path := filepath.Join(abs, socketFile)
	_, err := os.Lstat(path)
	here := err == nil
	if !here && errors.Is(err, fs.ErrNotExist) {
		path, err = recordedPath(filepath.Join(abs, pathFile))
	}
	if err != nil {
		return "", err
	}
	folder, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	if err := trustFolder(abs, folder); err != nil {
		return "", err
	}
	if !here {
		if err := trustEntry(filepath.Dir(path), fs.ModeDir, 0o077); err != nil {
			return "", err
		}
	}
	return path, trustEntry(path, fs.ModeSocket, 0o002)
}

// recordedPath reads the note of where the socket is.
func recordedPath(record string) (string, error) {
	f, err := diskfile.OpenFile(record, os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, syscall.ELOOP) {
		return "", &UntrustedError{record, "it is a link"}
	}
	if errors.Is(err, diskfile.ErrNotRegular) || errors.Is(err, syscall.EISDIR) {
		return "", &UntrustedError{record, "it is not a file"}
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if err := trust(record, info, 0, 0o002); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSocketPath+1))
	if err != nil {
		return "", err
	}
	path := strings.TrimSuffix(string(b), "\n")
	if !filepath.IsAbs(path) || filepath.Base(path) != socketFile || filepath.Clean(path) != path {
		return "", &UntrustedError{record, "it does not name a socket"}
	}
	return path, nil
}

// clear removes a socket that nobody answers on.
func clear(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is not a socket", path)
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return fmt.Errorf("another daemon answers on %s", path)
	}
	if !absent(err) {
		return err
	}
	return os.Remove(path)
}

// absent reports whether err says that nobody listens.
func absent(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
