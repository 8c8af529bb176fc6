package requests_test

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

func env(values map[string]string) requests.Getenv {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestProxy(t *testing.T) {
	tests := []struct {
		rule, url  string
		env, given map[string]string
		want       string
	}{
		{"none", "https://h/", nil, nil, ""},
		{"the environment's", "https://h/", map[string]string{"HTTPS_PROXY": "http://p:1"}, nil, "http://p:1"},
		{"lower case wins", "https://h/", map[string]string{"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:1"}, nil, "http://q:1"},
		{"lower case wins even where empty", "https://h/", map[string]string{"HTTPS_PROXY": "http://p:1", "https_proxy": ""}, nil, ""},
		{"of another scheme", "https://h/", map[string]string{"HTTP_PROXY": "http://p:1"}, nil, ""},
		{"of all schemes", "https://h/", map[string]string{"ALL_PROXY": "p:1"}, nil, "http://p:1"},
		{"not for a CGI program", "http://h/", map[string]string{"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, nil, ""},
		{"no_proxy by suffix", "https://v.local/", map[string]string{"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .local"}, nil, ""},
		{"no_proxy by network", "https://10.1.2.3/", map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": "10.0.0.0/8"}, nil, ""},
		{"no_proxy for all", "https://h/", map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, nil, ""},
		{"no_proxy names another", "https://h/", map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": "other"}, nil, "http://p:1"},
		{"a given one wins, also over no_proxy", "https://h/", map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, map[string]string{"https": "http://g:1"}, "http://g:1"},
		{"a given one for the host", "https://h/", nil, map[string]string{"https": "http://g:1", "https://h": "http://host:1"}, "http://host:1"},
	}
	for _, tt := range tests {
		got, err := requests.Proxy(env(tt.env), tt.given)(httptest.NewRequest("GET", tt.url, nil))
		text := ""
		if got != nil {
			text = got.String()
		}
		if err != nil || text != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.rule, text, err, tt.want)
		}
	}
	if _, err := requests.Proxy(env(map[string]string{"HTTPS_PROXY": "http://user:secret@"}), nil)(httptest.NewRequest("GET", "https://h/", nil)); err != requests.ErrProxy {
		t.Errorf("a proxy that is no URL: %v", err)
	}
}

func TestCABundle(t *testing.T) {
	path, name := requests.CABundle(env(map[string]string{"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "/c"}))
	if path != "/c" || name != "CURL_CA_BUNDLE" {
		t.Errorf("CABundle = %q, %q", path, name)
	}
	if path, _ := requests.CABundle(nil); path != "" {
		t.Errorf("CABundle of no environment = %q", path)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Dir(file), file + ".missing"} {
		if _, err := requests.Authorities(files, path); err == nil {
			t.Errorf("Authorities(%s) finds something", path)
		}
	}
}

// TestAuthoritiesWithheld: a file that must not be read is not one that is not
// there.
func TestAuthoritiesWithheld(t *testing.T) {
	confined := &route.Confinement{Dir: t.TempDir()}
	if _, err := requests.Authorities(confined, filepath.Join(t.TempDir(), "ca.pem")); !errors.Is(err, route.ErrWithheld) {
		t.Errorf("a file outside: %v", err)
	}
	if _, err := requests.Authorities(confined.Certificates(), filepath.Join(t.TempDir(), "ca.pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("certificates may be anywhere: %v", err)
	}
	if _, err := requests.Authorities(confined, "ca.pem"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
}

// files are those of the disk.
var files requests.Files = (*route.Confinement)(nil)
