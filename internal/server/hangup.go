package server

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// hangups are the SIGHUPs of this process. Where it has a controlling terminal
// the signal says that the terminal is gone, and ends the daemon as SIGTERM
// does. Without one, and where nohup has told the process to ignore it, it is
// what logrotate sends: the audit log is opened again.
type hangups struct {
	signals chan os.Signal
	end     bool
}

func watchHangups() *hangups {
	// Both have to be asked at the start: a terminal that is gone is no
	// controlling terminal any more, and Notify ends that a signal is ignored.
	h := &hangups{signals: make(chan os.Signal, 1), end: hasTerminal() && !signal.Ignored(syscall.SIGHUP)}
	signal.Notify(h.signals, syscall.SIGHUP)
	return h
}

func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDONLY|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err == nil {
		_ = f.Close()
	}
	return err == nil
}

func (h *hangups) stop() { signal.Stop(h.signals) }

// onHangups does what the signals say until ctx ends. It calls end where one
// ends the daemon.
func (d *daemon) onHangups(ctx context.Context, end func()) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.hangups.signals:
			if d.hangups.end {
				end()
				return nil
			}
			if err := d.audit.Reopen(); err != nil {
				d.c.Warn(err.Error())
			}
		}
	}
}
