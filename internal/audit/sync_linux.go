package audit

import (
	"errors"
	"os"
	"syscall"
)

// fdatasync brings the data of f, and the size that it needs to be found, to
// the disk. It may run while f is closed: the descriptor stays until it ends.
func fdatasync(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		for {
			if failed = syscall.Fdatasync(int(fd)); !errors.Is(failed, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, failed)
}
