package cli

// The voice of the command line:
//   - the answer goes to standard output, followed by one newline and nothing
//     else; everything else goes to standard error;
//   - a message is lower case and has no full stop; it says what is wrong, and
//     a line "hint:" says what to do;
//   - nothing printed here holds a value unless the person asked for it;
//   - a stream has colours only where it is a terminal itself (colour.go), and
//     what takes over a second says so (progress.go).

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/store"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitDenied      = 4
	exitUnavailable = 5
)

// shownError is a failure that the answer itself tells: it only sets the exit
// code.
type shownError struct{ error }

func (e shownError) Unwrap() error { return e.error }

func shown(err error) error {
	if err == nil {
		return nil
	}
	return shownError{err}
}

func childNames(c *cobra.Command) string {
	var names []string
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			names = append(names, child.Name())
		}
	}
	return strings.Join(names, ", ")
}

// exitCode maps an error onto the documented exit codes.
func exitCode(err error) int {
	var (
		u     usageError
		start *startError
		ended *signalError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &start):
		return start.code
	case errors.As(err, &u), isUnknownCommand(err):
		return exitUsage
	case errors.As(err, &ended):
		return ended.code()
	case errors.Is(err, context.Canceled):
		return exitFailed
	}
	var e *store.Error
	if !errors.As(err, &e) {
		return exitFailed
	}
	switch e.Code {
	case store.NotFound:
		return exitNotFound
	case store.Denied, store.Unauthenticated:
		return exitDenied
	case store.Unavailable, store.Throttled:
		return exitUnavailable
	}
	return exitFailed
}

// fail prints an error and what to do about it.
func (a *app) fail(err error) {
	if errors.As(err, new(shownError)) {
		return
	}
	if errors.Is(err, context.Canceled) {
		a.say("airlock: interrupted")
		return
	}
	text, hint := strings.TrimSpace(err.Error()), store.Hint(err)
	var (
		u       usageError
		start   *startError
		missing *airlock.NotFoundError
	)
	switch {
	case errors.As(err, &start):
		hint = start.hint
	case errors.As(err, &u):
		hint = u.hint
	case isUnknownCommand(err):
		text, hint = unknownCommand(a.root(), err), "see: airlock --help"
	case errors.As(err, &missing):
		text = fmt.Sprintf("no layer has %s; Airflow says: %s", missing.Ref, text)
	}
	a.say("airlock: %s", text)
	for line := range strings.SplitSeq(hint, "\n") {
		if line != "" {
			a.say("hint: %s", line)
		}
	}
}

// say writes one line to standard error. Control characters that came from
// outside are shown, not obeyed.
func (a *app) say(format string, values ...any) {
	a.bar.clear()
	_, _ = fmt.Fprintln(a.Stderr, a.paint(a.Stderr).said(visible(fmt.Sprintf(format, values...))))
}

// visible replaces control characters, so that a name from outside cannot
// drive the terminal, nor be read in another order than it has.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || (r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) && !unicode.Is(unicode.Bidi_Control, r)) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// answer gathers what goes to standard output.
type answer struct{ bytes.Buffer }

func (a *app) flush() error {
	if a.out.Len() == 0 {
		return nil
	}
	defer a.out.Reset()
	if _, err := a.Stdout.Write(a.out.Bytes()); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

// println adds one line to the answer.
func (a *app) println(text string) { a.out.WriteString(text + "\n") }
