package metadbstore_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/mariadbtest"
	"github.com/airlock-secrets/airlock/internal/pgtest"
	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

// reads opens every URL and wants the variable x to be v.
func reads(t *testing.T, conns map[string]string) {
	t.Helper()
	for what, conn := range conns {
		t.Run(what, func(t *testing.T) {
			if got := columns(t, openServer(t, conn), "variable/x")["val"]; got != "v" {
				t.Errorf("x = %v, want v", got)
			}
		})
	}
}

func postgresURLs(t *testing.T, s *server, p *pgtest.Server) {
	name, db := s.database(t, postgresSchema)
	exec(t, db, s.upsert, "x", "v")
	exec(t, db, "CREATE SCHEMA other; CREATE TABLE other.variable (key TEXT, val TEXT); INSERT INTO other.variable VALUES ('x', 'other')")
	conn := s.conn(name)
	as := func(scheme string) string { return strings.Replace(conn, "postgresql+psycopg2", scheme, 1) }
	user := url.QueryEscape(s.user) + ":" + strings.ReplaceAll(url.QueryEscape(s.password), "+", "%20")
	query := func(options string) string { return conn + "?" + options }
	reads(t, map[string]string{
		"no driver": as("postgresql"), "psycopg": as("postgresql+psycopg"), "asyncpg": as("postgresql+asyncpg"),
		"TLS":                    query("sslmode=require"),
		"TLS, CA":                query("sslmode=verify-ca&sslrootcert=" + url.QueryEscape(s.ca)),
		"TLS, CA and name":       query("sslmode=verify-full&sslrootcert=" + url.QueryEscape(s.ca)),
		"TLS 1.3":                query("sslmode=require&ssl_min_protocol_version=TLSv1.3"),
		"asyncpg's ssl":          query("ssl=require&timeout=5"),
		"options without effect": query("keepalives=1&keepalives_idle=30&tcp_user_timeout=1000&gssencmode=disable&client_encoding=utf8&connect_timeout=10"),
		"application name":       query("application_name=airflow+scheduler"),
		"a blank option":         query("sslmode="),
		"a socket":               "postgresql://" + user + "@/" + name + "?host=" + url.QueryEscape(p.Dir) + "&port=" + p.Port,
		"a host as an option":    "postgresql://" + user + "@/" + name + "?host=127.0.0.1:" + p.Port,
		"the second host":        "postgresql://" + user + "@/" + name + "?host=127.0.0.1:" + servertest.FreePort(t) + "&host=127.0.0.1:" + p.Port,
		"the second port":        "postgresql://" + user + "@/" + name + "?host=127.0.0.1,127.0.0.1&port=" + servertest.FreePort(t) + "," + p.Port,
		"all as options":         "postgresql:///?host=127.0.0.1&port=" + p.Port + "&dbname=" + name + "&user=" + s.user + "&password=" + url.QueryEscape(s.password),
	})
	for what, o := range map[string]metadbstore.Options{
		"search_path":        {Conn: query("options=-csearch_path%3Dother")},
		"-c search_path":     {Conn: query("options=-c+search_path%3Dother")},
		"sql_alchemy_schema": {Conn: conn, Schema: "other"},
	} {
		r, err := metadbstore.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := columns(t, r, "variable/x")["val"]; got != "other" {
			t.Errorf("%s: x = %v, want other", what, got)
		}
		r.Close()
	}
	t.Run("the environment", func(t *testing.T) {
		getenv := func(name string) (string, bool) {
			v, ok := map[string]string{"PGPASSWORD": s.password, "PGUSER": s.user, "PGPORT": p.Port}[name]
			return v, ok
		}
		r, err := metadbstore.Open(metadbstore.Options{Conn: "postgresql://127.0.0.1/" + name, Getenv: getenv})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got := columns(t, r, "variable/x")["val"]; got != "v" {
			t.Errorf("x = %v, want v", got)
		}
	})
	postgresRefusals(t, s, query)
}

func postgresRefusals(t *testing.T, s *server, query func(options string) string) {
	plain := *s
	plain.port = pgtest.Start(t, nil).Port
	for _, c := range []struct {
		what, conn string
		code       store.Code
		says       string
	}{
		{"a certificate of another CA", query("sslmode=verify-full&sslrootcert=" + url.QueryEscape(s.otherCA)), store.Unavailable, "not trusted"},
		{"a certificate for another host", strings.Replace(query("sslmode=verify-full&sslrootcert="+url.QueryEscape(s.ca)), "127.0.0.1", "localhost", 1), store.Unavailable, "another host"},
		{"no CA", query("sslmode=verify-full"), store.Unavailable, "not trusted"},
		{"a missing CA file", query("sslmode=verify-full&sslrootcert=/nonexistent/ca.pem"), store.Invalid, "/nonexistent/ca.pem"},
		{"TLS demanded of a server without", plain.conn("postgres", "sslmode=require"), store.Unavailable, "does not speak TLS"},
		{"a setting that the server has not", query("options=-cnonsense%3D1"), store.Invalid, "refuses a setting"},
	} {
		t.Run(c.what, func(t *testing.T) { refused(t, metadbstore.Options{Conn: c.conn}, c.code, c.says) })
	}
}

func mysqlURLs(t *testing.T, s *server, m *mariadbtest.Server) {
	name, db := s.database(t, mysqlSchema)
	exec(t, db, s.upsert, "x", "v")
	other, otherDB := s.database(t, mysqlSchema)
	exec(t, otherDB, s.upsert, "x", "other")
	conn := s.conn(name)
	as := func(scheme string) string { return strings.Replace(conn, "mysql+mysqldb", scheme, 1) }
	query := func(options string) string { return conn + "?" + options }
	user := url.QueryEscape(s.user) + ":" + strings.ReplaceAll(url.QueryEscape(s.password), "+", "%20")
	reads(t, map[string]string{
		"no driver": as("mysql"), "pymysql": as("mysql+pymysql"), "mysqlconnector": as("mysql+mysqlconnector"), "mariadb": as("mariadb+pymysql"),
		"charset": query("charset=utf8mb4"), "an old charset": query("charset=latin1"),
		"a socket":         "mysql+pymysql://" + user + "@localhost/" + name + "?unix_socket=" + url.QueryEscape(m.Socket),
		"TLS":              query("ssl_mode=REQUIRED"),
		"TLS, CA":          query("ssl_ca=" + url.QueryEscape(s.ca)),
		"TLS, CA and name": query("ssl_mode=VERIFY_IDENTITY&ssl_ca=" + url.QueryEscape(s.ca)),
		"PyMySQL, CA":      as("mysql+pymysql") + "?ssl_ca=" + url.QueryEscape(s.ca),
		"no name check":    strings.Replace(as("mysql+pymysql"), "127.0.0.1", "localhost", 1) + "?ssl_check_hostname=false&ssl_ca=" + url.QueryEscape(s.ca),
		"TLS off":          query("ssl_disabled=true"),
		"timeouts":         query("connect_timeout=5&read_timeout=30&write_timeout=30"),
	})
	r, err := metadbstore.Open(metadbstore.Options{Conn: conn, Schema: other})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := columns(t, r, "variable/x")["val"]; got != "other" {
		t.Errorf("sql_alchemy_schema: x = %v, want other", got)
	}
	exec(t, db, "CREATE USER 'secure'@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL; GRANT SELECT ON "+name+".* TO 'secure'@'%'; CREATE USER 'nobody'@'%' IDENTIFIED BY 'hunter2'")
	to := "127.0.0.1:" + s.port + "/" + name
	reads(t, map[string]string{"a user who has to use TLS": "mysql://secure:hunter2@" + to})
	for _, c := range []struct {
		what, conn string
		code       store.Code
		says       string
	}{
		{"TLS demanded by the server", "mysql://secure:hunter2@" + to + "?ssl_disabled=true", store.Unauthenticated, "refuses the user"},
		{"a user without rights", "mysql://nobody:hunter2@" + to, store.Denied, "may not read"},
		{"a certificate of another CA", query("ssl_ca=" + url.QueryEscape(s.otherCA)), store.Unavailable, "not trusted"},
		{"a certificate for another host", strings.Replace(as("mysql+pymysql"), "127.0.0.1", "localhost", 1) + "?ssl_ca=" + url.QueryEscape(s.ca), store.Unavailable, "another host"},
		{"a missing CA file", query("ssl_ca=/nonexistent/ca.pem"), store.Invalid, "/nonexistent/ca.pem"},
		{"a CA file without a certificate", query("ssl_ca=" + url.QueryEscape(write(t, []byte("hunter2")))), store.Invalid, "no certificate"},
		{"an unknown mode", query("ssl_mode=SOMETIMES"), store.Invalid, "SOMETIMES"},
	} {
		t.Run(c.what, func(t *testing.T) { refused(t, metadbstore.Options{Conn: c.conn}, c.code, c.says) })
	}
}
