package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// made returns a folder that holds the variable x and is closed.
func made(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	db, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s := db.Namespace(DefaultNamespace)
	for i := range 50 {
		mustPut(t, s, fmt.Sprintf("filler/%d", i), strings.Repeat("f", 1000))
	}
	mustPut(t, s, "x", "v")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// snapshot returns the contents of every file of dir but SQLite's index.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 0 || e.Name() == databaseFile {
			files[e.Name()] = string(b)
		}
	}
	delete(files, databaseFile+"-shm")
	return files
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBadFoldersAreRefusedUntouched(t *testing.T) {
	database := func(dir string) string { return filepath.Join(dir, databaseFile) }
	key := func(dir string) string { return filepath.Join(dir, keyFile) }
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:n] } }
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		code   store.Code
		says   string
	}{
		{"an empty database", func(t *testing.T, dir string) { edit(t, database(dir), cut(0)) }, store.Corrupt, "cut short"},
		{"a database cut within its header", func(t *testing.T, dir string) { edit(t, database(dir), cut(60)) }, store.Corrupt, "cut short"},
		{"a database cut within its pages", func(t *testing.T, dir string) { edit(t, database(dir), cut(5000)) }, store.Corrupt, "corrupt"},
		{"a text file", func(t *testing.T, dir string) {
			edit(t, database(dir), func([]byte) []byte { return bytes.Repeat([]byte("not a database. "), 100) })
		}, store.Corrupt, "not a SQLite database"},
		{"garbage after the header", func(t *testing.T, dir string) {
			edit(t, database(dir), func(b []byte) []byte {
				copy(b[headerSize:], bytes.Repeat([]byte{0xa5}, len(b)-headerSize))
				return b
			})
		}, store.Corrupt, "malformed"},
		{"another program's database", func(t *testing.T, dir string) { makeForeign(t, database(dir)) }, store.Invalid, "another program"},
		{"a database that is gone, but not its log", func(t *testing.T, dir string) {
			if err := os.Rename(database(dir), database(dir)+"-wal"); err != nil {
				t.Fatal(err)
			}
		}, store.Corrupt, "is gone"},
		{"a database that is gone, but not the audit log", func(t *testing.T, dir string) {
			if err := os.Rename(database(dir), filepath.Join(dir, "audit.log")); err != nil {
				t.Fatal(err)
			}
		}, store.Corrupt, "is gone"},
		{"a database that is gone, but not the development token", func(t *testing.T, dir string) {
			if err := os.Rename(database(dir), filepath.Join(dir, "dev-token")); err != nil {
				t.Fatal(err)
			}
		}, store.Corrupt, "is gone"},
		{"a missing key", func(t *testing.T, dir string) {
			if err := os.Remove(key(dir)); err != nil {
				t.Fatal(err)
			}
		}, store.Invalid, "key is missing"},
		{"another store's key", func(t *testing.T, dir string) {
			b, err := os.ReadFile(key(made(t)))
			if err != nil {
				t.Fatal(err)
			}
			edit(t, key(dir), func([]byte) []byte { return b })
		}, store.Invalid, "does not open"},
		{"an empty key", func(t *testing.T, dir string) { edit(t, key(dir), cut(0)) }, store.Invalid, "no usable key"},
		{"a garbled key", func(t *testing.T, dir string) {
			edit(t, key(dir), func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("value"), []byte("vulae")) })
		}, store.Invalid, "no usable key"},
		{"a key that others can read", func(t *testing.T, dir string) {
			if err := os.Chmod(key(dir), 0o644); err != nil {
				t.Fatal(err)
			}
		}, store.Invalid, "other users"},
		{"a folder that others can write", func(t *testing.T, dir string) {
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}, store.Invalid, "other users"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := made(t)
			c.damage(t, dir)
			before := snapshot(t, dir)
			db, err := Open(context.Background(), Options{Dir: dir})
			if err == nil {
				db.Close()
				t.Fatal("Open succeeded")
			}
			wantCode(t, "Open", err, c.code)
			if !strings.Contains(err.Error(), c.says) || store.Hint(err) == "" {
				t.Errorf("Open: %v (hint %q), want it to say %q", err, store.Hint(err), c.says)
			}
			after := snapshot(t, dir)
			for name, content := range before {
				if after[name] != content {
					t.Errorf("%s was changed", name)
				}
			}
			for name := range after {
				if _, ok := before[name]; !ok {
					t.Errorf("%s was made", name)
				}
			}
		})
	}
}

// makeForeign writes another program's database over path.
func makeForeign(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE variable (id INTEGER)"); err != nil {
		t.Fatal(err)
	}
}

func TestMissingStoreIsNotMadeWhereItMustExist(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	_, err := Open(context.Background(), Options{Dir: dir, MustExist: true})
	wantCode(t, "Open", err, store.NotFound)
	if Exists(dir) {
		t.Error("Exists says that there is a store")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder was made")
	}
}

func TestFolderThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mustExist := range []bool{false, true} {
		_, err := Open(context.Background(), Options{Dir: path, MustExist: mustExist})
		wantCode(t, "Open", err, store.Invalid)
		if !strings.Contains(store.Hint(err), "must be a folder") {
			t.Errorf("Open: %v (hint %q), want the hint to say that it must be a folder", err, store.Hint(err))
		}
	}
}

// TestAKeyAloneIsForAStoreToCome is a key that was put in place beforehand.
func TestAKeyAloneIsForAStoreToCome(t *testing.T) {
	dir := made(t)
	if err := os.Remove(filepath.Join(dir, databaseFile)); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)[keyFile]
	mustPut(t, openTest(t, dir).Namespace(DefaultNamespace), "x", "v")
	if snapshot(t, dir)[keyFile] != before {
		t.Error("the key was replaced")
	}
}

// TestMovedRowsDoNotDecrypt changes rows by hand as somebody could who can
// write to the file but has no key.
func TestMovedRowsDoNotDecrypt(t *testing.T) {
	for _, c := range []struct{ name, sql string }{
		{"two names swap their payloads", `UPDATE version SET sealed = (SELECT v.sealed FROM version v WHERE v.record != version.record AND v.version = 2
			AND v.record IN (SELECT id FROM record WHERE name IN (CAST('a' AS BLOB), CAST('b' AS BLOB)) AND namespace = 1))
			WHERE version = 2 AND record IN (SELECT id FROM record WHERE namespace = 1)`},
		{"an old version comes back as the latest", `UPDATE version SET sealed = (SELECT v.sealed FROM version v WHERE v.record = version.record AND v.version = 1) WHERE version = 2`},
		{"a record is renamed", `UPDATE record SET name = CAST('a' AS BLOB) WHERE name = CAST('c' AS BLOB)`},
		{"a payload is called an object", `UPDATE version SET form = 2`},
		{"a payload is changed", `UPDATE version SET sealed = substr(sealed, 1, length(sealed) - 1) || x'00'`},
		{"a payload is cut short", `UPDATE version SET sealed = x'01'`},
		{"a payload comes from another namespace", `UPDATE version SET sealed = (SELECT v.sealed FROM version v JOIN record r ON r.id = v.record WHERE r.namespace = 2 AND v.version = version.version)
			WHERE record IN (SELECT id FROM record WHERE namespace = 1)`},
		{"the data keys change places", `UPDATE namespace SET wrapped_key = (SELECT n.wrapped_key FROM namespace n WHERE n.id != namespace.id)`},
		{"attributes come from another name", `UPDATE record SET attributes = (SELECT r.attributes FROM record r WHERE r.name = CAST('b' AS BLOB) AND r.namespace = 1) WHERE name = CAST('a' AS BLOB)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			dir := t.TempDir()
			db := openTest(t, dir)
			for _, namespace := range []string{"one", "two"} {
				s := db.Namespace(namespace)
				for _, name := range []string{"a", "b"} {
					mustPut(t, s, name, "first "+name)
					mustPut(t, s, name, "second "+name)
				}
				if err := s.SetAttributes(ctx, "b", "vault", map[string]string{"k": "v"}); err != nil {
					t.Fatal(err)
				}
			}
			if c.name == "a record is renamed" {
				mustPut(t, db.Namespace("one"), "c", "third")
				if err := db.Namespace("one").Delete(ctx, "a"); err != nil {
					t.Fatal(err)
				}
			}
			db.Close()
			tamper(t, dir, c.sql)
			_, err := openTest(t, dir).Namespace("one").Get(ctx, "a")
			wantCode(t, "Get", err, store.Corrupt)
			if store.Hint(err) == "" {
				t.Error("Get: no hint")
			}
		})
	}
}

// tamper runs one statement on the database behind the store's back.
func tamper(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := openSQLite(filepath.Join(dir, databaseFile), writing)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	done, err := db.Exec(statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("no row was changed (%v)", err)
	}
}

func TestAssociatedDataIsUnambiguous(t *testing.T) {
	seen := map[string]string{}
	for _, parts := range [][]string{
		{"value", "a", "b"}, {"value", "ab", ""}, {"value", "", "ab"}, {"valuea", "b"},
		{"value", "a", "b", ""}, {"value", "a\x00\x00\x00\x00\x00\x00\x00\x01b"}, {"value"},
	} {
		b := string(boundTo(parts[0], parts[1:]...))
		if other, ok := seen[b]; ok {
			t.Errorf("%q and %s are bound to the same bytes", parts, other)
		}
		seen[b] = fmt.Sprintf("%q", parts)
	}
}
