package route_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

func TestHost(t *testing.T) {
	for _, tt := range []struct{ address, scheme, host string }{
		{"https://Vault.Example.com", "https", "vault.example.com:443"},
		{"http://vault.example.com/path?q", "https", "vault.example.com:80"},
		{" http://127.0.0.1:8200/", "http", "127.0.0.1:8200"},
		{"vault.example.com:8200", "https", "vault.example.com:8200"},
		{"vault.example.com.", "https", "vault.example.com:443"},
		{"http://u:p@proxy:3128", "http", "proxy:3128"},
		{"http://[::1]:80", "http", "[::1]:80"},
		{"socks5://p", "http", "p:1080"},
		{"http://a b\\c", "http", "a b"},
		{"http://u:p@bad host:1/x", "http", "bad host:1"},
		{"", "http", ""},
	} {
		if got := route.Host(tt.address, tt.scheme); got != tt.host {
			t.Errorf("Host(%q) = %q, want %q", tt.address, got, tt.host)
		}
	}
}

// TestConfinement: a confined driver reads the files of the folder and the CA
// files of the process, and nothing else by whatever way.
func TestConfinement(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write := func(path string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	secret, ca := write(filepath.Join(outside, "id_rsa")), write(filepath.Join(outside, "ca.pem"))
	own := write(filepath.Join(dir, "token"))
	for link, target := range map[string]string{"out": secret, "in": "token", "up": "../" + filepath.Base(outside) + "/id_rsa"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &route.Confinement{Dir: dir, Hint: "airlock trust HOST"}
	for _, tt := range []struct {
		path string
		code store.Code
	}{
		{own, ""}, {"token", ""}, {"./x/../token", ""}, {"in", ""}, {ca, store.Denied},
		{secret, store.Denied}, {"out", store.Denied}, {"up", store.Denied}, {"../x", store.Denied}, {"fifo", store.Denied}, {dir, store.Denied},
		{"/dev/null", store.Denied}, {"/proc/self/environ", store.Denied}, {outside, store.Denied},
		{"missing", store.Unavailable},
	} {
		b, err := c.ReadFile(tt.path, 100)
		if store.CodeOf(err) != tt.code || tt.code == store.Denied && store.Hint(err) != c.Hint || tt.code == "" && string(b) != "text" {
			t.Errorf("ReadFile(%s) = %q, %v, want code %q", tt.path, b, err, tt.code)
		}
		there := tt.code == "" || tt.path == "fifo" || tt.path == dir
		if _, err := c.Stat(tt.path); (err == nil) != there {
			t.Errorf("Stat(%s) = %v", tt.path, err)
		}
	}
	authorities := c.Certificates()
	if b, err := authorities.ReadFile(ca, 100); err != nil || string(b) != "text" {
		t.Errorf("certificates outside the folder: %q, %v", b, err)
	}
	if _, err := authorities.Open(filepath.Join(dir, "fifo")); store.CodeOf(err) != store.Denied {
		t.Errorf("certificates of a pipe: %v", err)
	}
	var free *route.Confinement
	if b, err := free.ReadFile(secret, 100); err != nil || string(b) != "text" {
		t.Errorf("without a confinement: %q, %v", b, err)
	}
	if _, err := free.ReadFile(secret, 3); err == nil {
		t.Error("a file over the limit is read")
	}
}

func TestPinOf(t *testing.T) {
	dir := t.TempDir()
	var free *route.Confinement
	pin := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return free.PinOf(path)
	}
	one, other := pin("a", "one"), pin("b", "other")
	if one == other || one != pin("c", "one") || free.PinOf(dir) == one || free.PinOf(filepath.Join(dir, "none")) != "ca:unreadable" {
		t.Errorf("pins %q and %q", one, other)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, special := range []string{filepath.Join(dir, "fifo"), dir, "/dev/zero"} { // no end of reading it
		if got := free.PinOf(special); got != "ca:unreadable" {
			t.Errorf("PinOf(%s) = %q", special, got)
		}
	}
}

func TestSaysAddress(t *testing.T) {
	for name, want := range map[string]bool{
		"VAULT_ADDR": true, "VAULT__URL": true, "store_endpoint": true, "DB_HOST": true, "VAULT_TOKEN": false, "PWD": false,
		"CI_COMMIT_TITLE": false, "CI_MERGE_REQUEST_SOURCE_PROJECT_URL": false, "GIT_URL": false, "GITHUB_HEAD_REF": false, "ghprbAuthorRepoGitUrl": false,
	} {
		if got := route.SaysAddress(name); got != want {
			t.Errorf("SaysAddress(%s) = %v", name, got)
		}
	}
}
