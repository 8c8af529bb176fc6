package servertest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Process is a server that runs until the test ends.
type Process struct {
	name string
	cmd  *exec.Cmd
	end  os.Signal
	out  bytes.Buffer
}

// Run starts cmd, whose output it keeps. When the test ends, so does the
// process: by the signal end, or by force 20 seconds later. name is what
// messages call the server: "PostgreSQL".
func Run(t testing.TB, name string, cmd *exec.Cmd, end os.Signal) *Process {
	t.Helper()
	p := &Process{name: name, cmd: cmd, end: end}
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	return p
}

func (p *Process) stop() {
	_ = p.cmd.Process.Signal(p.end)
	stopped := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	stopped.Stop()
}

// Pause stops the process as a machine that hangs does: its connections stay
// and nothing is answered, until resume is called or the test ends.
func (p *Process) Pause(t testing.TB) (resume func()) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume = func() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }
	t.Cleanup(resume)
	return resume
}

// Ready asks until the server serves, which is when ask gives no error. It
// fails the test, with what the server said, where that is not within the
// limit.
func (p *Process) Ready(t testing.TB, limit time.Duration, ask func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			p.stop()
			t.Fatalf("%s did not become ready: %v; it said:\n%s", p.name, err, p.out.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}
