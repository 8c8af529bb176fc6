package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/config"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// target is where writes go: the source that write_to of airlock.yaml names;
// without that file the backend that is configured, or the embedded store where
// none is.
type target struct {
	airlock.Source
	// above are the sources that are asked before it.
	above []airlock.Source
}

// withTarget opens the target for do and closes it, and what is above it.
func (a *app) withTarget(ctx context.Context, create bool, do func(target) error) error {
	t, err := a.target(ctx, create)
	if err == nil {
		err = do(t)
	}
	r := airlock.Resolver{Sources: append(t.above, t.Source)}
	return errors.Join(err, r.Close())
}

func (a *app) target(ctx context.Context, create bool) (target, error) {
	f, err := a.configured(ctx)
	if err != nil {
		return target{}, err
	}
	configured, err := a.hasBackend(ctx, f)
	if err != nil {
		return target{}, err
	}
	if !configured {
		own, err := a.embeddedTarget(ctx, create)
		return target{Source: own}, err
	}
	sources, err := a.backends(ctx)
	if err != nil {
		return target{}, err
	}
	if !hasSources(f) {
		return choose(sources, 0)
	}
	if i := f.Index(f.WriteTo); i >= 0 {
		return choose(sources, i)
	}
	own, err := a.embeddedTarget(ctx, create)
	return target{own, sources}, err
}

// choose makes source i the target and closes those below it.
func choose(sources []airlock.Source, i int) (target, error) {
	below := airlock.Resolver{Sources: sources[i+1:]}
	t := target{sources[i], sources[:i:i]}
	return t, errors.Join(t.Err, below.Close())
}

// hasBackend reports whether there is a backend besides the embedded store.
func (a *app) hasBackend(ctx context.Context, f *config.File) (bool, error) {
	if a.noBackend {
		return false, nil
	}
	if hasSources(f) {
		return len(f.Sources) > 0, nil
	}
	s, err := a.load(ctx)
	if err != nil {
		return false, err
	}
	reading, err := a.reading()
	if err != nil {
		return false, err
	}
	b, err := s.Backend(ctx, reading)
	if err != nil {
		return false, fmt.Errorf("reading the settings: %w", err)
	}
	return b != nil && b.Class != "", nil
}

func (a *app) embeddedTarget(ctx context.Context, create bool) (airlock.Source, error) {
	s, err := a.openEmbedded(ctx, sqlstore.DefaultNamespace, create)
	if errors.Is(err, store.ErrNotFound) {
		err = noBackend()
	}
	if err != nil {
		return airlock.Source{}, err
	}
	return airlock.Source{Layer: airlock.LayerBackend, Class: airlock.ClassEmbedded, Store: s, Dialect: dialect.Native{}}, nil
}

// hidden refuses a write that nobody would see, because a source above the
// target has the name already. A source that cannot say is taken to have it.
func (t *target) hidden(ctx context.Context, ref airflow.Ref) error {
	if len(t.above) == 0 {
		return nil
	}
	r := airlock.Resolver{Sources: t.above, Proof: true}
	res, err := r.Lookup(ctx, ref, &airlock.LookupOptions{Serialized: true})
	var none *airlock.NotFoundError
	switch {
	case errors.As(err, &none):
		return nil
	case err != nil:
		return fmt.Errorf("it cannot be ruled out that a source above hides the change: %w", err)
	}
	by := res.Attempts[res.Winner]
	return &store.Error{Op: "write", Name: ref.ID, Code: store.Conflict,
		Err:  fmt.Errorf("%s, %s, has it and would hide the change", airlock.ShortClass(by.Source), by.Setting),
		Hint: "change it there, or name that source in write_to of " + config.FileName}
}
