// Package pgtest runs a real PostgreSQL server for tests.
package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// User and Password are of the server's superuser.
const (
	User     = "admin"
	Password = "p@ss/w:rd %41"
)

// Server is a PostgreSQL on loopback with a folder of its own, which asks for
// passwords (scram-sha-256).
type Server struct {
	Port string
	// Dir is its folder; sockets are there too.
	Dir string

	dir string
	bin string
	cmd *exec.Cmd
	out bytes.Buffer
}

// Start runs a server until the test ends. Files are written into its Dir
// first; settings are like "ssl=on".
func Start(t testing.TB, files map[string][]byte, settings ...string) *Server {
	t.Helper()
	s := &Server{bin: binaries(t), Port: freePort(t)}
	dir, err := os.MkdirTemp("", "pgtest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s.Dir, s.dir = dir, filepath.Join(dir, "data")
	s.write(t, "password", []byte(Password))
	for name, content := range files {
		s.write(t, name, content)
	}
	s.own(t)
	initdb := s.command("initdb", "-D", s.dir, "-U", User, "--pwfile="+filepath.Join(dir, "password"), "-A", "scram-sha-256",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	args := []string{"-D", s.dir, "-p", s.Port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + dir,
		"-c", "fsync=off", "-c", "full_page_writes=off"}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	s.cmd = s.command("postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.wait(t)
	return s
}

// write makes a file in the server's folder.
func (s *Server) write(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// own gives the folder to the user "postgres" where the test runs as root, as
// whom PostgreSQL does not.
func (s *Server) own(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("PostgreSQL does not run as root: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"."}, names(entries)...) {
		if err := os.Chown(filepath.Join(s.Dir, name), uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}

func names(entries []os.DirEntry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (s *Server) command(tool string, args ...string) *exec.Cmd {
	argv := append([]string{filepath.Join(s.bin, tool)}, args...)
	if os.Getuid() == 0 {
		argv = append([]string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"}, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = s.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	return cmd
}

func (s *Server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt) // "fast shutdown": its children end with it
	stopped := time.AfterFunc(20*time.Second, func() { _ = s.cmd.Process.Kill() })
	_ = s.cmd.Wait()
	stopped.Stop()
}

func (s *Server) wait(t testing.TB) {
	t.Helper()
	db := s.Open(t, "postgres")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			s.stop()
			t.Fatalf("PostgreSQL did not become ready: %v; it said:\n%s", err, s.out.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Open is a pool for a database, as the superuser.
func (s *Server) Open(t testing.TB, database string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", fmt.Sprintf("host=127.0.0.1 port=%s user=%s password='%s' dbname=%s sslmode=disable", s.Port, User, Password, database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Create makes a database and returns a pool for it.
func (s *Server) Create(t testing.TB, database string) *sql.DB {
	t.Helper()
	admin := s.Open(t, "postgres")
	if _, err := admin.Exec("CREATE DATABASE " + database); err != nil {
		t.Fatal(err)
	}
	admin.Close()
	return s.Open(t, database)
}

// binaries is the folder of the newest PostgreSQL.
func binaries(t testing.TB) string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/opt/homebrew/opt/postgresql*/bin/initdb", "/usr/local/opt/postgresql*/bin/initdb"} {
		paths, _ := filepath.Glob(pattern) // the patterns are well formed
		found = append(found, paths...)
	}
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found))
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		t.Fatalf("PostgreSQL is not installed (%v): run `make tools` first", err)
	}
	return filepath.Dir(path)
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
