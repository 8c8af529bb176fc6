package filestore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/store"
)

// maxFile bounds what is read of a file.
const maxFile = 16 << 20

// Options configure a Store.
type Options struct {
	// Variables, Connections and Configs are the files' paths; a kind whose
	// path is empty has nothing.
	Variables, Connections, Configs string
	// Dir is where relative paths start; empty: the process's folder.
	Dir string
}

// Store reads files. It is safe for concurrent use, and holds nothing open.
type Store struct {
	options Options
	closed  atomic.Bool
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
	_ store.Checker = (*Store)(nil)
	_ store.Locator = (*Store)(nil)
)

// New returns a store; it reads nothing.
func New(o Options) *Store { return &Store{options: o} }

// Name is how people know the store.
func (s *Store) Name() string { return "local files" }

// Locate implements store.Locator: the file and the key in it.
func (s *Store) Locate(name string) string {
	kind, key, _ := split(name)
	if path := s.path(kind); path != "" {
		return path + ": " + key
	}
	return name
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

// path is the file of a kind; empty where there is none.
func (s *Store) path(kind airflow.Kind) string {
	path := map[airflow.Kind]string{airflow.KindVariable: s.options.Variables, airflow.KindConnection: s.options.Connections,
		airflow.KindConfig: s.options.Configs}[kind]
	if path == "" || s.options.Dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.options.Dir, path)
}

func split(name string) (kind airflow.Kind, key string, ok bool) {
	word, key, ok := strings.Cut(name, "/")
	kind, err := airflow.ParseKind(word)
	return kind, key, ok && err == nil && string(kind) == word
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	const op = "get"
	kind, key, ok := split(name)
	if !ok {
		return nil, s.fail(op, name, &store.Error{Code: store.Invalid, Err: errors.New(`names are a kind, "/" and a key`)})
	}
	values, err := s.load(ctx, kind)
	if err != nil {
		return nil, s.fail(op, name, err)
	}
	v, ok := values.Get(key)
	if !ok {
		return nil, s.fail(op, name, &store.Error{Code: store.NotFound, Absent: true})
	}
	if text, ok := v.(string); ok {
		return &store.Secret{Payload: []byte(text), Form: store.Text}, nil
	}
	return &store.Secret{Payload: []byte(pyjson.Encode(v)), Form: store.Object}, nil
}

// List implements store.Lister.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	for _, kind := range airflow.Kinds() {
		begin := string(kind) + "/"
		if !strings.HasPrefix(begin, prefix) && !strings.HasPrefix(prefix, begin) {
			continue
		}
		values, err := s.load(ctx, kind)
		if err != nil {
			return nil, s.fail("list", prefix, err)
		}
		for _, key := range values.Keys() {
			if name := begin + key; strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names, nil
}

// Check implements store.Checker: every file can be read.
func (s *Store) Check(ctx context.Context) error {
	for _, kind := range airflow.Kinds() {
		if _, err := s.load(ctx, kind); err != nil {
			return s.fail("check", "", err)
		}
	}
	return nil
}

// load reads the file of a kind and keeps what Airflow would
// (load_variables, load_connections_dict, load_configs_dict).
func (s *Store) load(ctx context.Context, kind airflow.Kind) (*pyjson.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed.Load() {
		return nil, &store.Error{Code: store.Unavailable, Err: errors.New("the store is closed")}
	}
	path := s.path(kind)
	if path == "" {
		return pyjson.NewObject(), nil
	}
	parsed, err := parseFile(path)
	if err != nil {
		return nil, err
	}
	switch kind {
	case airflow.KindConnection:
		return parsed.connections()
	case airflow.KindConfig:
		return parsed.configs()
	}
	return parsed.variables()
}

// fail gives an error its operation, store and name.
func (s *Store) fail(op, name string, err error) error {
	out := &store.Error{Op: op, Store: s.Name(), Name: name, Code: store.Unavailable, Err: err}
	var coded *store.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &coded):
		out.Code, out.Hint, out.Err, out.Absent = coded.Code, coded.Hint, coded.Err, coded.Absent
	case errors.As(err, &path):
		out.Code, out.Hint = store.Invalid, "the kwargs variables_file_path, connections_file_path and configs_file_path must name files that can be read"
		if errors.Is(err, fs.ErrPermission) {
			out.Code, out.Hint = store.Denied, "the file is not readable for the user that asks"
		}
	}
	return out
}

// readFile reads a text file as Python's open does: UTF-8, with every kind of
// line end as \n.
func readFile(path string) (string, error) {
	b, err := diskfile.Read(path, maxFile)
	if errors.As(err, new(*diskfile.TooLargeError)) {
		return "", &store.Error{Code: store.Invalid, Err: fmt.Errorf("the file is longer than %d MiB", maxFile>>20)}
	}
	if err != nil {
		return "", err
	}
	return decode(b)
}
