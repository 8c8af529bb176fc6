package metadbstore_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/metadbstore"
)

// refused opens a URL and looks a variable up, and wants one of the two to
// fail with code, a text, a hint and no secret.
func refused(t *testing.T, o metadbstore.Options, code store.Code, says string) {
	t.Helper()
	s, err := metadbstore.Open(o)
	if err == nil {
		_, err = s.Get(t.Context(), "variable/x")
		s.Close()
	}
	if store.CodeOf(err) != code || !strings.Contains(err.Error(), says) || store.Hint(err) == "" {
		t.Errorf("%v (hint %q), want %q and %q", err, store.Hint(err), code, says)
	}
	if err == nil {
		return
	}
	for _, secret := range []string{"admin", "hunter2", "p@ss", "p%40ss", "w:rd", "%41"} {
		if strings.Contains(err.Error()+store.Hint(err), secret) {
			t.Errorf("%v (hint %q) shows %q", err, store.Hint(err), secret)
		}
	}
}

func serverFailures(t *testing.T, s *server, schema string) {
	name, _ := s.database(t, schema)
	foreign, _ := s.database(t, "CREATE TABLE something (x int)")
	otherColumns, _ := s.database(t, "CREATE TABLE variable (x int); CREATE TABLE connection (x int)")
	wrongPassword := *s
	wrongPassword.password = "hunter2"
	down := *s
	down.port = servertest.FreePort(t)
	for _, c := range []struct {
		what, conn string
		code       store.Code
		says       string
	}{
		{"wrong password", wrongPassword.conn(name), store.Unauthenticated, "refuses the user or the password"},
		{"wrong database", s.conn("nosuchdatabase"), store.Invalid, "no such database"},
		{"server down", down.conn(name), store.Unavailable, "refused"},
		{"no such host", strings.Replace(s.conn(name), "127.0.0.1", "nosuchhost.invalid", 1), store.Unavailable, "nosuchhost.invalid"},
		{"another program's database", s.conn(foreign), store.Invalid, "no metadata database"},
		{"tables of other columns", s.conn(otherColumns), store.Invalid, "no metadata database"},
	} {
		t.Run(c.what, func(t *testing.T) { refused(t, metadbstore.Options{Conn: c.conn}, c.code, c.says) })
	}
	t.Run("foreign schema", func(t *testing.T) {
		refused(t, metadbstore.Options{Conn: s.conn(name), Schema: "elsewhere"}, store.Invalid, "no metadata database")
	})
	t.Run("a connection that broke", func(t *testing.T) {
		name, db := s.database(t, schema)
		exec(t, db, s.upsert, "x", "v")
		r := openServer(t, s.conn(name))
		columns(t, r, "variable/x")
		if strings.HasPrefix(s.scheme, "postgresql") {
			exec(t, db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		} else {
			exec(t, db, "BEGIN NOT ATOMIC DECLARE victim BIGINT; SELECT id INTO victim FROM information_schema.processlist "+
				"WHERE db = DATABASE() AND id <> CONNECTION_ID() LIMIT 1; KILL victim; END")
		}
		// The first look-up after it may meet the end of the old connection.
		if _, err := r.Get(t.Context(), "variable/x"); err != nil && store.CodeOf(err) != store.Unavailable {
			t.Errorf("after the break: %v", err)
		}
		if got := columns(t, r, "variable/x")["val"]; got != "v" {
			t.Errorf("after the break x = %v, want v", got)
		}
	})
}

func serverDeadlines(t *testing.T, s *server, schema string) {
	t.Run("a server that never answers", func(t *testing.T) {
		hanging := *s
		hanging.port = listen(t, nil)
		refused(t, metadbstore.Options{Conn: hanging.conn("x", "connect_timeout=1")}, store.Unavailable, "no connection within 1s")
		refused(t, metadbstore.Options{Conn: hanging.conn("x"), Timeout: 50 * time.Millisecond}, store.Unavailable, "no answer within 50ms")
	})
	t.Run("a query that never ends", func(t *testing.T) {
		name, db := s.database(t, schema)
		locker, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer locker.Close()
		for _, statement := range []string{"BEGIN", s.lock} {
			if _, err := locker.ExecContext(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, metadbstore.Options{Conn: s.conn(name), Timeout: 500 * time.Millisecond}, store.Unavailable, "no answer within 500ms")
	})
	for what, answer := range map[string][]byte{
		"garbage":           []byte("HTTP/1.1 400 Bad Request\r\n\r\n" + strings.Repeat("hunter2", 1000)),
		"nothing":           {},
		"an endless answer": append(append([]byte("R"), binary.BigEndian.AppendUint32(nil, 100<<20)...), bytes.Repeat([]byte{'x'}, 1<<20)...),
	} {
		t.Run("a server that answers "+what, func(t *testing.T) {
			odd := *s
			odd.port = listen(t, answer)
			option := "sslmode=disable"
			if strings.HasPrefix(s.scheme, "mysql") {
				option = "charset=utf8mb4"
			}
			r, err := metadbstore.Open(metadbstore.Options{Conn: odd.conn("x", option), Timeout: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			_, err = r.Get(t.Context(), "variable/x")
			if code := store.CodeOf(err); code != store.Unavailable && code != store.Corrupt || store.Hint(err) == "" || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v (hint %q)", err, store.Hint(err))
			}
		})
	}
}

// listen answers every connection with the same bytes and then closes it, or,
// without bytes, keeps it open.
func listen(t *testing.T, answer []byte) (port string) {
	t.Helper()
	return servertest.Listen(t, func(conn net.Conn) {
		if answer != nil {
			_, _ = conn.Write(answer)
			conn.Close()
		}
	})
}
