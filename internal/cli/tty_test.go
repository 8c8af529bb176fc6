package cli

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/airlock-secrets/airlock/internal/check"
)

// screen is a terminal, and what was written to it.
type screen struct {
	File  *os.File // the program's end
	typed *os.File
	mu    sync.Mutex
	shown strings.Builder
	read  chan struct{}
}

func newScreen(t *testing.T) *screen {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{File: slave, typed: master, read: make(chan struct{})}
	go func() {
		defer close(s.read)
		_, _ = io.Copy(s, master)
	}()
	t.Cleanup(func() { s.end() })
	return s
}

// Write takes what appears on the screen.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(b)
}

// text is what has appeared so far, with the line ends of a file.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.shown.String(), "\r\n", "\n")
}

// end closes the terminal and returns all of its text.
func (s *screen) end() string {
	_ = s.File.Close()
	<-s.read
	_ = s.typed.Close()
	return s.text()
}

// eventually waits for a text to appear.
func (s *screen) eventually(t *testing.T, want string) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(s.text(), want) {
			return
		}
	}
	t.Fatalf("%q does not appear; what does is %q", want, s.text())
}

func TestPaint(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tests := []struct {
		name    string
		stream  any
		environ []string
		want    paint
	}{
		{"a terminal", newScreen(t).File, []string{"TERM=xterm"}, true},
		{"a terminal, NO_COLOR empty", newScreen(t).File, []string{"TERM=xterm", "NO_COLOR="}, true},
		{"a terminal, NO_COLOR", newScreen(t).File, []string{"TERM=xterm", "NO_COLOR=1"}, false},
		{"a dumb terminal", newScreen(t).File, []string{"TERM=dumb"}, false},
		{"a file", file, []string{"TERM=xterm"}, false},
		{"no file", &strings.Builder{}, []string{"TERM=xterm"}, false},
	}
	for _, tt := range tests {
		a := &app{Env: Env{Environ: tt.environ}}
		if got := a.paint(tt.stream); got != tt.want {
			t.Errorf("%s: colours %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestColours(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{paint(true).said("hint: do"), "\x1b[36mhint:\x1b[0m do"},
		{paint(false).said("hint: do"), "hint: do"},
		{paint(true).said("other"), "other"},
		{paint(true).severity(check.Error, "error"), "\x1b[1;31merror\x1b[0m"},
		{paint(true).in(bold, ""), ""},
		{paint(true).diff("--- a\n-x\n+y\n z\n"), "\x1b[1m--- a\x1b[0m\n\x1b[31m-x\x1b[0m\n\x1b[32m+y\x1b[0m\n z\n"},
		{paint(false).diff("-x\n"), "-x\n"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestProgress(t *testing.T) {
	s := newScreen(t)
	a := &app{Env: Env{Stderr: s.File, Environ: []string{"TERM=xterm"}}}
	p := a.progress("reading %d files", 3)
	time.Sleep(progressAfter / 2)
	if s.text() != "" {
		t.Errorf("before its time it shows %q", s.text())
	}
	s.eventually(t, "\r\x1b[Kreading 3 files")
	p.set("reading \x07%s", strings.Repeat("x", 200))
	s.eventually(t, "\r\x1b[Kreading \uFFFD"+strings.Repeat("x", 69))
	a.say("airlock: a word in between")
	s.eventually(t, "\r\x1b[K\x1b[1mairlock:\x1b[0m a word in between\n")
	p.done()
	p.done()
	if a.bar != nil || strings.Contains(s.end(), strings.Repeat("x", 70)) {
		t.Error("the line is there still, or is longer than the screen is wide")
	}
}

func TestProgressOffTheTerminal(t *testing.T) {
	var out strings.Builder
	a := &app{Env: Env{Stderr: &out}}
	p := a.progress("reading")
	p.set("more")
	p.clear()
	p.done()
	dumb := newScreen(t)
	a.Stderr, a.Environ = dumb.File, []string{"TERM=dumb"}
	if q := a.progress("reading"); p != nil || q != nil || out.Len() > 0 {
		t.Error("progress is shown where nobody sees it")
	}
}
