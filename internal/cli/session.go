package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/audit"
	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/internal/journal"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/trust"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// load reads the settings of the folder, once.
func (a *app) load(ctx context.Context) (*settings.Settings, error) {
	if a.settings != nil {
		return a.settings, nil
	}
	s, err := settings.Load(ctx, settings.Options{Dir: a.Dir, Environ: a.Environ})
	if err != nil {
		return nil, fmt.Errorf("reading the settings: %w", err)
	}
	for _, note := range s.Notes() {
		a.say("airlock: %s", note)
	}
	a.settings = s
	return s, nil
}

// resolver builds the layers that Airflow has here, and tells the person what
// is odd about the backend's configuration.
func (a *app) resolver(ctx context.Context) (*airlock.Resolver, error) { return a.layers(ctx, false) }

// layers is resolver; offline, nothing is asked while it is built.
func (a *app) layers(ctx context.Context, offline bool) (*airlock.Resolver, error) {
	f, err := a.configured(ctx)
	if err != nil {
		return nil, err
	}
	reading, err := a.reading()
	if err != nil {
		return nil, err
	}
	s, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	sources := a.backendsOf(f)
	if a.noBackend {
		sources = []settings.Backend{}
	}
	if a.trust == nil {
		a.trust = &trusted{app: a, now: map[trust.Entry]bool{}}
	}
	r, err := airlock.FromEnvironment(ctx, &airlock.EnvironmentOptions{
		Settings: s, Trust: a.trust, Environ: a.Environ, Reading: reading, Exact: a.exact, Sources: sources, Offline: offline,
		Embedded: func(ctx context.Context) (store.Store, error) {
			if !sqlstore.Exists(a.dataFolder().path) {
				return nil, nil
			}
			return a.openEmbedded(ctx, sqlstore.DefaultNamespace, false)
		},
	})
	if err != nil {
		return nil, err
	}
	for _, src := range r.Sources {
		if src.Layer != airlock.LayerBackend {
			continue
		}
		for _, note := range src.Notes {
			a.say("airlock: %s", note)
		}
	}
	return r, nil
}

// openEmbedded opens a namespace of the embedded store: through the daemon
// that serves the folder, or else directly, with the audit log of its changes.
func (a *app) openEmbedded(ctx context.Context, namespace string, create bool) (store.Store, error) {
	if _, err := a.configured(ctx); err != nil {
		return nil, err
	}
	f, c, err := a.admit(ctx)
	if err == nil {
		return c.Namespace(namespace), nil
	}
	if !errors.Is(err, control.ErrNoDaemon) {
		return nil, err
	}
	existed := sqlstore.Exists(f.path)
	s, err := sqlstore.OpenStore(ctx, sqlstore.Options{Dir: f.path, Namespace: namespace, MustExist: !create, Made: a.made(&f)})
	if err != nil {
		return nil, err
	}
	if !existed {
		a.say("airlock: made the embedded store in %s", f.path)
	}
	a.adoptFolder(&f)
	return journal.New(s, journal.Options{Changes: audit.ForCommand(filepath.Join(f.path, audit.FileName)),
		Principal: journal.Owner, Protocol: "cli", Clients: namespace == sqlstore.SystemNamespace}), nil
}

// lookup resolves one reference and closes what it opened. The result is nil
// only where the settings cannot be read.
func (a *app) lookup(ctx context.Context, ref airflow.Ref, o *airlock.LookupOptions) (*airlock.Result, error) {
	r, err := a.resolver(ctx)
	if err != nil {
		return nil, err
	}
	res, err := r.Lookup(ctx, ref, o)
	if nothingConfigured(r) && errors.Is(err, store.ErrNotFound) {
		err = noBackend()
	}
	return res, errors.Join(err, r.Close())
}

// nothingConfigured reports whether a resolver has no layer that could hold
// anything but variables of the environment.
func nothingConfigured(r *airlock.Resolver) bool {
	for _, src := range r.Sources {
		if src.Layer != airlock.LayerEnvironment && src.Skip == "" {
			return false
		}
	}
	return true
}

func noBackend() error {
	return usageError{msg: "no secrets backend is configured here, and there is no embedded store",
		hint: "set AIRFLOW__SECRETS__BACKEND and AIRFLOW__SECRETS__BACKEND_KWARGS, in the environment or in .env,\n" +
			"or make an embedded store with the first: airlock variables set KEY VALUE"}
}

// backends are the sources of the secrets backend that is configured, without
// the layers that Airflow asks itself; none where none is configured.
func (a *app) backends(ctx context.Context) ([]airlock.Source, error) {
	r, err := a.resolver(ctx)
	if err != nil {
		return nil, err
	}
	var backends []airlock.Source
	for _, src := range r.Sources {
		if src.Layer == airlock.LayerBackend && src.Skip == "" && src.Class != airlock.ClassEmbedded {
			backends = append(backends, src)
		} else if src.Store != nil {
			err = errors.Join(err, src.Store.Close())
		}
	}
	return backends, err
}

// starts fails where Airflow itself would not start with these backends.
func (a *app) starts(ctx context.Context) error {
	r, err := a.resolver(ctx)
	if err != nil {
		return err
	}
	for _, src := range r.Sources {
		if src.Fatal {
			err = errors.Join(err, src.Err)
		}
	}
	return errors.Join(err, r.Close())
}

// option resolves one configuration option; its _SECRET form asks the
// backend.
func (a *app) option(ctx context.Context, section, key string) (string, error) {
	s, err := a.load(ctx)
	if err != nil {
		return "", err
	}
	if a.exact {
		if err := a.starts(ctx); err != nil {
			return "", err
		}
	}
	s = s.WithSecret(func(ctx context.Context, name string) (string, bool, error) {
		r, err := a.resolver(ctx)
		if err != nil {
			return "", false, err
		}
		value, ok, err := r.Config(ctx, name)
		return value, ok, errors.Join(err, r.Close())
	})
	o, err := s.Option(ctx, section, key)
	if err != nil {
		return "", err
	}
	if o.Note != "" {
		a.say("airlock: %s", strings.TrimSpace(o.Note))
	}
	return o.Value, nil
}
