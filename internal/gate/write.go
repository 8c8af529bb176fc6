package gate

import (
	"context"
	"fmt"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/store"
)

// Old is what a write finds in the own store.
type Old struct {
	// Record is nil where nothing is kept under the name.
	Record *store.Record
	read   func() (*store.Secret, error)
}

// Secret reads the latest version; NotFound where there is none to read.
func (o *Old) Secret() (*store.Secret, error) { return o.read() }

// Latest is the number of the latest version, readable or not; 0 for none.
func (o *Old) Latest() int64 {
	if o.Record == nil {
		return 0
	}
	return o.Record.Latest
}

// Change decides what is written, knowing what is there. Its error is what
// Write returns.
type Change func(old *Old) (*store.Secret, *store.PutOptions, error)

// Write makes a new version of what n stands for and returns it without its
// payload. As with every change the line of its intent is on the disk before
// the own store is touched. Where the line of the outcome fails the answer is
// that failure, though the version is there: see audit.Made.
func (g *Gate) Write(ctx context.Context, c *Caller, n Name, change Change) (*store.Secret, error) {
	var written *store.Secret
	err := g.mutate(ctx, c, acl.Write, "write", "written", n, func(name string, intend func() error) error {
		old, err := g.old(ctx, name)
		if err != nil {
			return err
		}
		s, o, err := change(old)
		if err == nil {
			err = intend()
		}
		if err != nil {
			return err
		}
		written, err = store.Put(ctx, g.cfg.Own, name, s, o)
		if written != nil && old.Record != nil && written.Attributes == nil {
			written.Attributes = old.Record.Attributes
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return written, nil
}

func (g *Gate) old(ctx context.Context, name string) (*Old, error) {
	r, err := g.record(ctx, name)
	if err != nil && !store.Absent(err) {
		return nil, err
	}
	return &Old{Record: r, read: func() (*store.Secret, error) { return g.cfg.Own.Get(ctx, name) }}, nil
}

// Delete removes what n stands for with all its versions, for good.
func (g *Gate) Delete(ctx context.Context, c *Caller, n Name) error {
	return g.mutate(ctx, c, acl.Delete, "delete", "deleted", n, func(name string, intend func() error) error {
		if err := intend(); err != nil {
			return err
		}
		return store.Delete(ctx, g.cfg.Own, name)
	})
}

// Hide makes versions unreadable until Restore by the same protocol; none
// means the latest.
func (g *Gate) Hide(ctx context.Context, c *Caller, n Name, versions ...int64) error {
	return g.versions(ctx, c, acl.Delete, "hide", "hidden", n, func(v store.Versioner, name string) error {
		return v.Hide(ctx, name, c.Protocol, versions...)
	})
}

// Restore makes versions readable that the same protocol has hidden.
func (g *Gate) Restore(ctx context.Context, c *Caller, n Name, versions ...int64) error {
	return g.versions(ctx, c, acl.Write, "restore", "restored", n, func(v store.Versioner, name string) error {
		return v.Restore(ctx, name, c.Protocol, versions...)
	})
}

// Destroy erases the payload of versions for good.
func (g *Gate) Destroy(ctx context.Context, c *Caller, n Name, versions ...int64) error {
	return g.versions(ctx, c, acl.Delete, "destroy", "destroyed", n, func(v store.Versioner, name string) error {
		return v.Destroy(ctx, name, versions...)
	})
}

// Annotate replaces the attributes of the caller's protocol by what change
// makes of those that are there. A nil record means that nothing is there yet;
// change may refuse then, else a record without any version is made.
func (g *Gate) Annotate(ctx context.Context, c *Caller, n Name,
	change func(*store.Record) (map[string]string, error)) error {
	return g.mutate(ctx, c, acl.Write, "annotate", "annotated", n, func(name string, intend func() error) error {
		v, err := store.Versions(g.cfg.Own)
		if err != nil {
			return err
		}
		defer g.lock(name)()
		old, err := g.old(ctx, name)
		if err != nil {
			return err
		}
		attributes, err := change(old.Record)
		if err == nil {
			err = intend()
		}
		if err != nil {
			return err
		}
		return v.SetAttributes(ctx, name, c.Protocol, attributes)
	})
}

func (g *Gate) versions(ctx context.Context, c *Caller, action acl.Action, verb, done string, n Name,
	do func(store.Versioner, string) error) error {
	return g.mutate(ctx, c, action, verb, done, n, func(name string, intend func() error) error {
		v, err := store.Versions(g.cfg.Own)
		if err == nil {
			err = intend()
		}
		if err != nil {
			return err
		}
		return do(v, name)
	})
}

// mutate authorises, finds the name to change in the own store, changes it
// and writes the line. do calls intend once it knows that it will touch the
// store, and touches it only where intend succeeds.
func (g *Gate) mutate(ctx context.Context, c *Caller, action acl.Action, verb, done string, n Name,
	do func(name string, intend func() error) error) error {
	p, err := g.enter(c, action, &n)
	p.entry.Action = verb
	if err == nil {
		var name string
		if name, err = g.target(ctx, p, n); err == nil {
			err = do(name, p.intend)
		}
	}
	return p.leave(done, err)
}

// target is the name in the own store that a change of n is about.
func (g *Gate) target(ctx context.Context, p *pass, n Name) (string, error) {
	if g.cfg.Own == nil {
		return "", &store.Error{Op: "write", Code: store.Unsupported,
			Err:  fmt.Errorf("nothing can be written in this deployment"),
			Hint: "add the embedded store to it, or write to its store directly"}
	}
	if len(n.Refs) == 0 {
		p.from(-1)
		return n.Plain, nil
	}
	if g.own < 0 {
		return "", &store.Error{Op: "write", Name: n.Refs[0].ID, Code: store.Unsupported,
			Err:  fmt.Errorf("the store that is written is not among the sources of this deployment, so nobody would see it"),
			Hint: "add the embedded store to its sources"}
	}
	ref, err := g.choose(ctx, n.Refs)
	if err != nil {
		return "", err
	}
	p.aboutRef(ref)
	p.from(g.own)
	if err := g.hiddenBy(ctx, ref); err != nil {
		return "", err
	}
	return g.ownName(ref)
}

// choose picks the candidate that the own store has, the first where it has
// none.
func (g *Gate) choose(ctx context.Context, refs []airflow.Ref) (airflow.Ref, error) {
	chosen := -1
	for i, ref := range refs {
		if len(refs) == 1 {
			break
		}
		name, err := g.ownName(ref)
		if err != nil {
			return ref, err
		}
		_, err = g.record(ctx, name)
		switch {
		case store.Absent(err):
		case err != nil:
			return ref, err
		case chosen >= 0:
			return ref, &store.Error{Op: "write", Name: ref.ID, Code: store.Conflict,
				Err:  fmt.Errorf("the name stands for %s and for %s", clip(refs[chosen]), clip(ref)),
				Hint: "remove or rename one of them"}
		default:
			chosen = i
		}
	}
	return refs[max(chosen, 0)], nil
}

// hiddenBy refuses a change that nobody would see, because a source above the
// own store has a value for ref. A source that cannot say is taken to have
// one.
func (g *Gate) hiddenBy(ctx context.Context, ref airflow.Ref) error {
	if g.own <= 0 {
		return nil
	}
	above := *g.cfg.Resolver
	above.Sources = g.sources[:g.own]
	h, err := g.resolve(ctx, &above, ref)
	if err != nil || h == nil || h.unread != nil {
		return err
	}
	s := &g.sources[h.source]
	return &store.Error{Op: "write", Name: ref.ID, Code: store.Conflict,
		Err:  fmt.Errorf("the %s %s has it and would hide the change", s.Layer, s.Class),
		Hint: "change it there, or take it away there"}
}
