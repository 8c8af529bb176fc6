package filestore

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// file is what a file holds: its members in order, the last of two of one key
// winning.
type file struct {
	path string
	env  bool // every value is a list of strings
	// members that Airflow can be asked for.
	members *pyjson.Object
	// unnamed are the values that a YAML file has under keys which are no
	// strings: they cannot be asked for, but one may make the file unusable.
	unnamed []any
}

func decode(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", invalid("UnicodeDecodeError", "the file is not text in UTF-8", "save it as UTF-8")
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\r", "\n"), nil
}

func invalid(class, message, hint string) error {
	return &store.Error{Code: store.Invalid, Err: &airflow.Error{Type: class, Message: message}, Hint: hint}
}

// unparsable is AirflowFileParseException, without the part of the file that
// Airflow quotes.
func unparsable(path, message string, line int) error {
	where := ""
	if line > 0 {
		where = fmt.Sprintf(", line %d", line)
	}
	return invalid("AirflowFileParseException", fmt.Sprintf("Failed to load the secret file. %s%s: %s", excerpt.Name(path), where, message),
		"correct the file: Airflow reads nothing of it")
}

// extension is pathlib's suffix in lower case, without the dot: a name that
// begins with its only dot (".env") has none.
func extension(path string) string {
	name := filepath.Base(path)
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || i == len(name)-1 {
		return ""
	}
	return strings.ToLower(name[i+1:])
}

// parseFile is _parse_secret_file.
func parseFile(path string) (*file, error) {
	parsers := map[string]func(path, content string) (*file, error){"env": parseEnv, "json": parseJSON, "yaml": parseYAML, "yml": parseYAML}
	parse, ok := parsers[extension(path)]
	if !ok {
		return nil, invalid("AirflowUnsupportedFileTypeException",
			"Unsupported file format. The file must have one of the following extensions: .env .json .yaml .yml",
			`rename the file; a file called ".env" has no extension to Airflow: "secrets.env" has`)
	}
	content, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, content)
}

// parseEnv is _parse_env_file: no quotes, no blanks taken off.
func parseEnv(path, content string) (*file, error) {
	f := &file{path: path, env: true, members: pyjson.NewObject()}
	var first error
	for i, line := range splitLines(content) {
		if line == "" || strings.HasPrefix(strings.TrimLeftFunc(line, isSpace), "#") {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		message := ""
		switch {
		case !found:
			message = `Invalid line format. The line should contain at least one equal sign ("=").`
		case key == "":
			message = "Invalid line format. Key is empty."
		case value == "":
			message = "Invalid line format. Value is empty."
		}
		if message != "" {
			if first == nil {
				first = unparsable(path, message, i+1)
			}
			continue
		}
		list, _ := f.members.Get(key)
		values, _ := list.([]any)
		f.members.Set(key, append(values, value))
	}
	if first != nil {
		return nil, first
	}
	return f, nil
}

func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F }

// splitLines is str.splitlines: more ends a line than a line feed.
func splitLines(text string) []string {
	ends := func(r rune) bool {
		return r == '\n' || r == '\v' || r == '\f' || 0x1C <= r && r <= 0x1E || r == 0x85 || r == 0x2028 || r == 0x2029
	}
	var lines []string
	for text != "" {
		i := strings.IndexFunc(text, ends)
		if i < 0 {
			return append(lines, text)
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		lines = append(lines, text[:i])
		text = text[i+size:]
	}
	return lines
}

// parseJSON is _parse_json_file.
func parseJSON(path, content string) (*file, error) {
	if content == "" {
		return nil, unparsable(path, "The file is empty.", 1)
	}
	v, err := pyjson.Decode(content)
	if err != nil {
		return nil, unparsable(path, "it is not JSON", 0)
	}
	object, ok := v.(*pyjson.Object)
	if !ok {
		return nil, unparsable(path, "The file should contain the object.", 1)
	}
	return &file{path: path, members: object}, nil
}

// variables is load_variables: in an env file each key has one value, in the
// others a list is a value like any.
func (f *file) variables() (*pyjson.Object, error) {
	if !f.env {
		return readable(f.members), nil
	}
	return f.single(true)
}

// configs is load_configs_dict: a list stands for its only element.
func (f *file) configs() (*pyjson.Object, error) {
	single, err := f.single(false)
	if err != nil {
		return nil, err
	}
	return readable(single), nil
}

// single takes each value out of its list.
func (f *file) single(listsOnly bool) (*pyjson.Object, error) {
	out := pyjson.NewObject()
	var many []string
	for _, key := range f.members.Keys() {
		v, _ := f.members.Get(key)
		switch list, isList := v.([]any); {
		case isList && len(list) == 1:
			out.Set(key, list[0])
		case isList:
			many = append(many, key)
		case !listsOnly:
			out.Set(key, v)
		}
	}
	if many != nil {
		return nil, invalid("VariableNotUnique", fmt.Sprintf("the file %s has several values, or an empty list, for the keys %q", excerpt.Name(f.path), clipAll(many)),
			"keep one value for each key: Airflow reads nothing of the file")
	}
	return out, nil
}

func clipAll(names []string) []string {
	const most = 10
	names = slices.Clone(names[:min(len(names), most)])
	for i := range names {
		names[i] = excerpt.Name(names[i])
	}
	return names
}

// connections is load_connections_dict: one that cannot be made fails all.
func (f *file) connections() (*pyjson.Object, error) {
	out := pyjson.NewObject()
	for _, id := range f.members.Keys() {
		v, _ := f.members.Get(id)
		made, ok, err := f.connection(id, v)
		if err != nil {
			return nil, err
		}
		if ok {
			out.Set(id, made)
		}
	}
	for _, v := range f.unnamed {
		if _, _, err := f.connection("", v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// connection makes one connection of a value or of a list of one; ok is false
// for an empty list.
func (f *file) connection(id string, v any) (made any, ok bool, err error) {
	if list, isList := v.([]any); isList {
		switch len(list) {
		case 0:
			return nil, false, nil
		case 1:
			v = list[0]
		default:
			return nil, false, invalid("ConnectionNotUnique", fmt.Sprintf("Found multiple values for %s in %s.", excerpt.Name(id), excerpt.Name(f.path)),
				"keep one value for each connection id: Airflow reads nothing of the file")
		}
	}
	if made, err = makeConnection(id, v); err != nil {
		return nil, false, &store.Error{Code: store.Invalid, Err: fmt.Errorf("the connection %q in %s: %w", excerpt.Name(id), excerpt.Name(f.path), err),
			Hint: "correct it: Airflow reads no connection of the file"}
	}
	return made, true, nil
}

// makeConnection checks a connection as _create_connection does and changes an
// object as it does: two names that stand for one object of a YAML file do not
// go together, as the first marks it as its own.
func makeConnection(id string, v any) (any, error) {
	if s, ok := v.(*special); ok {
		return nil, &airflow.Error{Type: "AirflowException", Message: "the connection is a value of type " + s.class + ": write a URI or an object with its fields"}
	}
	object, ok := v.(*pyjson.Object)
	if !ok {
		_, err := airflow.ParseLocalConnection(id, v)
		return v, err
	}
	if extra, ok := object.Get("extra_dejson"); ok && holdsSpecial(extra) {
		return nil, &airflow.Error{Type: "TypeError", Message: "extra_dejson holds a value that JSON cannot"}
	}
	if _, err := airflow.ParseLocalConnection(id, readable(object)); err != nil {
		return nil, err
	}
	if extra, ok := object.Get("extra_dejson"); ok {
		object.Delete("extra_dejson")
		object.Set("extra", pyjson.Encode(extra))
	}
	object.Set("conn_id", id)
	return readable(object), nil
}

// errDeep is a value that is nested without end, or nearly.
var errDeep = errors.New("the values are nested too deeply, or within themselves")
