package dialect

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// LocalFile is the dialect of airflow.secrets.local_filesystem.
// LocalFilesystemBackend. A name is the kind, "/" and the id: a file has one
// kind. Teams do not count. Its zero value asks nothing.
type LocalFile struct {
	// Variables, Connections and Configs are the files' paths; a kind whose
	// path is empty is never asked.
	Variables, Connections, Configs string
}

var _ Dialect = LocalFile{}

// LocalFileFromKwargs builds the dialect from backend_kwargs, as
// LocalFilesystemBackend.__init__ does; a path that is false to Python is
// none. Nil kwargs are none. The error is an *airflow.Error.
func LocalFileFromKwargs(kwargs *pyjson.Object) (LocalFile, error) {
	var d LocalFile
	if kwargs == nil {
		return d, nil
	}
	paths := map[string]*string{"variables_file_path": &d.Variables, "connections_file_path": &d.Connections, "configs_file_path": &d.Configs}
	for _, name := range kwargs.Keys() {
		path, known := paths[name]
		if !known {
			return LocalFile{}, airflow.UnknownKwarg("LocalFilesystemBackend.__init__", name, LocalFileKwargs())
		}
		v, _ := kwargs.Get(name)
		text, ok := v.(string)
		if pyjson.Truthy(v) && !ok {
			return LocalFile{}, &airflow.Error{Type: "TypeError", Message: fmt.Sprintf("the kwarg %s must be a path, not %s", name, pyjson.TypeName(v))}
		}
		*path = text
	}
	return d, nil
}

// path returns the file of a kind and the kwarg that names it.
func (d LocalFile) path(kind airflow.Kind) (path, kwarg string) {
	switch kind {
	case airflow.KindVariable:
		return d.Variables, "variables_file_path"
	case airflow.KindConnection:
		return d.Connections, "connections_file_path"
	case airflow.KindConfig:
		return d.Configs, "configs_file_path"
	}
	return "", string(kind)
}

// sharing are the other kinds that are read from the file of kind: one entry
// of it is a secret of each.
func (d LocalFile) sharing(kind airflow.Kind) []airflow.Kind {
	file, _ := d.path(kind)
	return slices.DeleteFunc(airflow.Kinds(), func(k airflow.Kind) bool {
		other, _ := d.path(k)
		return k == kind || other == "" || filepath.Clean(other) != filepath.Clean(file)
	})
}

// Names implements Dialect.
func (d LocalFile) Names(ref airflow.Ref) Lookup {
	path, kwarg := d.path(ref.Kind)
	if path == "" {
		return Lookup{Skip: kwarg + " is not set"}
	}
	return Lookup{Names: []string{string(ref.Kind) + "/" + ref.ID}}
}

// Refs implements Dialect. It answers one reference at most.
func (d LocalFile) Refs(name string) []airflow.Ref {
	for _, kind := range airflow.Kinds() {
		ref := airflow.Ref{Kind: kind}
		if begin := string(kind) + "/"; len(name) > len(begin) && name[:len(begin)] == begin {
			ref.ID = name[len(begin):]
			if slices.Contains(d.Names(ref).Names, name) {
				return []airflow.Ref{ref}
			}
		}
	}
	return nil
}

// Decode implements Dialect. A connection's text is always a URI, and a
// connection is always in the ORM's reading: the class makes the model's
// objects, whoever asks. A variable may be of any JSON type; null is None.
func (d LocalFile) Decode(ref airflow.Ref, s *store.Secret) (Value, error) {
	var data any = string(s.Payload)
	if s.Form == store.Object {
		var err error
		if data, err = pyjson.Decode(string(s.Payload)); err != nil {
			return Value{}, corrupt(ref, "is not JSON")
		}
	}
	if ref.Kind == airflow.KindConnection {
		c, err := airflow.ParseLocalConnection(ref.ID, data)
		if err != nil {
			return Value{}, err
		}
		return Value{Connection: c}, nil
	}
	if data == nil {
		return Value{}, &NoValueError{Reason: "the value is null"}
	}
	return Value{Data: data}, nil
}

// Encode implements Dialect: a serialized connection must be a URI, since the
// class takes no text for JSON.
func (d LocalFile) Encode(ref airflow.Ref, v Value) (*store.Secret, error) {
	if v.Connection != nil {
		uri, err := v.Connection.URI()
		if err != nil {
			return nil, inexpressible(ref, "the connection has no URI")
		}
		return &store.Secret{Payload: []byte(uri), Form: store.Text}, nil
	}
	text, ok := v.Data.(string)
	switch {
	case v.Data == nil:
		return nil, inexpressible(ref, "null counts as not found")
	case ref.Kind == airflow.KindConnection && !ok:
		return nil, inexpressible(ref, "a connection is a URI or an object of fields")
	case ref.Kind == airflow.KindConnection:
		if _, err := airflow.ParseLocalConnection(ref.ID, text); err != nil {
			return nil, inexpressible(ref, "LocalFilesystemBackend reads text as a URI only, and this is none that it can read")
		}
	case !ok:
		return &store.Secret{Payload: []byte(pyjson.Encode(v.Data)), Form: store.Object}, nil
	}
	return &store.Secret{Payload: []byte(text), Form: store.Text}, nil
}

// LocalFileKwargs are the kwargs that LocalFileFromKwargs reads.
func LocalFileKwargs() []string {
	return []string{"configs_file_path", "connections_file_path", "variables_file_path"}
}
