package metadbstore_test

import (
	"crypto/x509"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/mariadbtest"
	"github.com/airlock-secrets/airlock/internal/pgtest"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/metadbstore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// server is one of the engines, as the tests see it.
type server struct {
	scheme, user, password, port string
	// create makes a database and runs statements in it.
	create func(t *testing.T, name, statements string) *sql.DB
	// upsert sets a variable; lock keeps readers out of both tables.
	upsert, lock string
	// ca is the file of the CA that the server's certificate is of, otherCA
	// that of another.
	ca, otherCA string
	databases   int
}

// conn is the URL of a database; options are like "sslmode=require".
func (s *server) conn(database string, options ...string) string {
	conn := s.scheme + "://" + url.QueryEscape(s.user) + ":" + strings.ReplaceAll(url.QueryEscape(s.password), "+", "%20") +
		"@127.0.0.1:" + s.port + "/" + database
	if len(options) > 0 {
		conn += "?" + strings.Join(options, "&")
	}
	return conn
}

// database makes one with statements and returns its name.
func (s *server) database(t *testing.T, statements string) (name string, db *sql.DB) {
	t.Helper()
	s.databases++
	name = fmt.Sprintf("airflow_%d", s.databases)
	return name, s.create(t, name, statements)
}

const (
	postgresSchema = `
CREATE TABLE variable (id SERIAL PRIMARY KEY, key VARCHAR(250) UNIQUE NOT NULL, val TEXT NOT NULL, description TEXT,
	is_encrypted BOOLEAN NOT NULL DEFAULT false, team_name VARCHAR(50));
CREATE TABLE connection (id SERIAL PRIMARY KEY, conn_id VARCHAR(250) UNIQUE NOT NULL, conn_type VARCHAR(500) NOT NULL,
	host VARCHAR(500), password TEXT, port INTEGER, is_encrypted BOOLEAN NOT NULL DEFAULT false, team_name VARCHAR(50));`
	mysqlSchema = "" +
		"CREATE TABLE variable (id INTEGER AUTO_INCREMENT PRIMARY KEY, `key` VARCHAR(250) COLLATE utf8mb4_bin UNIQUE NOT NULL, val MEDIUMTEXT NOT NULL," +
		"description TEXT, is_encrypted BOOLEAN NOT NULL DEFAULT false, team_name VARCHAR(50) COLLATE utf8mb4_general_ci);" +
		"CREATE TABLE connection (id INTEGER AUTO_INCREMENT PRIMARY KEY, conn_id VARCHAR(250) UNIQUE NOT NULL, conn_type VARCHAR(500) NOT NULL," +
		"host VARCHAR(500), password TEXT, port INTEGER, is_encrypted BOOLEAN NOT NULL DEFAULT false, team_name VARCHAR(50));"
)

func TestPostgreSQL(t *testing.T) {
	files := certificates(t)
	p := pgtest.Start(t, map[string][]byte{"server.crt": files["server.crt"], "server.key": files["server.key"]},
		"ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key")
	s := &server{scheme: "postgresql+psycopg2", user: pgtest.User, password: pgtest.Password, port: p.Port,
		create: func(t *testing.T, name, statements string) *sql.DB {
			db := p.Create(t, name)
			exec(t, db, statements)
			return db
		},
		upsert: `INSERT INTO variable (key, val) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET val = excluded.val`,
		lock:   "LOCK TABLE variable, connection IN ACCESS EXCLUSIVE MODE",
		ca:     write(t, files["ca.crt"]), otherCA: write(t, certificates(t)["ca.crt"]),
	}
	engineTests(t, s, postgresSchema)
	t.Run("URLs", func(t *testing.T) { postgresURLs(t, s, p) })
	t.Run("one case of letters", func(t *testing.T) {
		name, db := s.database(t, `CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
			CREATE TABLE connection (conn_id TEXT, conn_type TEXT); CREATE TABLE variable (key TEXT COLLATE blind, val TEXT)`)
		caseBlind(t, s, name, db, `"key"`)
	})
	t.Run("a row of 40 MiB", func(t *testing.T) {
		name, _ := s.database(t, postgresSchema+"INSERT INTO variable (key, val) SELECT 'x', repeat('v', 40 << 20); INSERT INTO variable (key, val) VALUES ('y', 'v')")
		refused(t, metadbstore.Options{Conn: s.conn(name)}, store.Corrupt, "longer than 32 MiB")
		r := openServer(t, s.conn(name))
		if names, err := r.List(t.Context(), ""); err != nil || len(names) != 2 {
			t.Errorf("List = %q, %v", names, err)
		}
		if _, err := r.Get(t.Context(), "variable/x"); store.CodeOf(err) != store.Corrupt {
			t.Errorf("x: %v, want corrupt", err)
		}
		if got := columns(t, r, "variable/y")["val"]; got != "v" {
			t.Errorf("after it y = %v, want v", got)
		}
	})
	t.Run("read only", func(t *testing.T) {
		name, _ := s.database(t, `CREATE TABLE written (n int); CREATE FUNCTION w() RETURNS text AS 'INSERT INTO written VALUES (1) RETURNING ''v''' LANGUAGE sql;
			CREATE VIEW variable AS SELECT 'x'::text AS key, w() AS val`)
		_, err := openServer(t, s.conn(name)).Get(t.Context(), "variable/x")
		if store.ServiceCodeOf(err) != "25006" {
			t.Errorf("a look-up that writes: %v, want SQLSTATE 25006, read-only transaction", err)
		}
	})
}

func TestMariaDB(t *testing.T) {
	files := certificates(t)
	m := mariadbtest.Start(t, map[string][]byte{"server.crt": files["server.crt"], "server.key": files["server.key"], "ca.crt": files["ca.crt"]},
		"--ssl-cert=../server.crt", "--ssl-key=../server.key", "--ssl-ca=../ca.crt")
	s := &server{scheme: "mysql+mysqldb", user: mariadbtest.User, password: mariadbtest.Password, port: m.Port,
		create: func(t *testing.T, name, statements string) *sql.DB {
			db := m.Create(t, name, "CHARACTER SET utf8mb4")
			exec(t, db, statements)
			return db
		},
		upsert: "INSERT INTO variable (`key`, val) VALUES (?, ?) ON DUPLICATE KEY UPDATE val = values(val)",
		lock:   "LOCK TABLES variable WRITE, connection WRITE",
		ca:     write(t, files["ca.crt"]), otherCA: write(t, certificates(t)["ca.crt"]),
	}
	engineTests(t, s, mysqlSchema)
	t.Run("URLs", func(t *testing.T) { mysqlURLs(t, s, m) })
	t.Run("one case of letters", func(t *testing.T) {
		name, db := s.database(t, "CREATE TABLE connection (conn_id TEXT, conn_type TEXT); CREATE TABLE variable (`key` VARCHAR(99) COLLATE utf8mb4_general_ci, val TEXT)")
		caseBlind(t, s, name, db, "`key`")
	})
	t.Run("read only", func(t *testing.T) {
		name, _ := s.database(t, "CREATE TABLE written (n int); CREATE FUNCTION w() RETURNS text BEGIN INSERT INTO written VALUES (1); RETURN 'v'; END;"+
			"CREATE VIEW variable AS SELECT 'x' AS `key`, w() AS val")
		_, err := openServer(t, s.conn(name)).Get(t.Context(), "variable/x")
		if store.ServiceCodeOf(err) != "1792" {
			t.Errorf("a look-up that writes: %v, want error 1792, read-only transaction", err)
		}
	})
	t.Run("narrow character set", func(t *testing.T) {
		name, _ := s.database(t, "CREATE TABLE variable (`key` VARCHAR(99) CHARACTER SET latin1, val TEXT CHARACTER SET latin1); INSERT INTO variable VALUES ('ü', 'ö')")
		r := openServer(t, s.conn(name))
		if got := columns(t, r, "variable/ü")["val"]; got != "ö" {
			t.Errorf("ü = %v, want ö", got)
		}
		if _, err := r.Get(t.Context(), "variable/😀"); store.CodeOf(err) != store.NotFound {
			t.Errorf("an id that the column cannot hold: %v, want not found", err)
		}
	})
}

func openServer(t *testing.T, conn string) *metadbstore.Store {
	t.Helper()
	s, err := metadbstore.Open(metadbstore.Options{Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// engineTests are the tests that every engine has to pass.
func engineTests(t *testing.T, s *server, schema string) {
	t.Run("conformance", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) storetest.Harness {
			name, db := s.database(t, strings.ReplaceAll(schema, "VARCHAR(250)", "TEXT")) // its names are longer than Airflow's
			return storetest.Harness{
				Store:  flat{openServer(t, s.conn(name))},
				Seed:   func(t *testing.T, name string, v *store.Secret) { exec(t, db, s.upsert, name, string(v.Payload)) },
				Reopen: func(t *testing.T) store.Store { return flat{openServer(t, s.conn(name))} },
				Limits: storetest.Limits{
					ReadOnly: true, NoVersions: true, NoConditions: true, NoAttributes: true, NoNumbers: true,
					Forms: []store.Form{store.Text},
				},
			}
		})
	})
	t.Run("rows", func(t *testing.T) { serverRows(t, s, schema) })
	t.Run("schema without teams", func(t *testing.T) {
		name, db := s.database(t, schema+"ALTER TABLE variable DROP COLUMN team_name; ALTER TABLE connection DROP COLUMN team_name")
		exec(t, db, s.upsert, "x", "v")
		r := openServer(t, s.conn(name))
		for _, name := range []string{"variable/x", "variable@a/x"} {
			if got := columns(t, r, name)["val"]; got != "v" {
				t.Errorf("%s = %v, want v", name, got)
			}
		}
		if names, err := r.List(t.Context(), ""); err != nil || len(names) != 1 || names[0] != "variable/x" {
			t.Errorf("List = %q, %v", names, err)
		}
	})
	t.Run("failures", func(t *testing.T) { serverFailures(t, s, schema) })
	t.Run("deadlines", func(t *testing.T) { serverDeadlines(t, s, schema) })
}

func serverRows(t *testing.T, s *server, schema string) {
	name, db := s.database(t, schema)
	exec(t, db, `INSERT INTO connection (conn_id, conn_type, host, port, is_encrypted, team_name) VALUES ('c', 't', '', 5432, true, NULL), ('of a', 't', NULL, NULL, false, 'a')`)
	exec(t, db, s.upsert, "quote ' \" ` \\ ; --", "ü 😀 \x01 line\nline")
	exec(t, db, s.upsert, "long", strings.Repeat("v", 3<<20))
	r := openServer(t, s.conn(name))
	if err := r.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	got := columns(t, r, "connection/c")
	if got["host"] != "" || got["port"] != 5432.0 || got["is_encrypted"] != true && got["is_encrypted"] != 1.0 || got["password"] != nil {
		t.Errorf("connection c = %v", got)
	}
	if got := columns(t, r, "variable/quote ' \" ` \\ ; --")["val"]; got != "ü 😀 \x01 line\nline" {
		t.Errorf("the odd id has %q", got)
	}
	if got, _ := columns(t, r, "variable/long")["val"].(string); len(got) != 3<<20 {
		t.Errorf("the long value has %d bytes", len(got))
	}
	if got := columns(t, r, "connection@a/of a")["team_name"]; got != "a" {
		t.Errorf("the team's connection has team %v", got)
	}
	for _, missing := range []string{"variable/X", "variable/no\x00id", "variable/\xff", "connection/of a", "connection@A/of a", "variable/long ", "variable/😀"} {
		if _, err := r.Get(t.Context(), missing); store.CodeOf(err) != store.NotFound {
			t.Errorf("%q: %v, want not found", missing, err)
		}
	}
}

// caseBlind has a database whose key column takes no notice of case.
func caseBlind(t *testing.T, s *server, name string, db *sql.DB, key string) {
	exec(t, db, "INSERT INTO variable ("+key+", val) VALUES ('X', 'upper'), ('x', 'lower'), ('Y', 'upper'), ('z ', 'blank')")
	r := openServer(t, s.conn(name))
	for id, want := range map[string]string{"x": "lower", "X": "upper"} {
		if got := columns(t, r, "variable/"+id)["val"]; got != want {
			t.Errorf("%s = %v, want %s", id, got, want)
		}
	}
	for _, id := range []string{"y", "z"} {
		if _, err := r.Get(t.Context(), "variable/"+id); store.CodeOf(err) != store.NotFound {
			t.Errorf("%s: %v, want not found", id, err)
		}
	}
}

// certificates are those of a new CA and of a server on 127.0.0.1.
func certificates(t *testing.T) map[string][]byte {
	t.Helper()
	authority := servertest.NewAuthority(t)
	server, key := servertest.PEM(t, authority.Issue(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}))
	return map[string][]byte{"ca.crt": authority.PEM(), "server.crt": server, "server.key": key}
}

func write(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
