package trust_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/airlock-secrets/airlock/internal/trust"
	"github.com/airlock-secrets/airlock/store"
)

func TestIn(t *testing.T) {
	for _, tt := range []struct {
		environ map[string]string
		path    string
	}{
		{map[string]string{"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/airlock/trust.json"},
		{map[string]string{"HOME": "/h"}, "/h/.local/state/airlock/trust.json"},
		{map[string]string{"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/airlock/trust.json"},
		{map[string]string{"HOME": "relative"}, ""},
		{nil, ""},
	} {
		if got := trust.In(func(name string) string { return tt.environ[name] }).Path(); got != tt.path {
			t.Errorf("In(%v) = %q, want %q", tt.environ, got, tt.path)
		}
	}
}

func TestList(t *testing.T) {
	f := trust.File{Dir: filepath.Join(t.TempDir(), "state", "airlock")}
	here := trust.Entry{Dir: "/a", Host: "h:1"}
	pinned := trust.Entry{Dir: "/a", Host: "h:1", Pin: "ca:1"}
	expect := func(e trust.Entry, want bool) {
		t.Helper()
		if got, err := f.Trusts(e); err != nil || got != want {
			t.Errorf("Trusts(%v) = %v, %v", e, got, err)
		}
	}
	expect(here, false)
	if err := f.Add(here, trust.Entry{Dir: "/a", Host: "i:1"}, trust.Entry{Dir: "/b", Host: "h:1"}); err != nil {
		t.Fatal(err)
	}
	expect(here, true)
	expect(pinned, false)
	expect(trust.Entry{Dir: "/c", Host: "h:1"}, false)
	if err := f.Add(pinned); err != nil {
		t.Fatal(err)
	}
	expect(here, false) // another CA has taken its place
	expect(pinned, true)
	if n, err := f.Remove("/a", ""); n != 2 || err != nil {
		t.Errorf("Remove = %d, %v", n, err)
	}
	if list, err := f.Entries(); err != nil || len(list) != 1 || list[0].Dir != "/b" {
		t.Errorf("Entries = %v, %v", list, err)
	}
	one := trust.DataFolder{Dir: "/d", ID: "1"}
	if err := f.AddDataFolder(one); err != nil {
		t.Fatal(err)
	}
	if known, err := f.Knows(one); err != nil || !known {
		t.Errorf("Knows = %v, %v", known, err)
	}
	if known, _ := f.Knows(trust.DataFolder{Dir: "/d", ID: "2"}); known {
		t.Error("another folder in the same place is known")
	}
	for path, mode := range map[string]os.FileMode{f.Dir: 0o700, f.Path(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
}

func TestManyWriters(t *testing.T) {
	f := trust.File{Dir: t.TempDir()}
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			if err := f.Add(trust.Entry{Dir: "/a", Host: string(rune('a' + i))}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if list, err := f.Entries(); err != nil || len(list) != 20 {
		t.Errorf("%d entries, %v", len(list), err)
	}
}

// TestListsThatDoNotCount: nobody else can write the list, and a damaged one
// is no empty one.
func TestListsThatDoNotCount(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"others may write it": func(path string) error {
			return os.WriteFile(path, []byte(`{"version":1}`), 0o600)
		},
		"damaged":        func(path string) error { return os.WriteFile(path, []byte(`{`), 0o600) },
		"a later format": func(path string) error { return os.WriteFile(path, []byte(`{"version":2}`), 0o600) },
		"a folder":       func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":         func(path string) error { return os.Symlink("/dev/null", path) },
	} {
		f := trust.File{Dir: t.TempDir()}
		if err := make(f.Path()); err != nil {
			t.Fatal(err)
		}
		if name == "others may write it" {
			if err := os.Chmod(f.Path(), 0o622); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.Trusts(trust.Entry{}); store.CodeOf(err) != store.Invalid || store.Hint(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err := f.Add(trust.Entry{}); store.CodeOf(err) != store.Invalid {
			t.Errorf("%s: Add = %v", name, err)
		}
	}
	if err := (trust.File{}).Add(trust.Entry{}); store.CodeOf(err) != store.Invalid || store.Hint(err) == "" {
		t.Errorf("without a home: %v", err)
	}
}

// TestSeveralPins: one host that is the service and gives tokens may have a CA
// for each.
func TestSeveralPins(t *testing.T) {
	f := trust.File{Dir: t.TempDir()}
	one := func(pin string) trust.Entry { return trust.Entry{Dir: "/a", Host: "h:1", Pin: pin} }
	trusts := func(want bool, pins ...string) {
		t.Helper()
		for _, pin := range pins {
			if got, err := f.Trusts(one(pin)); err != nil || got != want {
				t.Errorf("pin %q: %v, %v", pin, got, err)
			}
		}
	}
	if err := f.Add(one(""), one("ca:1"), one("no-verify"), one("ca:1")); err != nil {
		t.Fatal(err)
	}
	trusts(true, "", "ca:1", "no-verify")
	if entries, err := f.Entries(); err != nil || len(entries) != 3 {
		t.Errorf("%v, %v", entries, err)
	}
	if err := f.Add(one("ca:2")); err != nil {
		t.Fatal(err)
	}
	trusts(true, "ca:2")
	trusts(false, "", "ca:1", "no-verify")
}
