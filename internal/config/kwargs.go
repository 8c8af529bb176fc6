package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// kwargs decodes a mapping, or the JSON text of the environment variable.
// Where Airflow goes on without kwargs that are no JSON, here it is a problem.
func (d *decoder) kwargs(n ast.Node, at Position, path string) Kwargs {
	if raw, ok := literal(n); ok {
		return d.jsonKwargs(raw, at, path)
	}
	m, ok := n.(*ast.MappingNode)
	if !ok {
		d.mismatch(n, at, path, "a mapping, or JSON text")
		return Kwargs{}
	}
	k := Kwargs{at: map[string]Position{}}
	k.object = d.object(m, path, k.at)
	k.literal = literalCredential(m)
	for _, key := range k.object.Keys() {
		if !kwargName.MatchString(key) {
			hint := "letters, digits and _ only"
			if strings.Contains(key, ":") {
				hint = "a blank belongs after the colon"
			}
			d.fail(k.at[key], join(path, shownKey(key)), "it is not the name of a kwarg", hint)
		}
	}
	return k
}

var kwargName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (d *decoder) jsonKwargs(raw string, at Position, path string) Kwargs {
	object, warning := airflow.DecodeKwargs("secrets", "backend_kwargs", d.expanded(raw, at, path))
	if warning != nil {
		d.fail(at, path, "the text is not a JSON object", warning.Hint)
		return Kwargs{}
	}
	k := Kwargs{object: object, at: map[string]Position{}}
	// The text as it stands, before variables are filled in.
	unexpanded, _ := airflow.DecodeKwargs("secrets", "backend_kwargs", raw)
	for _, key := range unexpanded.Keys() {
		v, _ := unexpanded.Get(key)
		k.literal = k.literal || isCredential(key, v)
	}
	for _, key := range object.Keys() {
		k.at[key] = at
	}
	return k
}

// object makes of a mapping what Python's json makes of an object. at, if it
// is not nil, takes where each key stands.
func (d *decoder) object(m *ast.MappingNode, path string, at map[string]Position) *pyjson.Object {
	o := pyjson.NewObject()
	if at == nil {
		at = map[string]Position{}
	}
	for _, entry := range m.Values {
		key, ok := d.key(entry, path)
		if !ok {
			continue
		}
		here := positionOf(entry.Key.GetToken())
		if d.twice(at, key, here, path) {
			continue
		}
		at[key] = here
		o.Set(key, d.any(entry.Value, join(path, shownKey(key))))
	}
	return o
}

// any makes of a value what Python's json makes of it. Numbers are those of
// JSON: YAML's others (0x10, 1_000, 017) mean one thing to one reader and
// another to the next.
func (d *decoder) any(n ast.Node, path string) any {
	at := nodePosition(n)
	switch n := n.(type) {
	case *ast.MappingNode:
		return d.object(n, path, nil)
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, v := range n.Values {
			list[i] = d.any(v, fmt.Sprintf("%s[%d]", path, i))
		}
		return list
	case *ast.BoolNode:
		return n.Value
	case *ast.NullNode:
		return nil
	case *ast.StringNode:
		if t := n.GetToken(); t != nil && t.Type == token.StringType && jsonInteger.MatchString(n.Value) {
			return d.number(n.Value, at, path) // too long for the YAML library
		}
		return d.text(n, at, path)
	case *ast.LiteralNode:
		return d.text(n, at, path)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return d.number(n.GetToken().Value, at, path)
	}
	d.mismatch(n, at, path, "a value")
	return nil
}

var (
	jsonInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	jsonNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

func (d *decoder) number(text string, at Position, path string) any {
	if jsonNumber.MatchString(text) {
		if v, err := pyjson.Decode(text); err == nil {
			return v
		}
	}
	d.fail(at, path, "the number is not one that JSON has", "put quotes around it if it is text, else write it in decimal")
	return nil
}

var (
	credentialName = regexp.MustCompile(`(?i)(token|secret|password|passphrase|private|access_key|credential|_key$|^key$|dict)`)
	harmlessName   = regexp.MustCompile(`(?i)(_path|_file|_prefix|_lookup_pattern|_name|_version|_engine|secret_name|mount_point|path)$`)
)

// literalCredential reports whether a credential stands in a mapping as it is.
func literalCredential(m *ast.MappingNode) bool {
	for _, entry := range m.Values {
		switch v := entry.Value.(type) {
		case *ast.MappingNode:
			if literalCredential(v) {
				return true
			}
		default:
			key, _ := literal(keyNode(entry))
			if raw, ok := literal(v); ok && isCredential(key, raw) {
				return true
			}
		}
	}
	return false
}

// keyNode is the node of a key.
func keyNode(entry *ast.MappingValueNode) ast.Node {
	n, _ := entry.Key.(ast.Node)
	return n
}

// isCredential reports whether a kwarg is one by its name, and stands there as
// text and not as a variable; a URL may hold one too.
func isCredential(key string, v any) bool {
	switch v := v.(type) {
	case string:
		if v == "" || strings.Contains(v, "$") {
			return false
		}
		if credentialName.MatchString(key) && !harmlessName.MatchString(key) {
			return true
		}
		_, rest, isURL := strings.Cut(v, "://")
		authority, _, _ := strings.Cut(rest, "/")
		return isURL && strings.Contains(authority, "@")
	case *pyjson.Object:
		for _, name := range v.Keys() {
			if member, _ := v.Get(name); isCredential(name, member) {
				return true
			}
		}
	}
	return false
}

// namedKwarg returns the kwarg that a message names, "" if none.
func namedKwarg(k Kwargs, message string) string {
	for _, key := range k.Object().Keys() {
		if strings.Contains(message, "'"+key+"'") || strings.Contains(message, `"`+key+`"`) || strings.Contains(message, "kwarg "+key+" ") {
			return key
		}
	}
	return ""
}
