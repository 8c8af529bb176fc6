package requests_test

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/wire/requests"
)

func TestSetTLS(t *testing.T) {
	cert, verify := (*requests.TLS).SetCert, (*requests.TLS).SetVerify
	tests := []struct {
		rule string
		set  func(*requests.TLS, any) bool
		v    any
		want requests.TLS
		ok   bool
	}{
		{"verify null", verify, nil, requests.TLS{}, true},
		{"verify true", verify, true, requests.TLS{}, true},
		{"verify false", verify, false, requests.TLS{Insecure: true}, true},
		{"verify a path", verify, "ca.pem", requests.TLS{CA: "ca.pem"}, true},
		{"verify an empty path, which is false to Python", verify, "", requests.TLS{Insecure: true}, true},
		{"verify a number", verify, int64(1), requests.TLS{}, false},
		{"cert null", cert, nil, requests.TLS{}, true},
		{"cert a path", cert, "c.pem", requests.TLS{Cert: "c.pem"}, true},
		{"cert two paths", cert, []any{"c.pem", "k.pem"}, requests.TLS{Cert: "c.pem", Key: "k.pem"}, true},
		{"cert one path in a list", cert, []any{"c.pem"}, requests.TLS{}, false},
		{"cert a path and a number", cert, []any{"c.pem", int64(1)}, requests.TLS{}, false},
		{"cert true", cert, true, requests.TLS{}, false},
	}
	for _, tt := range tests {
		var got requests.TLS
		if ok := tt.set(&got, tt.v); ok != tt.ok || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v, %v", tt.rule, got, ok, tt.want, tt.ok)
		}
	}
}

func TestConfigNamesTheSetting(t *testing.T) {
	same := func(path string) string { return path }
	tests := []struct {
		rule          string
		tls           requests.TLS
		message, hint string
	}{
		{"a CA that is not there", requests.TLS{CA: "/nowhere"}, "reading the CA certificates of verify: stat /nowhere: no such file or directory", "verify must name a PEM file or a folder of them"},
		{"a certificate that is not there", requests.TLS{Cert: "/nowhere"}, "reading the client certificate: open /nowhere: no such file or directory",
			"cert must be a PEM file with certificate and key, or a list of the two files"},
	}
	for _, tt := range tests {
		_, err := tt.tls.Config(files, files, "verify", "cert", same)
		var unusable *requests.FileError
		if !errors.As(err, &unusable) || unusable.Error() != tt.message || unusable.Hint != tt.hint {
			t.Errorf("%s: %v", tt.rule, err)
		}
	}
	config, err := requests.TLS{Insecure: true, CA: "/nowhere"}.Config(files, files, "verify", "cert", same)
	if err != nil || !config.InsecureSkipVerify {
		t.Errorf("without verification the CA is not read: %v", err)
	}
}

func TestLargeKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	for size, large := range map[int]bool{9300: false, 100 << 10: true} {
		text := append([]byte("text before\n"), pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: make([]byte, size)})...)
		if requests.LargeKey(text) != large {
			t.Errorf("a key of %d bytes is large: %v", size, !large)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := requests.TLS{Cert: path}.Config(files, files, "verify", "cert", func(path string) string { return path })
		if err == nil || strings.Contains(err.Error(), "16384 bits") != large {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if requests.LargeKey(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: make([]byte, 100<<10)})) {
		t.Error("a certificate is no key")
	}
}
