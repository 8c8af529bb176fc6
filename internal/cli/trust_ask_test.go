package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/servertest"
	"github.com/airlock-secrets/airlock/internal/trust"
)

// TestTrustIsAskedForOnce: on a terminal a person is asked, once for a folder
// and address, and the answer is kept.
func TestTrustIsAskedForOnce(t *testing.T) {
	at := record(t, servertest.NewAuthority(t))
	home, environ := userHome(t)
	dir := filepath.Join(filepath.Dir(home), "project")
	writeProject(t, dir, map[string]string{".env": vaultIs + kwargs + `'{"url": "http://` + at.Host + `"}'`})
	list := trust.File{Dir: filepath.Join(home, ".local", "state", "airlock")}
	ask := func(typed string, args ...string) (code int, shown, out string) {
		t.Helper()
		s := newScreen(t)
		var answer bytes.Buffer
		done := make(chan int, 1)
		go func() {
			done <- Main(Env{Context: t.Context(), Args: args, Dir: dir, Stdin: s.File, Stdout: &answer, Stderr: s.File, Environ: environ})
		}()
		if typed != "" {
			s.eventually(t, "[y/N]")
			if _, err := s.typed.WriteString(typed + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		code = <-done
		return code, s.end(), answer.String()
	}

	code, shown, _ := ask("n", "variables", "get", "k")
	if code != exitDenied || holds(at.sent(), canary) || strings.Count(shown, "[y/N]") != 1 {
		t.Errorf("after no: exit code %d, %q", code, shown)
	}
	if entries, err := list.Entries(); err != nil || len(entries) != 0 {
		t.Errorf("after no: %v, %v", entries, err)
	}
	code, shown, out := ask("y", "variables", "get", "k")
	if code != exitDone || out != "v\n" || !strings.Contains(shown, " send your credentials to "+at.Host+"? ") || !holds(at.sent(), canary) {
		t.Errorf("after yes: exit code %d, %q, %q", code, out, shown)
	}
	if entries, err := list.Entries(); err != nil || len(entries) != 1 || entries[0].Host != at.Host {
		t.Errorf("after yes: %v, %v", entries, err)
	}
	if code, shown, out = ask("", "variables", "get", "k"); code != exitDone || out != "v\n" || shown != "" {
		t.Errorf("a second time: exit code %d, %q, %q", code, out, shown)
	}

	// Where the answer cannot be kept it counts for the run.
	if err := os.RemoveAll(list.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, shown, out = ask("y", "variables", "get", "k"); code != exitDone || out != "v\n" || !strings.Contains(shown, "counts for this run only") {
		t.Errorf("without a list: exit code %d, %q, %q", code, out, shown)
	}
}

// TestNamesHost: what an entry of AIRLOCK_TRUST means.
func TestNamesHost(t *testing.T) {
	for _, tt := range []struct {
		address, host string
		want          bool
	}{
		{"vault.example.com", "vault.example.com:8200", true}, {"Vault.example.com:8200", "vault.example.com:8200", true},
		{"https://vault.example.com", "vault.example.com:443", true}, {"vault.example.com:443", "vault.example.com:8200", false},
		{"::1", "[::1]:80", true}, {"[::1]:80", "[::1]:80", true},
		{"/run/pg/.s.PGSQL.5432", "/run/pg/.s.PGSQL.5432", true}, {"@pg/.s.PGSQL.5432", "@pg/.s.PGSQL.5432", true},
		{"/run/pg", "", false}, {"/run/pg", "/run/pg/.s.PGSQL.5432", false}, {"example.com", "vault.example.com:443", false},
		{"", "", false}, {"*", "h:1", false}, {":8200", "h:8200", false},
	} {
		if got := namesHost(tt.address, tt.host); got != tt.want {
			t.Errorf("namesHost(%q, %q) = %v", tt.address, tt.host, got)
		}
	}
}
