package sqlstore

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// TestDamageIsOfOneNameOnly changes one record, and reads and lists the others.
func TestDamageIsOfOneNameOnly(t *testing.T) {
	const of = ` WHERE record = (SELECT id FROM record WHERE name = CAST('bad' AS BLOB))`
	for _, c := range []struct{ name, sql string }{
		{"an empty payload", `UPDATE version SET sealed = x''` + of},
		{"a payload of text", `UPDATE version SET sealed = 'text'` + of},
		{"a form of text", `UPDATE version SET form = 'CANARY'` + of},
		{"a time of text", `UPDATE version SET created = 'CANARY'` + of},
		{"a time that is a blob", `UPDATE version SET created = x'0102'` + of},
		{"a version without a row", `DELETE FROM version` + of},
		{"a latest version that is not there", `UPDATE record SET latest = 99 WHERE name = CAST('bad' AS BLOB)`},
		{"a latest version of text", `UPDATE record SET latest = 'CANARY' WHERE name = CAST('bad' AS BLOB)`},
		{"attributes of text", `UPDATE record SET attributes = 'CANARY' WHERE name = CAST('bad' AS BLOB)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, dir := context.Background(), t.TempDir()
			db := openTest(t, dir)
			for _, name := range []string{"a", "bad", "z"} {
				mustPut(t, db.Namespace(DefaultNamespace), name, "of "+name)
			}
			db.Close()
			tamper(t, dir, c.sql)
			s := openTest(t, dir).Namespace(DefaultNamespace)
			names, err := s.List(ctx, "")
			if err != nil || strings.Join(names, " ") != "a bad z" {
				t.Errorf("List = %q, %v", names, err)
			}
			_, err = s.Get(ctx, "bad")
			wantCode(t, "Get", err, store.Corrupt)
			if strings.Contains(err.Error(), "CANARY") || store.Hint(err) == "" {
				t.Errorf("Get: %v (hint %q)", err, store.Hint(err))
			}
			if got, err := s.Get(ctx, "z"); err != nil || string(got.Payload) != "of z" {
				t.Errorf("Get of another: %v", err)
			}
			if err := s.Delete(ctx, "bad"); err != nil {
				t.Errorf("Delete: %v", err)
			}
			wantCode(t, "Delete once more", s.Delete(ctx, "bad"), store.NotFound)
			mustPut(t, s, "bad", "again")
		})
	}
}

func TestOneDamagedVersionStopsNoOther(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	db := openTest(t, dir)
	for i := range 3 {
		mustPut(t, db.Namespace(DefaultNamespace), "x", fmt.Sprint(i+1))
	}
	db.Close()
	tamper(t, dir, `UPDATE version SET created = 'text' WHERE version = 2`)
	s := openTest(t, dir).Namespace(DefaultNamespace)
	r, err := s.Record(ctx, "x")
	if err != nil || len(r.Versions) != 3 || r.Versions[0].Damaged || !r.Versions[1].Damaged || r.Versions[1].Version != 2 || r.Versions[2].Damaged {
		t.Fatalf("Record = %+v, %v", r, err)
	}
	for version, want := range map[int64]store.Code{1: "", 2: store.Corrupt, 3: ""} {
		if _, err := s.GetVersion(ctx, "x", version); store.CodeOf(err) != want {
			t.Errorf("version %d: %v, want code %q", version, err, want)
		}
	}
}

// TestASchemaThatIsNotOursIsDamage changes the schema while the store is
// closed, and looks at whatever is the first to fail.
func TestASchemaThatIsNotOursIsDamage(t *testing.T) {
	for _, statement := range []string{
		"DROP TABLE version", "DROP TABLE record", "DROP TABLE namespace", "DROP TABLE canary", "DROP TABLE schema_version",
		"ALTER TABLE version DROP COLUMN hidden", "ALTER TABLE version RENAME COLUMN sealed TO opened",
		"ALTER TABLE record DROP COLUMN attributes", "ALTER TABLE namespace DROP COLUMN wrapped_key",
		"ALTER TABLE namespace DROP COLUMN created", "ALTER TABLE version DROP COLUMN hidden_by", "ALTER TABLE record DROP COLUMN updated",
		"DELETE FROM schema_version", "UPDATE schema_version SET version = 0", "DELETE FROM canary",
	} {
		t.Run(statement, func(t *testing.T) {
			ctx, dir := context.Background(), made(t)
			h, err := openSQLite(filepath.Join(dir, databaseFile), writing)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Exec("PRAGMA foreign_keys = off"); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Exec(statement); err != nil {
				t.Fatal(err)
			}
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			err = useAll(ctx, dir)
			wantCode(t, statement, err, store.Corrupt)
			if store.Hint(err) == "" {
				t.Errorf("%v: no hint", err)
			}
		})
	}
}

// useAll opens a folder and uses each kind of statement, up to the first
// failure.
func useAll(ctx context.Context, dir string) error {
	db, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		return err
	}
	defer db.Close()
	s := db.Namespace(DefaultNamespace)
	for _, do := range []func() error{
		func() error { return s.Check(ctx) },
		func() error { _, err := s.Get(ctx, "x"); return err },
		func() error { _, err := s.List(ctx, ""); return err },
		func() error { _, err := s.Record(ctx, "x"); return err },
		func() error { _, err := s.Put(ctx, "x", &store.Secret{}, nil); return err },
		func() error { return s.SetAttributes(ctx, "x", "vault", map[string]string{"a": "b"}) },
		func() error { return s.Hide(ctx, "x", "vault") },
		func() error { return s.Restore(ctx, "x", "vault", 2) },
		func() error { _, err := db.Namespace("new").Put(ctx, "x", &store.Secret{}, nil); return err },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func TestAFileThatIsCutWhileItIsOpen(t *testing.T) {
	for _, size := range []int64{0, 60, 4096, 4096 * 5, 4096*5 + 7} {
		ctx, dir := context.Background(), made(t)
		s := openTest(t, dir).Namespace(DefaultNamespace)
		if err := os.Truncate(filepath.Join(dir, databaseFile), size); err != nil {
			t.Fatal(err)
		}
		_, err := s.Get(ctx, "x")
		wantCode(t, fmt.Sprintf("Get from a file of %d bytes", size), err, store.Corrupt)
		_, err = s.Put(ctx, "x", &store.Secret{}, nil)
		wantCode(t, fmt.Sprintf("Put into a file of %d bytes", size), err, store.Corrupt)
	}
}

func TestWhatIsNotUTF8IsNotStored(t *testing.T) {
	ctx := context.Background()
	s := openTest(t, t.TempDir()).Namespace(DefaultNamespace)
	for _, form := range []store.Form{store.Text, store.Object} {
		_, err := s.Put(ctx, "x", &store.Secret{Payload: []byte("{\"k\": \"\xff\"}"), Form: form}, nil)
		wantCode(t, "Put", err, store.Invalid)
	}
	wantCode(t, "SetAttributes", s.SetAttributes(ctx, "x", "cli", map[string]string{"k": "\xff"}), store.Invalid)
	if _, err := s.Record(ctx, "x"); store.CodeOf(err) != store.NotFound {
		t.Errorf("Record: %v", err)
	}
}
