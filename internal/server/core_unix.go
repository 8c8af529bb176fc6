//go:build unix

package server

import "syscall"

// noCoreFiles keeps a crash from writing the process's memory, and so the
// values it holds, to a file.
func noCoreFiles() error { return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) }
