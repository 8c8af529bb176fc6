package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/store"
)

// A file that airlock finds by itself narrows; named by the user, the same
// file may say anything.
func TestAFoldersOwnFileOnlyNarrows(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	for _, tt := range []struct{ text, refused string }{
		{"context: server\n", ""},
		{"sources: []\nwrite_to: embedded\n", ""},
		{"serve: {}\n", ""},
		{"serve: {listen: '127.0.0.1:1', cache_ttl: 5m, plain_http: false, data_dir: state}\n", ""},
		{"serve: {listen: 'localhost:1', data_dir: ./a/b}\n", ""},
		{"serve: {listen: '[::1]:1', data_dir: " + dir + "/state}\n", ""},
		{"serve:\n  listen: 0.0.0.0:8477\n", "2:3 serve.listen"},
		{"serve:\n  listen: ':8477'\n", "2:3 serve.listen"},
		{"serve:\n  listen: '[::]:8477'\n", "2:3 serve.listen"},
		{"serve:\n  listen: example.com:8477\n", "2:3 serve.listen"},
		{"serve:\n  listen: 0.0.0.0:$PORT\n", "2:3 serve.listen"},
		{"serve:\n  plain_http: true\n", "2:3 serve.plain_http"},
		{"serve:\n  plain_http: $ON\n", "2:3 serve.plain_http"},
		{"serve:\n  data_dir: ..\n", "2:3 serve.data_dir"},
		{"serve:\n  data_dir: a/../../b\n", "2:3 serve.data_dir"},
		{"serve:\n  data_dir: .\n", "2:3 serve.data_dir"},
		{"serve:\n  data_dir: /var/lib/airlock\n", "2:3 serve.data_dir"},
		{"serve:\n  data_dir: ~/state\n", "2:3 serve.data_dir"},
		{"serve:\n  hosts: [evil.example]\n", "2:3 serve.hosts"},
		{"serve:\n  hosts: []\n", "2:3 serve.hosts"},
		{"serve:\n  proxies: [10.0.0.0/8]\n", "2:3 serve.proxies"},
		{"serve:\n  audit: {keep: 1}\n", "2:3 serve.audit"},
		{"serve:\n  listen: 0.0.0.0:1\n  plain_http: true\n  data_dir: /x\n", "2:3 serve.listen, 3:3 serve.plain_http, 4:3 serve.data_dir"},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, FileName, expand); err != nil {
			t.Errorf("%q: named: %v", tt.text, err)
		}
		f, err := LoadOwn(path, FileName, expand)
		var ps Problems
		if err != nil && !errors.As(err, &ps) || f == nil {
			t.Fatalf("%q: %v", tt.text, err)
		}
		var got []string
		for _, p := range ps {
			got = append(got, strings.TrimPrefix(p.Where(), FileName+":")+" "+p.Path)
			if store.CodeOf(p) != store.Invalid || !strings.Contains(p.Hint, "airlock serve --config "+FileName) || !p.Unnamed {
				t.Errorf("%q: %v, hint %q", tt.text, p, p.Hint)
			}
		}
		if all := strings.Join(got, ", "); all != tt.refused {
			t.Errorf("%q: refused %q, want %q", tt.text, all, tt.refused)
		}
	}
}

// A key that is new counts in a file that the user names, until somebody says
// that it widens nothing.
func TestNewKeysAreRefusedByDefault(t *testing.T) {
	for _, key := range namesOf(&Serve{}) {
		if _, known := narrowServe[key]; !known && key != "hosts" && key != "proxies" && key != "audit" {
			t.Errorf("serve.%s: is it refused in a folder's own file on purpose?", key)
		}
	}
}

func TestOwnFileWithOtherProblems(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte("contxt: x\nserve:\n  lissten: 0.0.0.0:1\n  hosts: x\n  proxies: [7]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := LoadOwn(path, FileName, expand)
	var ps Problems
	if f == nil || !errors.As(err, &ps) || len(ps) != 6 {
		t.Errorf("%v: %d problems", err, len(ps))
	}
	if _, err := LoadOwn(path+"x", FileName, expand); store.CodeOf(err) != store.Invalid {
		t.Errorf("no file: %v", err)
	}
}
