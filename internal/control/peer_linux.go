package control

import "golang.org/x/sys/unix"

// peerOf is unix(7), SO_PEERCRED: who called listen.
func peerOf(fd int) (peer, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return peer{}, err
	}
	return peer{uid: int64(c.Uid), pid: int(c.Pid)}, nil
}
