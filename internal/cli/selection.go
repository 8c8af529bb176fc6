package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/store"
)

// selection is which variables, connections and options a command is about.
type selection struct {
	variables, connections, options []string
	fromDAGs                        string
	all, strict                     bool
}

func (s *selection) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&s.variables, "variables", nil, "`ids` of variables, separated by commas")
	f.StringSliceVar(&s.connections, "connections", nil, "`ids` of connections, separated by commas")
	f.StringSliceVar(&s.options, "options", nil, "configuration options as `section.key`, separated by commas")
	f.StringVar(&s.fromDAGs, "from-dags", "", "the variables and connections that the DAGs in a `folder` ask for (--from-dags=FOLDER)")
	f.Lookup("from-dags").NoOptDefVal = "dags"
	f.BoolVar(&s.all, "all", false, "everything that the sources can list, and the options that are set by a command or a secret")
	f.BoolVar(&s.strict, "strict", false, "fail when something asked for is nowhere, instead of warning")
}

func (s *selection) empty() bool {
	return len(s.variables)+len(s.connections)+len(s.options) == 0 && s.fromDAGs == "" && !s.all
}

func nothingSelected() error {
	return usageError{msg: "nothing is asked for",
		hint: "name it with --variables, --connections or --options, or take what the DAGs ask for with --from-dags, or --all"}
}

// choice is one thing that is asked for. The ID of an option is "section.key".
type choice struct {
	airflow.Ref
	// optional says that its absence is worth no word, and that a failure is
	// worth no more than one.
	optional bool
}

// wanted gathers the choices, each once.
func (a *app) wanted(ctx context.Context, r *airlock.Resolver, s *selection) ([]choice, error) {
	var list []choice
	for kind, ids := range map[airflow.Kind][]string{airflow.KindVariable: s.variables,
		airflow.KindConnection: s.connections, airflow.KindConfig: s.options} {
		for _, id := range ids {
			if id == "" {
				return nil, usageError{msg: "an id that is asked for is empty"}
			}
			list = append(list, choice{Ref: airflow.Ref{Kind: kind, ID: id}})
		}
	}
	if s.fromDAGs != "" {
		some, err := a.askedByDAGs(ctx, s.fromDAGs)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	if s.all {
		some, err := a.everything(ctx, r)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return once(list), nil
}

// once sorts the choices and drops repetitions. One that is not optional
// counts.
func once(list []choice) []choice {
	order := func(k airflow.Kind) int {
		return slices.Index([]airflow.Kind{airflow.KindVariable, airflow.KindConnection, airflow.KindConfig}, k)
	}
	slices.SortStableFunc(list, func(x, y choice) int {
		return cmp.Or(cmp.Compare(order(x.Kind), order(y.Kind)), strings.Compare(x.ID, y.ID), compareBool(x.optional, y.optional))
	})
	return slices.CompactFunc(list, func(x, y choice) bool { return x.Ref == y.Ref })
}

func compareBool(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// askedByDAGs reads the DAGs of a folder. What has a default where it is
// asked for is optional.
func (a *app) askedByDAGs(ctx context.Context, folder string) ([]choice, error) {
	files, err := pythonFiles(a.dir(folder))
	if err != nil {
		return nil, usageError{msg: fmt.Sprintf("the DAGs of %s cannot be read: %v", folder, err), hint: "name their folder with --from-dags=FOLDER"}
	}
	work := a.progress("reading %d files of %s", len(files), folder)
	found, err := dagscan.Scan(ctx, dagscan.Options{Dir: a.dir(folder), Project: a.dir("."), Files: files, Environ: a.Environ})
	work.done()
	if err != nil {
		return nil, fmt.Errorf("reading the DAGs of %s: %w", folder, err)
	}
	if found.Skipped != "" {
		return nil, fmt.Errorf("the DAGs of %s were not read: %s", folder, found.Skipped)
	}
	var list []choice
	var made []dagscan.Place
	for _, use := range found.Uses {
		if use.ID == "" {
			made = append(made, use.Place)
			continue
		}
		list = append(list, choice{Ref: airflow.Ref{Kind: use.Kind, ID: use.ID}, optional: use.Default})
	}
	a.tellMade(made)
	for _, smell := range found.Smells {
		if smell.What == dagscan.SyntaxError || smell.What == dagscan.Unreadable || smell.What == dagscan.Unfinished {
			a.say("airlock: %s:%d is not read: %s", smell.Place.File, smell.Place.Line, smell.Text)
		}
	}
	return list, nil
}

// tellMade says where ids are put together that nobody can know beforehand.
func (a *app) tellMade(places []dagscan.Place) {
	if len(places) == 0 {
		return
	}
	more := ""
	if len(places) > 1 {
		more = fmt.Sprintf(" (and %d more do)", len(places)-1)
	}
	a.say("airlock: %s:%d makes an id while it runs%s: name it with --variables or --connections", places[0].File, places[0].Line, more)
}

// mostDAGs bounds the files of a folder.
const mostDAGs = 20000

func pythonFiles(dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "__pycache__"):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".py"):
			files = append(files, name)
		}
		if len(files) > mostDAGs {
			return fmt.Errorf("there are more than %d Python files", mostDAGs)
		}
		return nil
	})
	return files, err
}

// everything is what the sources can list, the first of them first, and the
// options that have a value elsewhere than in the settings.
func (a *app) everything(ctx context.Context, r *airlock.Resolver) ([]choice, error) {
	var list []choice
	for i := range r.Sources {
		src := &r.Sources[i]
		if src.Skip != "" {
			continue
		}
		some, err := a.everythingIn(ctx, src)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	options, err := airflow.Options()
	if err != nil {
		return nil, err
	}
	for _, o := range options {
		if o.Sensitive {
			list = append(list, choice{Ref: airflow.Ref{Kind: airflow.KindConfig, ID: o.Section + "." + o.Key}, optional: true})
		}
	}
	return list, nil
}

// everythingIn lists one source. A backend must answer; of the layers below,
// one that cannot is left out.
func (a *app) everythingIn(ctx context.Context, src *airlock.Source) ([]choice, error) {
	var list []choice
	for _, kind := range []airflow.Kind{airflow.KindVariable, airflow.KindConnection} {
		ids, err := idsIn(ctx, src, kind)
		switch {
		case err == nil:
		case src.Err == nil && store.CodeOf(err) == store.Unsupported:
			a.say("airlock: %s cannot be listed and is left out", cmp.Or(src.Setting, string(src.Layer)))
			return nil, nil
		case src.Layer != airlock.LayerBackend && !errors.Is(err, context.Canceled):
			a.say("airlock: the %s is not listed: %v", src.Layer, err)
			return nil, nil
		default:
			return nil, fmt.Errorf("listing %ss: %w", kind, err)
		}
		for _, id := range ids {
			list = append(list, choice{Ref: airflow.Ref{Kind: kind, ID: id}, optional: src.Layer == airlock.LayerEnvironment})
		}
	}
	return list, nil
}
