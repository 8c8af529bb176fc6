package control

import "golang.org/x/sys/unix"

// peerOf is what getpeereid(3) asks, and the process.
func peerOf(fd int) (peer, error) {
	c, err := unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return peer{}, err
	}
	pid, err := unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	if err != nil {
		pid = 0 // it is only for messages
	}
	return peer{uid: int64(c.Uid), pid: pid}, nil
}
