package cli

import (
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/mattn/go-isatty"
)

// terminal reports whether a stream is one that a person looks at or types on.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// interactive reports whether questions can be asked: they are typed on
// standard input and shown on standard error.
func (a *app) interactive() bool { return terminal(a.Stdin) && terminal(a.Stderr) }

// plainTerminal reports whether a terminal has no more than lines of text.
func (a *app) plainTerminal() bool {
	kind := a.getenv("TERM")
	return kind == "" || kind == "dumb"
}

// getenv is a variable of the process; "" where it is not set.
func (a *app) getenv(name string) string {
	value, _ := a.ownVariable(name)
	return value
}

// ownVariable is a variable of the process, never one of the folder.
func (a *app) ownVariable(name string) (value string, ok bool) {
	for _, pair := range slices.Backward(a.Environ) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// restoring returns what gives a terminal back as it is now, its cursor and its
// pasting included. It does nothing to a terminal that nobody has changed.
func restoring(typed, shown *os.File) func() {
	before, err := term.GetState(typed.Fd())
	if err != nil {
		return func() {} // it is no terminal
	}
	return func() {
		if now, err := term.GetState(typed.Fd()); err != nil || reflect.DeepEqual(now, before) {
			return
		}
		_ = term.Restore(typed.Fd(), before)
		_, _ = shown.WriteString("\r\n\x1b[?25h\x1b[?2004l\x1b[?1004l")
	}
}
