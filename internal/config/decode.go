package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// decoder goes through the file once and gathers what is wrong with it.
type decoder struct {
	file     string
	expand   func(string) (string, error)
	problems Problems
}

func (d *decoder) fail(at Position, path, text, hint string) {
	d.problems = append(d.problems, &Problem{File: d.file, Position: at, Path: path, Text: text, Hint: hint})
}

// place is what a struct of the file embeds.
type place interface {
	locate(Position, map[string]Position)
	spoil()
}

// value decodes n, which stands under path, into a field.
func (d *decoder) value(n ast.Node, path string, into any) {
	at := nodePosition(n)
	switch into := into.(type) {
	case *string:
		*into = d.text(n, at, path)
	case *bool:
		*into = d.boolean(n, at, path)
	case *time.Duration:
		*into = d.duration(n, at, path)
	case **time.Duration:
		v := d.duration(n, at, path)
		*into = &v
	case **Size:
		v := d.size(n, at, path)
		*into = &v
	case *int:
		*into = d.count(n, at, path)
	case *Kwargs:
		*into = d.kwargs(n, at, path)
	case *[]Source:
		*into = d.sources(n, at, path)
	case *[]string:
		*into = each(d, n, at, path, d.text)
	case *[]netip.Prefix:
		*into = each(d, n, at, path, d.network)
	default:
		m, ok := n.(*ast.MappingNode)
		if !ok {
			d.mismatch(n, at, path, "a mapping")
			return
		}
		d.mapping(m, at, path, into)
	}
}

// mismatch reports that n is not what the key wants.
func (d *decoder) mismatch(n ast.Node, at Position, path, want string) {
	hint := "write " + want
	switch n.(type) {
	case *ast.NullNode:
		hint = "take the key away, or give it " + want
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		hint = "anchors and tags are not read: write the value itself"
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if want == "text" {
			hint = "put quotes around it"
		}
	}
	d.fail(at, path, "it is "+kindOf(n)+", not "+want, hint)
}

// mapping decodes the keys of a mapping into the fields of a struct.
func (d *decoder) mapping(m *ast.MappingNode, at Position, path string, into any) {
	fields := fieldsOf(into)
	before := len(d.problems)
	keys := map[string]Position{}
	for _, entry := range m.Values {
		key, ok := d.key(entry, path)
		if !ok {
			continue
		}
		at := positionOf(entry.Key.GetToken())
		if d.twice(keys, key, at, path) {
			continue
		}
		keys[key] = at
		field, known := fields[key]
		if !known {
			if meant := d.unknown(at, path, key, into); meant != "" {
				keys[meant] = at // one mistake, not two
			}
			continue
		}
		d.value(entry.Value, join(path, key), field)
	}
	p := into.(place)
	p.locate(at, keys)
	if len(d.problems) > before {
		p.spoil()
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// key returns the text of a key.
func (d *decoder) key(entry *ast.MappingValueNode, path string) (string, bool) {
	if s, ok := entry.Key.(*ast.StringNode); ok {
		return s.Value, true
	}
	at := Position{}
	if entry.Key != nil {
		at = positionOf(entry.Key.GetToken())
	}
	d.fail(at, path, "a key here is not text", "write the key as text; << and ? are not read")
	return "", false
}

func (d *decoder) twice(keys map[string]Position, key string, at Position, path string) bool {
	first, again := keys[key]
	if again {
		d.fail(at, join(path, shownKey(key)), fmt.Sprintf("it is given twice, first in line %d", first.Line), "keep one of them")
	}
	return again
}

// unknown reports a key and returns the one that was probably meant, or "".
func (d *decoder) unknown(at Position, path, key string, into any) string {
	known := namesOf(into)
	hint := "known are: " + strings.Join(known, ", ")
	near := nearest(key, known)
	if near != "" {
		hint = "did you mean " + near + "?"
	}
	if strings.Contains(key, ":") {
		hint = "a blank belongs after the colon"
	}
	d.fail(at, join(path, shownKey(key)), "unknown key", hint)
	return near
}

// word is how a key may look that is shown.
var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,39}`)

// shownKey is as much of a key as can be shown: where a blank is missing after
// the colon, YAML takes the value for a part of it.
func shownKey(key string) string {
	name := word.FindString(key)
	if name == key {
		return key
	}
	return name + "..."
}

// fieldsOf returns pointers to the fields of a struct by key.
func fieldsOf(into any) map[string]any {
	v := reflect.ValueOf(into).Elem()
	fields := map[string]any{}
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("yaml"); key != "" {
			fields[key] = v.Field(i).Addr().Interface()
		}
	}
	return fields
}

// namesOf returns the keys of a struct in their order.
func namesOf(into any) []string {
	var names []string
	t := reflect.TypeOf(into).Elem()
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" {
			names = append(names, key)
		}
	}
	return names
}

// sources decodes the list of backends. It is never nil where the key has a
// list.
func (d *decoder) sources(n ast.Node, at Position, path string) []Source {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.mismatch(n, at, path, "a list")
		return nil
	}
	sources := make([]Source, len(list.Values))
	for i, n := range list.Values {
		d.value(n, fmt.Sprintf("%s[%d]", path, i), &sources[i])
		if _, ok := n.(*ast.MappingNode); !ok {
			sources[i].locate(nodePosition(n), nil)
			sources[i].spoil()
		}
	}
	return sources
}

// each decodes the elements of a list.
func each[T any](d *decoder, n ast.Node, at Position, path string, one func(ast.Node, Position, string) T) []T {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.mismatch(n, at, path, "a list")
		return nil
	}
	values := make([]T, len(list.Values))
	for i, n := range list.Values {
		values[i] = one(n, nodePosition(n), fmt.Sprintf("%s[%d]", path, i))
	}
	return values
}

// network is an IP address, which is a network of one, or a network.
func (d *decoder) network(n ast.Node, at Position, path string) netip.Prefix {
	text := d.text(n, at, path)
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr, addr.BitLen())
	}
	p, err := netip.ParsePrefix(text)
	if err != nil && text != "" {
		d.fail(at, path, "it is neither an address nor a network", "write for instance 127.0.0.1 or 10.0.0.0/8")
	}
	return p.Masked()
}

// text is a string with its variables filled in.
func (d *decoder) text(n ast.Node, at Position, path string) string {
	raw, ok := literal(n)
	if !ok {
		d.mismatch(n, at, path, "text")
		return ""
	}
	return d.expanded(raw, at, path)
}

func (d *decoder) expanded(raw string, at Position, path string) string {
	text, err := d.expand(raw)
	if err != nil {
		d.fail(at, path, err.Error(), "a variable that it names names itself")
		return ""
	}
	return text
}

// literal is the text of a string as it stands in the file.
func literal(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		if n.Value == nil {
			return "", true
		}
		return n.Value.Value, true
	}
	return "", false
}

func (d *decoder) boolean(n ast.Node, at Position, path string) bool {
	if b, ok := n.(*ast.BoolNode); ok {
		return b.Value
	}
	if raw, ok := literal(n); ok && strings.Contains(raw, "$") {
		if text := d.expanded(raw, at, path); slices.Contains([]string{"true", "false"}, text) {
			return text == "true"
		}
	}
	d.mismatch(n, at, path, "true or false")
	return false
}

func (d *decoder) duration(n ast.Node, at Position, path string) time.Duration {
	raw, ok := literal(n)
	if number, is := n.(*ast.IntegerNode); is {
		raw, ok = number.GetToken().Value, true
	}
	const want = "a duration such as 30s or 5m"
	if !ok {
		d.mismatch(n, at, path, want)
		return 0
	}
	v, err := time.ParseDuration(d.expanded(raw, at, path))
	if err != nil || v < 0 {
		d.fail(at, path, "it is not "+want, "write a number and a unit: s, m or h; 0s for none")
		return 0
	}
	return v
}
