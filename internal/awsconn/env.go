package awsconn

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/internal/route"
)

// Env is the process environment as a connection may see it. The zero value
// is empty.
type Env struct {
	// Getenv is os.LookupEnv or a stand-in; nil is an empty environment.
	Getenv func(name string) (string, bool)
	// Home is the user's folder where HOME is not set; it may hold .aws.
	// Empty: there is none.
	Home string
	// Dir is where relative paths start; empty: the process's folder.
	Dir string
	// Words say whose word the settings are, for a credential_process. The
	// zero value runs none.
	Words program.Words
	// Secrets learn what requests carry; nil learns nothing.
	Secrets *redact.Set
	// Confined bounds what may be used besides the kwargs; nil allows all.
	Confined *route.Confinement
}

func (e Env) lookup(name string) (string, bool) {
	if e.Getenv == nil {
		return "", false
	}
	return e.Getenv(name)
}

func (e Env) get(name string) string {
	v, ok := e.lookup(name)
	if !ok {
		return ""
	}
	return v
}

// path expands a leading ~ and makes a relative path start in Dir. Who is
// confined has no home.
func (e Env) path(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/') && e.Confined == nil {
		home, ok := e.lookup("HOME")
		if !ok {
			home = e.Home
		}
		if home != "" {
			path = strings.TrimRight(home, "/") + rest
		}
	}
	if path == "" || e.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(e.Dir, path)
}

// largestFile bounds what is read of a file: configuration, a token.
const largestFile = 1 << 20

// read reads a small file.
func (e Env) read(path string) (string, error) {
	b, err := e.readFile(path, largestFile)
	return string(b), err
}

// readFile reads a file of at most limit bytes. Where it is confined the error
// may be the confinement's, of code Denied.
func (e Env) readFile(path string, limit int64) ([]byte, error) {
	path = e.path(path)
	if e.Confined != nil {
		return e.Confined.ReadFile(path, limit)
	}
	if path == os.DevNull {
		return nil, nil // that is how a file is switched off
	}
	return diskfile.Read(path, limit)
}

// withheld is the confinement's error for a file that may not be read; nil
// where it may, or is not there.
func (e Env) withheld(path string) error {
	if e.Confined == nil || path == "" {
		return nil
	}
	f, err := e.Confined.Open(e.path(path))
	if err == nil {
		return f.Close()
	}
	if errors.Is(err, route.ErrWithheld) {
		return err
	}
	return nil
}
