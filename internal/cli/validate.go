package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/internal/config"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

func (a *app) configValidate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate",
		Short: "Check airlock.yaml and the backends it names, without asking any",
		Long: `Check airlock.yaml, or the backend that Airflow's own settings name where there is
no such file: every backend is constructed, none is asked. What is understood is
printed without the values of any kwarg.

Every problem is told, with file, line and column, and the exit code is 1.`,
		Example: `  airlock config validate
  airlock config validate --config /etc/airlock/airlock.yaml`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return a.validate(c.Context()) },
	}
}

func (a *app) validate(ctx context.Context) error {
	f, err := a.readFile(ctx)
	var bad config.Problems
	if err != nil && !errors.As(err, &bad) {
		return err
	}
	v := &validation{app: a, file: f, problems: bad}
	if err := v.run(ctx); err != nil {
		return err
	}
	return v.end()
}

// validation is one run of `config validate`.
type validation struct {
	*app
	file     *config.File
	problems config.Problems
}

func (v *validation) run(ctx context.Context) error {
	s, err := v.load(ctx)
	if err != nil {
		return err
	}
	if v.file != nil {
		for _, warning := range v.file.Warnings {
			v.say("airlock: %s", warning)
		}
		v.adopt(v.file)
	}
	if hasSources(v.file) {
		err = v.sources(ctx, s)
	} else {
		err = v.ofAirflow(ctx, s)
	}
	if err != nil {
		return err
	}
	v.rest()
	return nil
}

// sources constructs the backends that the file names.
func (v *validation) sources(ctx context.Context, s *settings.Settings) error {
	var (
		good []settings.Backend
		at   []int
	)
	for i := range v.file.Sources {
		if v.file.Sources[i].Valid() {
			good, at = append(good, v.backendOf(v.file, i)), append(at, i)
		}
	}
	if good == nil {
		good = []settings.Backend{}
	}
	r, err := v.construct(ctx, s, good)
	if err != nil {
		return err
	}
	v.println(fmt.Sprintf("%s: the backends, in the order in which they are asked:", v.file.Path))
	for n, i := range at {
		src := &r.Sources[n]
		if err := setUp(src); err != nil {
			v.problems = append(v.problems, v.file.ProblemOf(i, err))
		}
		v.source(v.file.Label(i), src, v.file.Sources[i].Kwargs.Object().Keys())
	}
	v.embedded()
	v.unused(ctx, s)
	return r.Close()
}

// unused says which setting of Airflow the file takes the place of.
func (v *validation) unused(ctx context.Context, s *settings.Settings) {
	reading, err := v.reading()
	if err != nil {
		return
	}
	if b, err := s.Backend(ctx, reading); err == nil && b != nil {
		v.println(fmt.Sprintf("not used: %s in %s, for %s names the backends", b.ClassOrigin.Name, b.ClassOrigin, v.file.Path))
	}
}

// ofAirflow constructs the backend that Airflow's own settings name.
func (v *validation) ofAirflow(ctx context.Context, s *settings.Settings) error {
	reading, err := v.reading()
	if err != nil {
		return err
	}
	b, err := s.Backend(ctx, reading)
	if err != nil {
		return fmt.Errorf("reading the settings: %w", err)
	}
	if b == nil {
		v.println("no secrets backend is configured:")
		v.embedded()
		return nil
	}
	r, err := v.construct(ctx, s, nil)
	if err != nil {
		return err
	}
	v.println("the secrets backend of Airflow's own settings:")
	src := &r.Sources[0]
	if err := setUp(src); err != nil {
		v.problems = append(v.problems, &config.Problem{File: src.Setting, Text: err.Error(), Hint: store.Hint(err)})
	}
	v.source(b.ClassOrigin.Name, src, b.Kwargs.Keys())
	return r.Close()
}

// construct builds the layers without asking any of them.
func (v *validation) construct(ctx context.Context, s *settings.Settings, given []settings.Backend) (*airlock.Resolver, error) {
	reading, err := v.reading()
	if err != nil {
		return nil, err
	}
	return airlock.FromEnvironment(ctx, &airlock.EnvironmentOptions{Settings: s, Environ: v.Environ, Reading: reading,
		Exact: v.exact, NoMetadata: true, Sources: given, Trust: &everything{}})
}

// setUp says why a backend cannot be used as it is configured. Some of Airflow's
// classes make their client at the first look-up only, and fail then.
func setUp(src *airlock.Source) error {
	if s, ok := src.Store.(interface{ Broken() error }); ok && src.Err == nil {
		return s.Broken()
	}
	return src.Err
}

// source prints a backend: what it is, never a value of its kwargs.
func (v *validation) source(label string, src *airlock.Source, kwargs []string) {
	v.println(visible(fmt.Sprintf("  %s: %s", label, src.Class)))
	for _, line := range [][2]string{
		{"set in", src.Setting}, {"store", store.Label(src.Store)}, {"kwargs", excerpt.Words(kwargs, stores.Kwargs())},
	} {
		if line[1] != "" {
			v.println(visible("    " + line[0] + ": " + line[1]))
		}
	}
	for _, note := range src.Notes {
		v.println(visible("    note: " + strings.ReplaceAll(note, "\n", " ")))
	}
}

// embedded prints the store that is asked last.
func (v *validation) embedded() {
	dir := v.dataFolder().path
	state := ", which is not made yet"
	if sqlstore.Exists(dir) {
		state = ""
	}
	v.println(visible(fmt.Sprintf("  %s: airlock's own store in %s%s", config.Embedded, dir, state)))
}

// rest prints what else the file says.
func (v *validation) rest() {
	f := v.file
	if f == nil {
		return
	}
	if hasSources(f) {
		writes := f.WriteTo
		if writes == "" {
			writes = config.Embedded
		}
		v.println("commands write to: " + writes)
	}
	v.println("context: " + v.context)
	listen := f.Serve.Listen
	if listen == "" {
		listen = server.DefaultListen
	}
	v.println(visible("serve listens on: " + listen))
}

// end tells every problem.
func (v *validation) end() error {
	if len(v.problems) == 0 {
		return nil
	}
	v.out.Reset()
	v.problems.Sort()
	for _, p := range v.problems {
		v.fail(p)
	}
	what := "1 problem"
	if n := len(v.problems); n > 1 {
		what = fmt.Sprintf("%d problems", n)
	}
	v.say("airlock: %s", what)
	return shown(errors.New(what))
}
