package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/airlock-secrets/airlock/internal/wait"
)

// endWithin is how long a command has after a signal. Whatever it waits for,
// a file system that does not answer included, it ends then.
const endWithin = 700 * time.Millisecond

// signalError is the cause where a signal has ended a command.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return "ended by " + e.signal.String() }

// Unwrap makes it what any end of a context is.
func (e *signalError) Unwrap() error { return context.Canceled }

// code is the exit code that shells give for the signal.
func (e *signalError) code() int { return 128 + int(e.signal) }

// signalOf is the signal that has ended ctx; nil for none.
func signalOf(ctx context.Context) *signalError {
	if ctx == nil {
		return nil
	}
	e, _ := context.Cause(ctx).(*signalError)
	return e
}

// interrupts ends the process on SIGINT and SIGTERM.
type interrupts struct {
	signals chan os.Signal
	// serving is set once the daemon answers: it finishes its requests in a
	// time of its own.
	serving atomic.Bool
	// restore gives the terminal back as it was: a form makes it raw, and may
	// not get to the end of its work.
	restore func()
}

// watch cancels on the first signal. A second one ends the process at once.
func (i *interrupts) watch(cancel context.CancelCauseFunc) {
	first := &signalError{(<-i.signals).(syscall.Signal)}
	cancel(first)
	var late <-chan time.Time
	if !i.serving.Load() {
		late = time.After(endWithin)
	}
	select {
	case s := <-i.signals:
		i.restore()
		os.Exit((&signalError{s.(syscall.Signal)}).code())
	case <-late:
		i.restore()
		_, _ = fmt.Fprintln(os.Stderr, "airlock: interrupted")
		os.Exit(first.code())
	}
}

// serve is called once the daemon answers.
func (i *interrupts) serve() {
	i.serving.Store(true)
	wait.Stop()
}

// Process returns the Env of this process. Its context ends on SIGINT and
// SIGTERM, and the process soon after it, also where the command does not.
func Process() Env {
	ctx, cancel := context.WithCancelCause(context.Background())
	i := &interrupts{signals: make(chan os.Signal, 2), restore: restoring(os.Stdin, os.Stderr)}
	signal.Notify(i.signals, os.Interrupt, syscall.SIGTERM)
	go i.watch(cancel)
	if len(os.Args) < 2 || !strings.HasPrefix(os.Args[1], "__complete") { // Tab shows nothing
		go tellWaits(os.Stderr)
	}
	return Env{Context: ctx, Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Environ: os.Environ(), Dir: ".", Serving: i.serve}
}

// tellWaits says what the process waits for, as long as it runs.
func tellWaits(to io.Writer) {
	const pace = 200 * time.Millisecond
	clear := ""
	if terminal(to) {
		clear = "\r\x1b[K" // there may be a line that tells of progress
	}
	for at := range time.Tick(pace) {
		if what := wait.Long(at); what != "" {
			_, _ = fmt.Fprintf(to, "%sairlock: waiting for %s\n", clear, visible(what))
		}
	}
}
