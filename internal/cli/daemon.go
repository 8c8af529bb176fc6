package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// dialDaemon finds the daemon of a data folder. control.ErrNoDaemon means that
// the folder is free to be opened: one that is held by a daemon without a
// socket is refused, because that daemon would neither hear of a change nor
// stop to answer with what it remembers.
func dialDaemon(ctx context.Context, dir string) (*control.Client, error) {
	// A daemon that starts holds the folder before it listens, and one that
	// ends no longer listens while it finishes its requests.
	const tries, pause = 11, 100 * time.Millisecond
	for try := 1; ; try++ {
		c, err := control.Dial(ctx, dir)
		if !errors.Is(err, control.ErrNoDaemon) {
			return c, err
		}
		held := sqlstore.InUse(dir)
		if held == nil {
			return nil, err
		}
		if try == tries {
			return nil, unreachable(held)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func unreachable(held error) error {
	var holder *sqlstore.InUseError
	if !errors.As(held, &holder) {
		return held
	}
	who := "airlock serve"
	if holder.PID != 0 {
		who += fmt.Sprintf(" (process %d)", holder.PID)
	}
	return &store.Error{Op: "open", Store: "data folder " + holder.Dir, Code: store.Unavailable,
		Err: fmt.Errorf("%s holds it but its socket is gone", who), Hint: "restart it"}
}
