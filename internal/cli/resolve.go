package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/render"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/store"
)

// mostAtOnce is how many look-ups run side by side.
const mostAtOnce = 8

// resolved is what came of one choice: an item, or an error. An option that
// nothing sets, or that stands in the settings as it is, gives neither.
type resolved struct {
	item *render.Item
	err  error
}

// collect resolves a selection with one resolver. What is nowhere is told, or
// with --strict an error that names all of it; what fails otherwise is always
// an error, for half of what was asked for is worse than nothing.
func (a *app) collect(ctx context.Context, s *selection) ([]render.Item, error) {
	r, err := a.resolver(ctx)
	if err != nil {
		return nil, err
	}
	items, err := a.collectFrom(ctx, r, s)
	return items, errors.Join(err, r.Close())
}

func (a *app) collectFrom(ctx context.Context, r *airlock.Resolver, s *selection) ([]render.Item, error) {
	choices, err := a.wanted(ctx, r, s)
	if err != nil {
		return nil, err
	}
	own, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	own = own.WithSecret(r.Config)
	answers := make([]resolved, len(choices))
	var done atomic.Int64
	work := a.progress("reading %d values", len(choices))
	defer work.done()
	var group errgroup.Group
	group.SetLimit(mostAtOnce)
	for i, c := range choices {
		group.Go(func() error {
			answers[i] = resolve(ctx, r, own, c)
			work.set("reading values: %d of %d", done.Add(1), len(choices))
			return nil
		})
	}
	_ = group.Wait()
	work.done()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return a.sift(r, s, choices, answers)
}

func resolve(ctx context.Context, r *airlock.Resolver, s *settings.Settings, c choice) resolved {
	if c.Kind == airflow.KindConfig {
		return resolveOption(ctx, s, c)
	}
	res, err := r.Lookup(ctx, c.Ref, nil)
	if err != nil {
		return resolved{err: err}
	}
	item := &render.Item{Name: airflow.VariableEnv(c.ID), Value: res.Value.Text(), Secret: true, Kind: c.Kind, ID: c.ID}
	if c.Kind == airflow.KindConnection {
		item.Name, item.Connection = airflow.ConnectionEnv(c.ID), res.Connection
		if item.Value, err = connectionValue(res); err != nil {
			return resolved{err: err}
		}
	}
	item.Remote = remoteOf(r, res, item)
	return resolved{item: item}
}

// connectionValue is the text that Airflow itself reads, where the source has
// one.
func connectionValue(res *airlock.Result) (string, error) {
	if text, ok := res.Value.Data.(string); ok && strings.TrimSpace(text) != "" {
		return strings.TrimSpace(text), nil
	}
	return render.ConnectionText(res.Connection)
}

// resolveOption resolves an option under the name that Airflow 3 has for it.
// An optional one is of interest only where its value stands elsewhere: behind
// a command, or in the secrets backend.
func resolveOption(ctx context.Context, s *settings.Settings, c choice) resolved {
	section, key, ok := strings.Cut(c.ID, ".")
	if i := strings.LastIndexByte(c.ID, '.'); ok {
		section, key = c.ID[:i], c.ID[i+1:]
	}
	if !ok || section == "" || key == "" {
		return resolved{err: usageError{msg: fmt.Sprintf("%q is no option: want section.key", excerpt.Name(c.ID))}}
	}
	o, err := s.Option(ctx, section, key)
	elsewhere := o.Origin.Via == settings.Command || o.Origin.Via == settings.Secret
	switch {
	case err != nil && c.optional && store.CodeOf(err) == store.NotFound, err == nil && c.optional && !elsewhere:
		return resolved{}
	case err != nil:
		return resolved{err: err}
	}
	return resolved{item: &render.Item{Name: airflow.OptionEnv(o.Section, o.Key), Value: o.Value,
		Secret: airflow.SensitiveOption(o.Section, o.Key), Kind: airflow.KindConfig, ID: o.Section + "." + o.Key}}
}

// remoteOf says where the backend keeps what was found; nil where it was not
// the first backend that answered, or where it keeps another text than Airflow
// would read in an environment variable.
func remoteOf(r *airlock.Resolver, res *airlock.Result, item *render.Item) *render.Remote {
	i := res.Winner
	if i != 0 || len(r.Sources) == 0 || r.Sources[i].Layer != airlock.LayerBackend || res.Secret == nil {
		return nil
	}
	names, asked := r.Sources[i].Dialect.Names(res.Ref).Names, len(res.Attempts[i].Names)
	if asked == 0 || asked > len(names) {
		return nil
	}
	remote := &render.Remote{Key: names[asked-1]}
	switch {
	case res.Secret.Form != store.Object:
		if strings.TrimSpace(string(res.Secret.Payload)) != strings.TrimSpace(item.Value) {
			return nil
		}
	case item.Kind == airflow.KindVariable:
		remote.Property = "value"
	case !strings.HasPrefix(item.Value, "{"):
		remote.Property = "conn_uri"
	}
	return remote
}

// sift separates what was found from what was not. Of two ids with one name
// in an environment the one that was asked for comes before one that is
// optional.
func (a *app) sift(r *airlock.Resolver, s *selection, choices []choice, answers []resolved) ([]render.Item, error) {
	var (
		items   []render.Item
		missing []string
		fatal   []error
		taken   = map[string]string{}
	)
	for _, optional := range []bool{false, true} {
		for i, got := range answers {
			c := choices[i]
			switch {
			case c.optional != optional:
			case got.item != nil:
				if a.nameable(got.item, taken, optional) {
					items = append(items, *got.item)
				}
			case got.err == nil, c.optional && nowhere(got.err):
			case nowhere(got.err):
				missing = append(missing, called(c.Ref))
			case c.optional && c.Kind == airflow.KindConfig:
				a.say("airlock: the option %s is left out: %v", excerpt.Name(c.ID), got.err)
			default:
				fatal = append(fatal, got.err)
			}
		}
	}
	if len(fatal) > 0 {
		return nil, severe(fatal)
	}
	if err := a.tellMissing(r, s, missing); err != nil {
		return nil, err
	}
	return items, nil
}

// nowhere reports whether err says that every layer was asked and none has it.
func nowhere(err error) bool {
	return errors.As(err, new(*airlock.NotFoundError)) || store.CodeOf(err) == store.NotFound && !errors.As(err, new(usageError)) &&
		!errors.As(err, new(*airlock.LookupError))
}

func (a *app) tellMissing(r *airlock.Resolver, s *selection, missing []string) error {
	switch {
	case len(missing) == 0:
		return nil
	case nothingConfigured(r):
		return noBackend()
	case s.strict:
		return &store.Error{Op: "look up", Code: store.NotFound, Err: fmt.Errorf("no layer has %s", strings.Join(missing, ", ")),
			Hint: "for the layers that were asked: airlock explain variable ID"}
	}
	for _, name := range missing {
		a.say("airlock: no layer has %s: it is left out", name)
	}
	return nil
}

// severe joins failures once each; the first decides the exit code.
func severe(all []error) error {
	seen := map[string]bool{}
	var list []error
	for _, err := range all {
		if text := err.Error(); !seen[text] {
			seen[text] = true
			list = append(list, err)
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return errors.Join(list...)
}

func called(r airflow.Ref) string {
	if r.Kind == airflow.KindConfig {
		return "option " + excerpt.Name(r.ID)
	}
	return r.String()
}

// shellSets is a name that a shell can set (XBD 8.1).
var shellSets = regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_]*\z`)

// nameable tells what is odd about the variable's name, and reports whether it
// can be used. Of two ids with one name the first counts: Airflow knows no
// other difference than that of their upper case.
func (a *app) nameable(i *render.Item, taken map[string]string, quiet bool) bool {
	if first, ok := taken[i.Name]; ok {
		if quiet {
			return false
		}
		a.say("airlock: %s and %s are both %s in an environment: the first is taken", excerpt.Name(first), excerpt.Name(cmp.Or(i.ID, i.Name)), excerpt.Name(i.Name))
		return false
	}
	taken[i.Name] = i.ID
	switch {
	case strings.ContainsAny(i.Name, "=\x00"):
		a.say("airlock: %s is left out: its id holds a character that no environment variable's name may have", excerpt.Name(i.ID))
		return false
	case !shellSets.MatchString(i.Name):
		a.say("airlock: %s is a name that shells cannot set, and some drop: Airflow reads it only where nothing in between does", excerpt.Name(i.Name))
	}
	return true
}
