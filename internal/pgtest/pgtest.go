// Package pgtest runs a real PostgreSQL server for tests.
package pgtest

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

// User and Password are of the server's superuser.
const (
	User     = "admin"
	Password = "p@ss/w:rd %41"
)

const name = "PostgreSQL"

// Server is a PostgreSQL on loopback with a folder of its own, which asks for
// passwords (scram-sha-256).
type Server struct {
	Port string
	// Dir is its folder; sockets are there too.
	Dir string

	bin string
}

// Start runs a server until the test ends. Files are written into its Dir
// first; settings are like "ssl=on".
func Start(t testing.TB, files map[string][]byte, settings ...string) *Server {
	t.Helper()
	s := &Server{bin: binaries(t), Port: servertest.FreePort(t)}
	s.Dir = servertest.Folder(t, name, "postgres", files, map[string][]byte{"password": []byte(Password)})
	data := filepath.Join(s.Dir, "data")
	initdb := s.command("initdb", "-D", data, "-U", User, "--pwfile="+filepath.Join(s.Dir, "password"), "-A", "scram-sha-256",
		"-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	args := []string{"-D", data, "-p", s.Port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + s.Dir,
		"-c", "fsync=off", "-c", "full_page_writes=off"}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	// An interrupt is the "fast shutdown": its children end with it.
	server := servertest.Run(t, name, s.command("postgres", args...), os.Interrupt)
	server.Ready(t, 30*time.Second, s.Open(t, "postgres").PingContext)
	return s
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
