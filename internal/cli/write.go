package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/wait"
	"github.com/airlock-secrets/airlock/store"
)

// maxInput bounds what is read from standard input: as much as the embedded
// store keeps in one value.
const maxInput = 1 << 20

// readAll reads a value from standard input, byte for byte.
func (a *app) readAll() (string, error) {
	done := wait.For("standard input")
	b, err := io.ReadAll(io.LimitReader(a.Stdin, maxInput+1))
	done()
	if err != nil {
		return "", fmt.Errorf("reading standard input: %w", err)
	}
	if len(b) > maxInput {
		return "", usageError{msg: "standard input is longer than 1 MiB", hint: "a value may have at most 1048576 bytes"}
	}
	if !utf8.Valid(b) {
		return "", usageError{msg: "standard input is not UTF-8 text", hint: "encode binary values, for instance with base64"}
	}
	return string(b), nil
}

// dir makes a path given by the person absolute.
func (a *app) dir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(a.Dir, path)
}

// write stores a value where writes go.
func (a *app) write(ctx context.Context, ref airflow.Ref, v dialect.Value, description string) error {
	return a.withTarget(ctx, true, func(src target) error { return a.put(ctx, src, ref, v, description) })
}

// writeNew stores a value where there is none yet, as `airflow connections
// add` does. A store that may be written but not read is taken to have
// none, but not one that does not prove it.
func (a *app) writeNew(ctx context.Context, ref airflow.Ref, v dialect.Value, description string) error {
	return a.withTarget(ctx, true, func(src target) error {
		name, err := writeName(src.Source, ref)
		if err != nil {
			return err
		}
		defer wait.For(store.Label(src.Store))()
		switch _, err := src.Store.Get(ctx, name); {
		case err == nil:
			return &store.Error{Op: "add", Store: store.Label(src.Store), Name: ref.ID, Code: store.Conflict,
				Err:  fmt.Errorf("a %s of that id exists already, and was left as it is", ref.Kind),
				Hint: fmt.Sprintf("delete it first: airlock %ss delete ID", ref.Kind)}
		case store.Absent(err), store.CodeOf(err) == store.Denied:
			return a.put(ctx, src, ref, v, description)
		default:
			return err
		}
	})
}

// put stores a value under the first name that the source's own dialect asks
// for, so that the next look-up finds it.
func (a *app) put(ctx context.Context, src target, ref airflow.Ref, v dialect.Value, description string) error {
	name, err := writeName(src.Source, ref)
	if err == nil {
		err = writable(ref, v, description)
	}
	if err != nil {
		return err
	}
	if err := src.hidden(ctx, ref); err != nil {
		return err
	}
	defer wait.For(store.Label(src.Store))()
	secret, err := src.Dialect.Encode(ref, v)
	if err != nil {
		return err
	}
	if _, err := store.Merge(ctx, src.Store, name, secret); err != nil {
		return err
	}
	return a.describe(ctx, src.Store, name, description)
}

// writable refuses what is not UTF-8, which a command line may hold: a store
// would keep something else in its place, and Airflow refuses it as well.
func writable(ref airflow.Ref, v dialect.Value, description string) error {
	value, _ := v.Data.(string)
	what := ""
	switch {
	case !utf8.ValidString(ref.ID):
		what = "the name"
	case !utf8.ValidString(value):
		what = "the value"
	case !utf8.ValidString(description):
		what = "the description"
	default:
		return nil
	}
	return &store.Error{Op: "write", Name: ref.ID, Code: store.Invalid, Err: fmt.Errorf("%s is not text in UTF-8", what),
		Hint: "encode binary values, for instance with base64"}
}

// describe keeps a description beside the value, where the store can.
func (a *app) describe(ctx context.Context, s store.Store, name, text string) error {
	if text == "" {
		return nil
	}
	v, err := store.Versions(s)
	if err == nil {
		err = v.SetAttributes(ctx, name, "airflow", map[string]string{"description": text})
	}
	if errors.Is(err, store.ErrUnsupported) {
		a.say("airlock: %s keeps no description of %q: it is left out", store.Label(s), excerpt.Name(name))
		return nil
	}
	return err
}

func writeName(src airlock.Source, ref airflow.Ref) (string, error) {
	l := src.Dialect.Names(ref)
	if len(l.Names) == 0 {
		return "", &store.Error{Op: "write", Store: store.Label(src.Store), Name: ref.ID, Code: store.Invalid,
			Err: errors.New(l.Skip)}
	}
	return l.Names[0], nil
}

// remove deletes a value where writes go.
func (a *app) remove(ctx context.Context, ref airflow.Ref) error {
	return a.withTarget(ctx, false, func(src target) error {
		name, err := writeName(src.Source, ref)
		if err != nil {
			return err
		}
		defer wait.For(store.Label(src.Store))()
		return store.Delete(ctx, src.Store, name)
	})
}

// list returns the ids of a kind: of the source that is written, or of every
// source where airlock.yaml names them.
func (a *app) list(ctx context.Context, kind airflow.Kind) ([]string, error) {
	f, err := a.configured(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	if hasSources(f) {
		ids, err = a.listAll(ctx, kind)
	} else {
		err = a.withTarget(ctx, false, func(src target) error {
			ids, err = idsIn(ctx, &src.Source, kind)
			return err
		})
	}
	slices.Sort(ids)
	return slices.Compact(ids), err
}

// listAll lists what every backend has. One that cannot list at all is named
// and left out; one that fails fails the list.
func (a *app) listAll(ctx context.Context, kind airflow.Kind) ([]string, error) {
	r, err := a.resolver(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for i := range r.Sources {
		src := &r.Sources[i]
		if src.Layer != airlock.LayerBackend || src.Skip != "" {
			continue
		}
		some, err := idsIn(ctx, src, kind)
		if store.CodeOf(err) == store.Unsupported && src.Err == nil {
			a.say("airlock: %s cannot be listed and is left out", src.Setting)
			continue
		}
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		ids = append(ids, some...)
	}
	return ids, r.Close()
}

// idsIn are the ids of a kind, of no team, that a source has.
func idsIn(ctx context.Context, src *airlock.Source, kind airflow.Kind) ([]string, error) {
	if src.Err != nil {
		return nil, src.Err
	}
	done := wait.For(store.Label(src.Store))
	names, err := store.List(ctx, src.Store, "")
	done()
	var ids []string
	for _, name := range names {
		for _, ref := range src.Dialect.Refs(name) {
			if ref.Kind == kind && ref.Team == "" {
				ids = append(ids, ref.ID)
			}
		}
	}
	return ids, err
}
