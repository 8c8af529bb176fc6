package metadbstore_test

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/internal/pgtest"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

func written(dir string, p route.Point) string {
	words := []string{p.Host, p.By.String()}
	if p.Plain {
		words = append(words, "plain")
	}
	if p.Pin != "" {
		words = append(words, strings.SplitN(p.Pin, ":", 2)[0], p.PinBy.String())
	}
	text := strings.ReplaceAll(strings.Join(words, " "), "[database] sql_alchemy_conn", "URL")
	return strings.TrimRight(strings.ReplaceAll(text, dir, "DIR"), " ")
}

// TestRoute: each address of a database, and what names it.
func TestRoute(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{"ca.pem": "x", "services": "[s]\nhost=svc\nport=7\n[ca]\nhost=svc\nsslrootcert=" + dir + "/ca.pem\n"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = strings.ReplaceAll(pairs[i+1], "DIR", dir)
		}
		return m
	}
	tests := []struct {
		conn string
		env  map[string]string
		want []string
	}{
		{"postgresql+psycopg2://u:p@Db.example/x", env("PGHOST", "no"), []string{"db.example:5432 URL"}},
		{"postgresql://u:p@db:6/x", nil, []string{"db:6 URL"}},
		{"postgresql://u:p@[::1]/x", nil, []string{"[::1]:5432 URL"}},
		{"postgresql://u:p@/x?host=a:1&host=b:2", nil, []string{"a:1 URL", "b:2 URL"}},
		{"postgresql://u:p@/x?host=a,b&port=1,2", nil, []string{"a:1 URL", "b:2 URL"}},
		{"postgresql://u:p@/x?host=a,b&port=1", nil, []string{"a:1 URL", "b:1 URL"}},
		{"postgresql://u:p@/x?host=/run/db", nil, []string{"/run/db/.s.PGSQL.5432 URL"}},
		{"postgresql:///x", env("PGHOST", "h", "PGPORT", "7"), []string{"h:7 PGHOST", "h:7 PGPORT"}},
		{"postgresql://db/x", env("PGPORT", "7"), []string{"db:7 URL", "db:7 PGPORT"}},
		{"postgresql:///x?service=s", env("PGSERVICEFILE", "DIR/services"), []string{"svc:7 PGSERVICEFILE", "svc:7 DIR/services"}},
		{"postgresql:///x?service=s&servicefile=DIR/services", nil, []string{"svc:7 URL", "svc:7 DIR/services"}},
		{"postgresql://db/x?service=ca&servicefile=DIR/services", nil, []string{"db:5432 URL ca URL", "db:5432 URL ca DIR/services"}},
		{"postgresql:///x?service=s&servicefile=DIR/fifo", nil, []string{"DIR/fifo URL", "DIR/fifo DIR/fifo"}},
		{"postgresql:///x?service=other&servicefile=DIR/services", nil, nil},
		{"postgresql://db/x?sslmode=disable", nil, []string{"db:5432 URL plain"}},
		{"postgresql://db/x", env("PGSSLMODE", "disable"), []string{"db:5432 URL plain", "db:5432 PGSSLMODE plain"}},
		{"postgresql://db/x?sslmode=require&sslrootcert=DIR/ca.pem", nil, []string{"db:5432 URL ca URL"}},
		{"postgresql://db/x?sslrootcert=DIR/fifo", nil, []string{"db:5432 URL ca URL"}},
		{"postgresql://db/x?sslrootcert=system", nil, []string{"db:5432 URL"}},
		{"postgresql://db/x", env("PGSSLROOTCERT", "DIR/ca.pem"), []string{"db:5432 URL ca PGSSLROOTCERT"}},
		{"postgresql://db/x?hostaddr=1.2.3.4", nil, nil},
		{"mysql+pymysql://u:p@db/x", env("PGHOST", "no"), []string{"db:3306 URL"}},
		{"mysql://u:p@db/x?host=other&port=7", nil, []string{"other:7 URL"}},
		{"mysql://u:p@db/x?unix_socket=/run/my.sock", nil, []string{"/run/my.sock URL"}},
		{"mysql+pymysql:///x", nil, []string{"127.0.0.1:3306"}},
		{"mysql://db/x?ssl_disabled=true&ssl_ca=DIR/ca.pem", nil, []string{"db:3306 URL plain"}},
		{"mysql://db/x?ssl_ca=DIR/ca.pem", nil, []string{"db:3306 URL ca URL"}},
		{"mysql://db/x?ssl_capath=DIR/fifo", nil, []string{"db:3306 URL ca URL"}},
		{"sqlite:////x", nil, nil}, {"oracle://db/x", nil, nil}, {"nonsense", nil, nil},
	}
	for _, tt := range tests {
		getenv := func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }
		var got []string
		for _, p := range metadbstore.Route(metadbstore.Options{Conn: strings.ReplaceAll(tt.conn, "DIR", dir), Getenv: getenv}) {
			got = append(got, written(dir, p))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s with %v: points %q, want %q", tt.conn, tt.env, got, tt.want)
		}
	}
	if points := metadbstore.Route(metadbstore.Options{Conn: "postgresql://db/x", Path: "/airflow.db"}); points != nil {
		t.Errorf("a file has the address %v", points)
	}
}

// TestLacks: which settings hold a password of their own.
func TestLacks(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for _, path := range []string{dir + "/own", outside + "/user"} {
		if err := os.WriteFile(path, []byte("[s]\npassword=x\n[none]\nhost=h\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const none, elsewhere = "the database password", "the files that the settings of the database name"
	for _, tt := range []struct{ conn, variable, value, want string }{
		{"postgresql://u:p@db/x", "", "", ""},
		{"postgresql://u@db/x", "", "", none},
		{"postgresql://u@db/x", "PGPASSWORD", "x", ""},
		{"postgresql://u@db/x", "PGPASSFILE", "DIR/own", ""},
		{"postgresql://u@db/x", "PGPASSFILE", "OUTSIDE/user", elsewhere},
		{"postgresql://u@db/x?passfile=DIR/own", "", "", ""},
		{"postgresql://u:p@db/x?sslcert=DIR/own&sslkey=OUTSIDE/user", "", "", elsewhere},
		{"postgresql://u@db/x?sslcert=DIR/own&sslkey=DIR/own", "", "", ""},
		{"postgresql://u@db/x?service=s&servicefile=DIR/own", "", "", ""},
		{"postgresql://u@db/x?service=none&servicefile=DIR/own", "", "", none},
		{"postgresql://u@db/x?service=s&servicefile=OUTSIDE/user", "", "", elsewhere},
		{"postgresql://u@db/x?service=s", "", "", elsewhere},
		{"postgresql://u@db/x?hostaddr=1", "", "", ""},
		{"mysql://u@db/x", "", "", ""},
		{"mysql://u:p@db/x?ssl_cert=DIR/own&ssl_key=OUTSIDE/user", "", "", elsewhere},
		{"mysql://u:p@db/x?ssl_capath=OUTSIDE", "", "", ""},
		{"sqlite:////x", "", "", ""},
	} {
		fill := strings.NewReplacer("DIR", dir, "OUTSIDE", outside).Replace
		o := metadbstore.Options{Conn: fill(tt.conn), Confined: &route.Confinement{Dir: dir, Hint: "airlock trust db"},
			Getenv: func(name string) (string, bool) { return fill(tt.value), name == tt.variable }}
		if got := metadbstore.Lacks(o); got != tt.want {
			t.Errorf("%s with %s: %q, want %q", tt.conn, tt.variable, got, tt.want)
		}
		if tt.want != elsewhere {
			continue
		}
		if _, err := metadbstore.Open(o); store.CodeOf(err) != store.Denied || store.Hint(err) != "airlock trust db" {
			t.Errorf("Open(%s) = %v", tt.conn, err)
		}
	}
}

// TestSpecialFiles: a file without an end, or without a beginning, is refused.
func TestSpecialFiles(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, conn := range []string{
		"postgresql://u:p@db/x?sslrootcert=", "postgresql://u:p@db/x?passfile=", "postgresql://u:p@db/x?sslcert=x&sslkey=",
		"mysql://u:p@db/x?ssl_ca=", "mysql://u:p@db/x?ssl_cert=",
	} {
		if _, err := metadbstore.Open(metadbstore.Options{Conn: conn + fifo}); store.CodeOf(err) != store.Invalid {
			t.Errorf("%s: %v", conn, err)
		}
	}
}

// TestConfined: a server that a folder names gets the folder's password, and
// nothing of the process or of HOME.
func TestConfined(t *testing.T) {
	const canary = "CANARY-of-the-process"
	p := pgtest.Start(t, nil, "log_connections=on")
	db := p.Create(t, "folder")
	for _, statement := range []string{
		"CREATE TABLE variable (id int, key text, val text)", "INSERT INTO variable VALUES (1, 'x', 'v')",
		`CREATE ROLE "` + canary + `" LOGIN PASSWORD '` + canary + `'`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".pgpass"), []byte("*:*:*:*:"+pgtest.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".pg_service.conf"), []byte("["+canary+"]\napplication_name="+canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	for _, name := range []string{"PGPASSWORD", "PGUSER", "PGDATABASE", "PGAPPNAME", "PGOPTIONS", "PGTZ", "PGSERVICE", "PGSSLCERT", "PGSSLKEY",
		"PGSSLPASSWORD", "PGCONNECT_TIMEOUT", "PGTARGETSESSIONATTRS", "PGREQUIREAUTH", "PGSSLCERTMODE", "PGSSLROOTCERT", "PGSSLMODE"} {
		t.Setenv(name, canary)
	}
	dir := t.TempDir()
	open := func(user string) (*metadbstore.Store, error) {
		return metadbstore.Open(metadbstore.Options{Conn: "postgresql://" + user + "@127.0.0.1:" + p.Port + "/folder",
			Getenv: func(string) (string, bool) { return "", false }, Confined: &route.Confinement{Dir: dir}})
	}
	s, err := open(pgtest.User + ":" + strings.ReplaceAll(url.QueryEscape(pgtest.Password), "+", "%20"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := columns(t, s, "variable/x")["val"]; got != "v" {
		t.Errorf("x = %v, want v", got)
	}
	var found int
	if err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE (application_name, usename)::text LIKE '%`+canary+`%'`).
		Scan(&found); err != nil || found != 0 {
		t.Errorf("%d sessions with what the process says, %v", found, err)
	}
	for _, user := range []string{canary, pgtest.User, ""} { // PGPASSWORD and ~/.pgpass would let them in
		s, err := open(user)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), "variable/x"); err == nil {
			t.Errorf("%q reads without a password of the folder", user)
		}
		s.Close()
	}
}
