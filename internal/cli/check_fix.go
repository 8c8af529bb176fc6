package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/project"
)

// mostFixes is how often fixes may lay bare further fixes.
const mostFixes = 10

// mend makes the safe fixes, asking before each round of them, and returns
// what is left.
func (r *checking) mend(ctx context.Context, found []check.Finding, p *project.Project) ([]check.Finding, *project.Project, error) {
	for range mostFixes {
		changes := check.Changes(found)
		if len(changes) == 0 {
			break
		}
		if err := r.show(changes); err != nil {
			return nil, nil, err
		}
		agreed, err := r.agreed(ctx, changes)
		if err != nil {
			return nil, nil, err
		}
		if !agreed {
			break
		}
		for _, c := range changes {
			if err := c.Write(p.Dir); err != nil {
				return nil, nil, err
			}
		}
		r.say("airlock: fixed %s", fixes(changes))
		if found, p, err = r.find(ctx); err != nil {
			return nil, nil, err
		}
	}
	return found, p, nil
}

// show prints what would change, and why.
func (r *checking) show(changes []*check.Change) error {
	colours := r.paint(r.Stderr)
	for _, c := range changes {
		diff, err := c.Diff()
		if err != nil {
			return err
		}
		for _, f := range c.Findings {
			r.bar.clear()
			_, _ = fmt.Fprintf(r.Stderr, "%s: %s\n", heading(colours, f), visible(f.Message))
		}
		_, _ = fmt.Fprint(r.Stderr, colours.diff(visible(diff)))
	}
	return nil
}

// fixes is "3 findings in 2 files".
func fixes(changes []*check.Change) string {
	n := 0
	for _, c := range changes {
		n += len(c.Findings)
	}
	return counted(n, "finding") + " in " + counted(len(changes), "file")
}

// agreed asks whether to go on. Where nobody can be asked, nothing is changed.
func (r *checking) agreed(ctx context.Context, changes []*check.Change) (bool, error) {
	if r.yes {
		return true, nil
	}
	if !r.interactive() {
		r.say("airlock: nothing was changed, for nobody can be asked")
		r.say("hint: to fix %s without a question: --fix --yes", fixes(changes))
		return false, nil
	}
	yes, err := r.app.yes(ctx, "fix "+fixes(changes)+"?")
	if err == nil && !yes {
		r.say("airlock: nothing was changed")
	}
	return yes, err
}

// lineOf reads one line, or fails when ctx ends first: reading from a terminal
// cannot be interrupted.
func lineOf(ctx context.Context, from io.Reader) (string, error) {
	type read struct {
		line string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(from, 1<<10)).ReadString('\n')
		if err == io.EOF {
			err = nil
		}
		got <- read{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-got:
		return r.line, r.err
	}
}
