//go:build !race

package main

import (
	"io"
	"os"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/creack/pty"
)

// TestAFormGivesTheTerminalBack: a form makes the terminal raw. However it
// ends, the shell after it finds the terminal as it was.
func TestAFormGivesTheTerminalBack(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(p *os.Process, keys io.Writer) error
		code int
	}{
		"Ctrl-C":  {func(_ *os.Process, keys io.Writer) error { _, err := keys.Write([]byte{3}); return err }, 130},
		"SIGINT":  {func(p *os.Process, _ io.Writer) error { return p.Signal(syscall.SIGINT) }, 130},
		"SIGTERM": {func(p *os.Process, _ io.Writer) error { return p.Signal(syscall.SIGTERM) }, 143},
		"two signals": {func(p *os.Process, _ io.Writer) error {
			_ = p.Signal(syscall.SIGTERM)
			_ = p.Signal(syscall.SIGTERM) // it may have ended
			return nil
		}, 143},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			master, slave, err := pty.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer slave.Close()
			defer master.Close()
			state := func() *term.State {
				s, err := term.GetState(slave.Fd())
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			before := state()
			p := newPlace(t)
			c := p.command(t, "init", "vault")
			c.Env = append(c.Env, "TERM=xterm")
			c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = io.Copy(io.Discard, master) }()
			for until := time.Now().Add(30 * time.Second); reflect.DeepEqual(state(), before); time.Sleep(time.Millisecond) {
				if time.Now().After(until) {
					t.Fatal("no form appears")
				}
			}
			if err := tt.end(c.Process, master); err != nil {
				t.Error(err)
			}
			_ = c.Wait()
			if code := c.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("%v, want exit code %d", c.ProcessState, tt.code)
			}
			if !reflect.DeepEqual(state(), before) {
				t.Error("the terminal is left raw")
			}
		})
	}
}
