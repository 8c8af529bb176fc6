//go:build !linux

package audit

import "os"

// fdatasync is fsync where the system has nothing cheaper.
func fdatasync(f *os.File) error { return f.Sync() }
