// Package mariadbtest runs a real MariaDB server for tests.
package mariadbtest

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

// User and Password are of the server's superuser.
const (
	User     = "admin"
	Password = "p@ss/w:rd %41"
)

// name is what messages call the server, account whom it runs as in place of
// root.
const (
	name    = "MariaDB"
	account = "mysql"
)

// Server is a MariaDB on loopback with a folder of its own.
type Server struct {
	Port string
	// Socket is its unix socket.
	Socket string
}

// Start runs a server until the test ends. Files are written into its folder
// first, where it also runs; options are like "--ssl-cert=server.crt".
func Start(t testing.TB, files map[string][]byte, options ...string) *Server {
	t.Helper()
	// The server reads one statement from each line.
	grant := "CREATE USER '" + User + "'@'%' IDENTIFIED BY '" + Password + "';\nGRANT ALL ON *.* TO '" + User + "'@'%' WITH GRANT OPTION;\n"
	dir := servertest.Folder(t, name, account, files, map[string][]byte{"start.sql": []byte(grant)})
	s := &Server{Port: servertest.FreePort(t), Socket: filepath.Join(dir, "socket")}
	data := filepath.Join(dir, "data")
	var asUser []string
	if os.Getuid() == 0 {
		asUser = []string{"--user=" + account}
	}
	install := exec.Command(binary(t, "mariadb-install-db"), append([]string{"--no-defaults", "--datadir=" + data,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"}, asUser...)...)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("mariadb-install-db: %v\n%s", err, out)
	}
	args := append([]string{"--no-defaults", "--datadir=" + data, "--socket=" + s.Socket, "--port=" + s.Port, "--bind-address=127.0.0.1",
		"--init-file=" + filepath.Join(dir, "start.sql"), "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
		"--innodb-log-file-size=8M", "--character-set-server=utf8mb4", "--skip-log-bin", "--pid-file=" + filepath.Join(dir, "pid")}, asUser...)
	cmd := exec.Command(binary(t, "mariadbd"), append(args, options...)...)
	cmd.Dir = dir
	server := servertest.Run(t, name, cmd, os.Kill) // its folder goes with it
	server.Ready(t, 30*time.Second, s.Open(t, "").PingContext)
	return s
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
