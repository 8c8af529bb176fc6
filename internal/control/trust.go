package control

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// UntrustedError says why a folder's daemon is not asked: whoever else owns
// or can change what leads to it would be given every secret.
type UntrustedError struct {
	Path string // what is not trusted
	Why  string
}

// Error names the path and what is wrong with it.
func (e *UntrustedError) Error() string { return fmt.Sprintf("%s is not trusted: %s", e.Path, e.Why) }

// trust refuses what is not of the kind, is not ours, or has a permission of
// deny. Not even root trusts what another user owns: that user can change it.
func trust(path string, info fs.FileInfo, kind fs.FileMode, deny fs.FileMode) error {
	words := map[fs.FileMode]string{0: "file", fs.ModeDir: "folder", fs.ModeSocket: "socket"}
	if info.Mode().Type() != kind {
		return &UntrustedError{path, "it is not a " + words[kind]}
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &UntrustedError{path, "its owner cannot be told"}
	}
	if own := os.Geteuid(); int64(stat.Uid) != int64(own) {
		return &UntrustedError{path, fmt.Sprintf("user %d owns it, and airlock runs as user %d", stat.Uid, own)}
	}
	if info.Mode().Perm()&deny != 0 {
		return &UntrustedError{path, fmt.Sprintf("other users can use it (mode %04o)", info.Mode().Perm())}
	}
	return nil
}

// trustFolder is trust of a data folder, which may be the administrator's, as
// volumes are, and shared with a group: the system tells who listens in it.
func trustFolder(path string, info fs.FileInfo) error {
	err := trust(path, info, fs.ModeDir, 0o002)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid == 0 && info.IsDir() && info.Mode().Perm()&0o002 == 0 {
		return nil
	}
	return err
}

// trustEntry is trust of a path whose last element is no link.
func trustEntry(path string, kind, deny fs.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return trust(path, info, kind, deny)
}

// identityOf tells a folder from all others of the machine, whatever its path
// is for a process; "" where it is not there.
func identityOf(dir string) string {
	info, err := os.Stat(dir)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}

// peer is the process that listens on a socket.
type peer struct {
	uid int64
	pid int // 0 where the system does not tell
}

// connected asks the system who listens at the other end, whatever the file
// system said a moment ago, and refuses everybody but ourselves.
func connected(path string, conn net.Conn) (peer, error) {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return peer{}, &UntrustedError{path, "it is no local socket"}
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return peer{}, err
	}
	var p peer
	var asked error
	if err := raw.Control(func(fd uintptr) { p, asked = peerOf(int(fd)) }); err != nil {
		return peer{}, err
	}
	if asked != nil {
		return peer{}, &UntrustedError{path, "who listens there cannot be told: " + asked.Error()}
	}
	return p, p.check(path)
}

func (p peer) check(path string) error {
	if own := int64(os.Geteuid()); p.uid != own {
		return &UntrustedError{path, fmt.Sprintf("user %d listens there, and airlock runs as user %d", p.uid, own)}
	}
	return nil
}
