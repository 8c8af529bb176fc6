package program

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/airlock-secrets/airlock/internal/wait"
)

// MostOutput is how many bytes a program may print where Command does not say.
const MostOutput = 1 << 20

// Command is one program to run.
type Command struct {
	// Word is whose word it is that the program is run, with these arguments.
	// It must be set: the zero value is refused.
	Word Word
	// What is the program's part, for errors: "the credential_process".
	What string
	// Args are the program and its arguments. A program without a slash is
	// looked for in PATH of Environ.
	Args []string
	// Environ is the program's whole environment; nil is an empty one.
	Environ []string
	// Dir is where it runs.
	Dir string
	// In is what it reads; nil: nothing.
	In io.Reader
	// Limit is how many bytes it may print; 0: MostOutput.
	Limit int
	// Timeout is how long it may take; 0: as long as the context.
	Timeout time.Duration
}

// ExitError is a program that ended with a failure. It prints without what
// the program printed.
type ExitError struct {
	// Code is the exit code, or minus the signal that ended it.
	Code int
	// Out and Err are the starts of what it printed, which may hold secrets.
	Out, Err []byte
}

// Error says the exit code only.
func (e *ExitError) Error() string { return fmt.Sprintf("its exit code is %d", e.Code) }

// Format implements fmt.Formatter so that no verb prints the output.
func (e *ExitError) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, e.Error()) }

// ErrNotFound is that no folder of PATH has the program.
var ErrNotFound = errors.New("the program is not found in PATH")

// ErrTooLong is that the program printed more than its limit.
var ErrTooLong = errors.New("the program printed too much")

// Allowed is the error with which the command is refused, a *store.Error of
// code Denied around a [NotRunError]; nil where the word is the user's.
func (c Command) Allowed() error {
	if c.Word.User {
		return nil
	}
	return c.Word.refused(cmp.Or(c.What, "a program"))
}

// Output runs the program to its end and returns what it wrote to standard
// output. Errors: that of Allowed, ErrNotFound, ErrTooLong, an *ExitError, the
// context's, or why the program could not be started. One that takes too long is
// context.Canceled.
func (c Command) Output(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.Timeout > 0 {
		defer time.AfterFunc(c.Timeout, cancel).Stop()
	}
	cmd, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	out := &limited{most: cmp.Or(c.Limit, MostOutput), over: cancel}
	errs := &limited{most: MostOutput}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.In, out, errs
	done := wait.For("the program " + c.Args[0])
	err = cmd.Run()
	done()
	var exit *exec.ExitError
	switch {
	case out.full:
		return nil, ErrTooLong
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &exit):
		return nil, &ExitError{Code: codeOf(exit.ProcessState), Out: out.kept.Bytes(), Err: errs.kept.Bytes()}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay): // a child that keeps the pipe does not matter
		return nil, reason(err)
	}
	return out.kept.Bytes(), nil
}

// Process is a program that runs beside airlock.
type Process struct {
	// In is what the program reads, Out what it prints, without a bound.
	In  io.WriteCloser
	Out io.Reader
	cmd *exec.Cmd
}

// Start starts a program that is talked to. It ends with the context; Wait is
// to be called once Out has been read. Errors are those of Output.
func (c Command) Start(ctx context.Context) (*Process, error) {
	cmd, err := c.prepare(ctx)
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd}
	if p.In, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.Out, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, reason(err)
	}
	return p, nil
}

// Wait waits for the end of the program.
func (p *Process) Wait() error { return p.cmd.Wait() }

// prepare is the one place where it is decided whether a program runs.
func (c Command) prepare(ctx context.Context) (*exec.Cmd, error) {
	if err := c.Allowed(); err != nil {
		return nil, err
	}
	if len(c.Args) == 0 || c.Args[0] == "" {
		return nil, ErrNotFound
	}
	path, err := Find(c.Args[0], c.Environ)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args, cmd.Dir = c.Args, c.Dir
	cmd.Env = append([]string{}, c.Environ...) // nil would hand over our own
	cmd.WaitDelay = time.Second                // a child that keeps the pipe open does not keep us
	// A session of its own is a group that can be ended whole, and has no
	// terminal that it could read from.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
	return cmd, nil
}

// reason takes the path and its arguments off an error.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// codeOf is what Python calls a process's return code: minus the signal for
// one that was killed.
func codeOf(p *os.ProcessState) int {
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return -int(w.Signal())
	}
	return p.ExitCode()
}

// limited keeps the start of what is written to it and drops the rest. It is
// no bytes.Buffer itself, whose ReadFrom would pass the limit by.
type limited struct {
	kept bytes.Buffer
	most int
	full bool
	over func() // called when there is more; may be nil
}

// Write never fails.
func (l *limited) Write(p []byte) (int, error) {
	room := l.most - l.kept.Len()
	if len(p) > room && !l.full {
		l.full = true
		if l.over != nil {
			l.over()
		}
	}
	l.kept.Write(p[:min(len(p), room)])
	return len(p), nil
}
