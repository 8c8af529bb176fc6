// Package mariadbtest runs a real MariaDB server for tests.
package mariadbtest

import (
	"bytes"
	"context"
	"database/sql"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// User and Password are of the server's superuser.
const (
	User     = "admin"
	Password = "p@ss/w:rd %41"
)

// Server is a MariaDB on loopback with a folder of its own.
type Server struct {
	Port string
	// Socket is its unix socket.
	Socket string

	dir string
	cmd *exec.Cmd
	out bytes.Buffer
}

// Start runs a server until the test ends. Files are written into its folder
// first, where it also runs; options are like "--ssl-cert=server.crt".
func Start(t testing.TB, files map[string][]byte, options ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "mariadbtest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{Port: freePort(t), Socket: filepath.Join(dir, "socket"), dir: filepath.Join(dir, "data")}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil { // the folder is closed
			t.Fatal(err)
		}
	}
	asUser := own(t, dir)
	install := exec.Command(binary(t, "mariadb-install-db"), append([]string{"--no-defaults", "--datadir=" + s.dir,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"}, asUser...)...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	// The server reads one statement from each line.
	start := filepath.Join(dir, "start.sql")
	grant := "CREATE USER '" + User + "'@'%' IDENTIFIED BY '" + Password + "';\nGRANT ALL ON *.* TO '" + User + "'@'%' WITH GRANT OPTION;\n"
	if err := os.WriteFile(start, []byte(grant), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--no-defaults", "--datadir=" + s.dir, "--socket=" + s.Socket, "--port=" + s.Port, "--bind-address=127.0.0.1",
		"--init-file=" + start, "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
		"--innodb-log-file-size=8M", "--character-set-server=utf8mb4", "--skip-log-bin", "--pid-file=" + filepath.Join(dir, "pid")}, asUser...)
	s.cmd = exec.Command(binary(t, "mariadbd"), append(args, options...)...)
	s.cmd.Dir = dir
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.wait(t)
	return s
}

// own gives a folder to the user "mysql" where the test runs as root, as whom
// MariaDB does not, and returns the option that says so.
func own(t testing.TB, dir string) []string {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("mysql")
	if err != nil {
		t.Fatalf("MariaDB does not run as root: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return []string{"--user=mysql"}
}

// stop needs no care: the server's folder goes with it.
func (s *Server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *Server) wait(t testing.TB) {
	t.Helper()
	db := s.Open(t, "")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			s.stop()
			t.Fatalf("MariaDB did not become ready: %v; it said:\n%s", err, s.out.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Open is a pool for a database, as the superuser, where several statements
// may be in one.
func (s *Server) Open(t testing.TB, database string) *sql.DB {
	t.Helper()
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = User, Password, database
	config.Net, config.Addr = "tcp", "127.0.0.1:"+s.Port
	config.MultiStatements, config.Logger = true, &mysql.NopLogger{}
	c, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { db.Close() })
	return db
}

// Create makes a database and returns a pool for it. What follows its name is
// SQL: "CHARACTER SET utf8mb3".
func (s *Server) Create(t testing.TB, database, options string) *sql.DB {
	t.Helper()
	admin := s.Open(t, "")
	if _, err := admin.Exec("CREATE DATABASE " + database + " " + options); err != nil {
		t.Fatal(err)
	}
	admin.Close()
	return s.Open(t, database)
}

func binary(t testing.TB, name string) string {
	t.Helper()
	for _, path := range []string{"/usr/sbin/" + name, "/usr/bin/" + name, "/opt/homebrew/opt/mariadb/bin/" + name, "/usr/local/opt/mariadb/bin/" + name} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("MariaDB is not installed (%v): run `make tools` first", err)
	}
	return path
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
