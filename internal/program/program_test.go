package program_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/store"
)

const canary = "CANARY-program"

func sh(script string) program.Command {
	return program.Command{Word: program.Fixed, What: "a script", Args: []string{"sh", "-c", script}, Dir: "/", Environ: []string{"PATH=" + os.Getenv("PATH")}}
}

// TestWhoseWord: nothing starts on a word that is not the user's, and the error
// says where the setting stands and nothing of it.
func TestWhoseWord(t *testing.T) {
	user, folder := program.Word{User: true, Where: "process environment"}, program.Word{Where: ".env:3"}
	for _, tt := range []struct {
		word program.Word
		runs bool
	}{{user, true}, {user.And(user), true}, {folder, false}, {user.And(folder), false}, {folder.And(user), false}, {program.Word{}, false}} {
		mark := filepath.Join(t.TempDir(), canary)
		c := sh("touch " + mark)
		c.Word = tt.word
		_, err := c.Output(t.Context())
		_, statErr := os.Stat(mark)
		if ran := statErr == nil; ran != tt.runs || (err == nil) != tt.runs {
			t.Errorf("%+v: ran %v, %v", tt.word, ran, err)
		}
		if _, err := c.Start(t.Context()); !tt.runs && !errors.Is(err, program.ErrNotRun) {
			t.Errorf("%+v: Start: %v", tt.word, err)
		}
		if tt.runs {
			continue
		}
		if store.CodeOf(err) != store.Denied || !errors.Is(err, program.ErrNotRun) || store.Hint(err) == "" || strings.Contains(fmt.Sprintf("%+v", err), canary) {
			t.Errorf("%+v: %v", tt.word, err)
		}
		if tt.word.Where != "" && !strings.Contains(err.Error(), "a script: .env:3") {
			t.Errorf("%v does not name the place", err)
		}
	}
}

// TestWords: the file that holds a setting has a say too.
func TestWords(t *testing.T) {
	root := t.TempDir()
	folder, home := filepath.Join(root, "folder"), filepath.Join(root, "home")
	for _, dir := range []string{folder, home} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(folder, filepath.Join(home, "link")); err != nil {
		t.Fatal(err)
	}
	user := program.Word{User: true}
	for _, tt := range []struct {
		folder, home, path string
		user               bool
	}{
		{folder, home, filepath.Join(home, "key"), true},
		{folder, home, "/etc/key", true},
		{folder, home, filepath.Join(folder, "key"), false},
		{folder, home, filepath.Join(folder, "no", "such", "key"), false},
		{folder, home, filepath.Join(home, "link", "key"), false},
		{folder, home, filepath.Join(home, "link", "new", "key"), false},
		{folder, home, folder + "/../folder/key", false},
		{folder, home, "key", false},
		{filepath.Join(home, "link"), home, filepath.Join(folder, "key"), false},
		{"", home, filepath.Join(home, "key"), false},
		{root, home, filepath.Join(home, "key"), true}, // the user's home is in it
		{"/", home, filepath.Join(home, "key"), true},
		{root, "", filepath.Join(home, "key"), false},
	} {
		w := program.Words{Folder: tt.folder, Home: tt.home}
		if got := w.File(tt.path, user).User; got != tt.user {
			t.Errorf("folder %s, home %s: %s is the user's: %v", tt.folder, tt.home, tt.path, got)
		}
		if w.File(tt.path, program.Word{Where: "x"}).User {
			t.Errorf("a file that the folder names is the user's: %s", tt.path)
		}
	}
	if (program.Words{}).Named("X").User {
		t.Error("words that nobody gave are the user's")
	}
}

// TestWhatItGets: nothing to read, no terminal, no variable but those given.
func TestWhatItGets(t *testing.T) {
	t.Setenv("OWN", canary)
	out, err := sh(`read line && echo "read $line"; (: < /dev/tty) 2> /dev/null && echo terminal; echo "$OWN$X"; pwd`).Output(t.Context())
	if err != nil || string(out) != "\n/\n" {
		t.Errorf("the program saw %q, %v", out, err)
	}
	w := program.Words{Home: "/usr", Environ: []string{"PATH=" + os.Getenv("PATH"), "X=1"}}
	out, err = w.Command(program.Fixed, "sh", []string{"sh", "-c", `echo "$X$Y"; pwd`}, "Y=2").Output(t.Context())
	if err != nil || string(out) != "12\n/usr\n" || len(w.Environ) != 2 {
		t.Errorf("the program saw %q, %v", out, err)
	}
	if out, err := (program.Command{Word: program.Fixed, Args: []string{"/bin/sh", "-c", "env"}, Dir: "/"}).Output(t.Context()); err != nil || strings.Contains(string(out), "OWN") {
		t.Errorf("without an environment the program sees ours: %v", err)
	}
	c := sh("cat")
	c.In = strings.NewReader("in")
	if out, err := c.Output(t.Context()); err != nil || string(out) != "in" {
		t.Errorf("cat printed %q, %v", out, err)
	}
}

// TestBounds: what a program prints, how long it takes, and what it leaves
// behind.
func TestBounds(t *testing.T) {
	c := sh("yes " + canary)
	if _, err := c.Output(t.Context()); !errors.Is(err, program.ErrTooLong) {
		t.Errorf("a program that does not stop: %v", err)
	}
	c = sh("echo 1234")
	c.Limit = 4
	if _, err := c.Output(t.Context()); !errors.Is(err, program.ErrTooLong) {
		t.Errorf("a byte too many: %v", err)
	}
	var exit *program.ExitError
	if _, err := sh("echo " + canary + "; echo " + canary + " >&2; exit 7").Output(t.Context()); !errors.As(err, &exit) || exit.Code != 7 ||
		strings.Contains(fmt.Sprintf("%v %+v %s", err, err, err), canary) || !strings.Contains(string(exit.Err), canary) {
		t.Errorf("a failure: %v", err)
	}
	if _, err := sh("kill -9 $$").Output(t.Context()); !errors.As(err, &exit) || exit.Code != -9 {
		t.Errorf("a program that is killed: %v", err)
	}
	if _, err := (program.Command{Word: program.Fixed, Args: []string{"no-such-program"}, Environ: []string{"PATH=/bin"}}).Output(t.Context()); !errors.Is(err, program.ErrNotFound) {
		t.Errorf("a program that is not there: %v", err)
	}
	c = sh("sleep 600")
	c.Timeout = time.Millisecond
	if _, err := c.Output(t.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("a program that takes too long: %v", err)
	}
}

// TestChildrenEndToo: with the context ends what the program has started.
func TestChildrenEndToo(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		// Both hold the pipe open for writing until they end.
		_, err := sh("exec 3> " + pipe + "; sleep 600 & echo started >&3; sleep 600").Output(ctx)
		done <- err
	}()
	f, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text := make([]byte, 8)
	if n, err := f.Read(text); err != nil || string(text[:n]) != "started\n" {
		t.Fatalf("read %q, %v", text[:n], err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Output: %v", err)
	}
	if n, err := f.Read(text); n != 0 || err == nil { // the end of the pipe: nobody holds it
		t.Errorf("a child still holds the pipe: %d bytes, %v", n, err)
	}
}

// TestStart: a program that is talked to.
func TestStart(t *testing.T) {
	p, err := sh(`read line; echo "got $line"`).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(p.In, "x"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 16)
	if n, err := p.Out.Read(text); err != nil || string(text[:n]) != "got x\n" {
		t.Errorf("it said %q, %v", text[:n], err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

// TestFind: absolute folders of PATH only, and none of the folders that do not
// count.
func TestFind(t *testing.T) {
	bin, folder := t.TempDir(), t.TempDir()
	for path, mode := range map[string]os.FileMode{filepath.Join(bin, "x"): 0o700, filepath.Join(folder, "x"): 0o700, filepath.Join(folder, "y"): 0o700, filepath.Join(bin, "z"): 0o600} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(folder, "y"), filepath.Join(bin, "linked")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(folder)
	path := "PATH=.::" + folder + ":" + bin
	for _, tt := range []struct {
		name, environ, outside, want string
	}{
		{"x", path, "", filepath.Join(folder, "x")},
		{"x", path, folder, filepath.Join(bin, "x")},
		{"y", path, folder, ""},
		{"y", "PATH=.", "", ""},
		{"y", "PATH=:", "", ""},
		{"linked", path, folder, ""},
		{"z", path, "", ""},
		{"./y", "", folder, "./y"},
		{"x", path, "/", filepath.Join(folder, "x")},
		{"x", "", "", ""},
	} {
		var outside []string
		if tt.outside != "" {
			outside = []string{tt.outside}
		}
		got, err := program.Find(tt.name, []string{"PATH=/nonexistent", tt.environ}, outside...)
		if tt.environ == "" {
			got, err = program.Find(tt.name, nil, outside...)
		}
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Find(%s) in %s, outside %q: %q, %v", tt.name, tt.environ, tt.outside, got, err)
		}
	}
}

// commands are some that shells and Python read in their own ways.
var commands = []string{"", "  ", "a b\tc\nd", `a 'b c' "d e"`, `a\ b`, `'a\b' "a\b" "a\"b" "a\\b"`, `''`, `a''b`, "a#b $x `y`", `a "b`, `a\`, `é 'ü ß'`,
	"a\vb", "a\u00a0b\x1cc\u2003d", `"\é\'"`, `'"'"'`, `\'a\'`, "\\\n a", "a\x00b", `"a\`, `'' "" \ `, "a;b|c&d(e)<f>"}

// TestSplit holds Split against Python's shlex.split.
func TestSplit(t *testing.T) {
	asked, err := json.Marshal(commands)
	if err != nil {
		t.Fatal(err)
	}
	python := exec.CommandContext(t.Context(), "python3", "-c", `import json, shlex, sys
def split(text):
    try: return shlex.split(text)
    except ValueError as e: return str(e)
print(json.dumps([split(text) for text in json.loads(sys.argv[1])]))`, string(asked))
	out, err := python.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []any
	if err := json.Unmarshal(out, &want); err != nil || len(want) != len(commands) {
		t.Fatal(err)
	}
	for i, text := range commands {
		words, err := program.Split(text)
		got := fmt.Sprintf("%q", words)
		if err != nil {
			got = err.Error()
		}
		if said, failed := want[i].(string); failed && got != said || !failed && got != fmt.Sprintf("%q", want[i]) {
			t.Errorf("Split(%q) = %s, Python's is %q", text, got, want[i])
		}
	}
}
