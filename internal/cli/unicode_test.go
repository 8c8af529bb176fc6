package cli

import (
	"testing"
)

// TestWhatIsNotUTF8IsNotStored gives bytes on the command line.
func TestWhatIsNotUTF8IsNotStored(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "variables", "set", "kept", "v").want(t, "set", 0)
	for _, args := range [][]string{
		{"variables", "set", "k", "CANARY\xff"}, {"variables", "set", "k\xff", "v"}, {"variables", "set", "k", "v", "--description", "\xff"},
		{"variables", "set", "k", `{"a": "` + "CANARY\xff" + `"}`},
		{"connections", "add", "c", "--conn-type", "http", "--conn-description", "\xff"},
		{"connections", "add", "c\xff", "--conn-uri", "http://h"},
	} {
		run(t, dir, args...).want(t, args[1], 1, "UTF-8", "hint:")
	}
	run(t, dir, "variables", "get", "k").want(t, "get", 3)
	if list := run(t, dir, "variables", "list", "-o", "plain"); list.stdout != "key\nkept\n" && list.stdout != "kept\n" {
		t.Errorf("list: %q", list.stdout)
	}
}
