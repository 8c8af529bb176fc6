package filestore

import (
	"encoding/base64"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// special is a value that Python has and JSON has not: a date, bytes, a set.
type special struct {
	class string
	text  string // what str() of it is
}

// maxDepth and maxNodes bound a document, its aliases written out.
const (
	maxDepth = 200
	maxNodes = 1_000_000
)

// parseYAML is _parse_yaml_file.
func parseYAML(path, content string) (*file, error) {
	if content == "" {
		return nil, unparsable(path, "The file is empty.", 1)
	}
	root, err := readYAML(content)
	if err != nil {
		return nil, unparsable(path, "it is not the YAML of one document", 0)
	}
	c := &constructor{made: map[*yaml.Node]any{}, sizes: map[*yaml.Node]int{}}
	v, err := c.value(root, 0)
	if err != nil {
		return nil, unparsable(path, err.Error(), c.line)
	}
	object, ok := v.(*pyjson.Object)
	if !ok {
		return nil, unparsable(path, "The file should contain the object.", 1)
	}
	return &file{path: path, members: object, unnamed: c.unnamed}, nil
}

// readYAML parses one document; nil stands for none.
func readYAML(content string) (*yaml.Node, error) {
	if strings.ContainsFunc(content, func(r rune) bool {
		return r < 0x20 && r != '\t' && r != '\n' || r == 0x7F || 0x80 <= r && r < 0xA0 && r != 0x85
	}) {
		return nil, errors.New("there are control characters in it")
	}
	// The parser of PyYAML takes both versions for 1.1.
	d := yaml.NewDecoder(strings.NewReader(directive().ReplaceAllString(content, "%YAML 1.1")))
	var document, second yaml.Node
	switch err := d.Decode(&document); {
	case err == io.EOF:
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := d.Decode(&second); err != io.EOF {
		return nil, errors.New("there is a second document in it")
	}
	if anchorsTwice(&document, map[string]bool{}) {
		return nil, errors.New("an anchor is there twice")
	}
	return document.Content[0], nil
}

var directive = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^%YAML 1\.2\b`) })

// anchorsTwice reports whether two nodes have one anchor, which PyYAML's
// composer refuses.
func anchorsTwice(n *yaml.Node, seen map[string]bool) bool {
	if n.Kind != yaml.AliasNode && n.Anchor != "" {
		if seen[n.Anchor] {
			return true
		}
		seen[n.Anchor] = true
	}
	for _, child := range n.Content {
		if anchorsTwice(child, seen) {
			return true
		}
	}
	return false
}

// constructor makes values of nodes, one value for each anchor.
type constructor struct {
	made    map[*yaml.Node]any
	sizes   map[*yaml.Node]int // nodes below each, aliases written out; -1 while it is being made
	unnamed []any              // what is at the top under keys that are no strings
	line    int                // where it went wrong
	// merged counts what << was followed to, in all of the document: mappings
	// that merge each other double with each line.
	merged int
}

// value is construct_object of PyYAML's SafeConstructor.
func (c *constructor) value(n *yaml.Node, depth int) (any, error) {
	if n == nil {
		return nil, nil
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if size := c.sizes[n]; size != 0 {
		if size < 0 {
			return nil, errDeep
		}
		return c.made[n], nil
	}
	c.line = n.Line
	if depth > maxDepth {
		return nil, errDeep
	}
	c.sizes[n] = -1
	v, err := c.construct(n, depth+1)
	if err != nil {
		return nil, err
	}
	size := 1 + len(n.Value)/16
	for _, child := range n.Content {
		if child.Kind == yaml.AliasNode {
			child = child.Alias
		}
		if size += max(c.sizes[child], 1); size > maxNodes {
			return nil, errors.New("its aliases make it too large")
		}
	}
	c.made[n], c.sizes[n] = v, size
	return v, nil
}

var errTag = errors.New("a value has a tag that does not go with it, or that is not known")

func (c *constructor) construct(n *yaml.Node, depth int) (any, error) {
	tag := ""
	if n.Style&yaml.TaggedStyle != 0 {
		tag = n.ShortTag()
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if tag == "" && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
			tag = resolve(n.Value)
		}
		return constructScalar(tag, n.Value)
	case yaml.SequenceNode:
		switch tag {
		case "", "!", "!!seq":
			return c.sequence(n, depth)
		case "!!omap", "!!pairs":
			return c.pairs(n, depth)
		}
	case yaml.MappingNode:
		switch tag {
		case "", "!", "!!map":
			return c.mapping(n, depth)
		case "!!set":
			set, err := c.mapping(n, depth)
			if err != nil {
				return nil, err
			}
			quoted := make([]string, 0, set.Len())
			for _, key := range set.Keys() {
				quoted = append(quoted, pyjson.Repr(key))
			}
			return &special{"set", "{" + strings.Join(quoted, ", ") + "}"}, nil
		}
	}
	return nil, errTag
}

func (c *constructor) sequence(n *yaml.Node, depth int) ([]any, error) {
	list := make([]any, 0, len(n.Content))
	for _, child := range n.Content {
		v, err := c.value(child, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// pairs is construct_yaml_omap: a list of mappings of one member each, which
// become tuples.
func (c *constructor) pairs(n *yaml.Node, depth int) ([]any, error) {
	list := make([]any, 0, len(n.Content))
	for _, child := range n.Content {
		if child.Kind == yaml.AliasNode {
			child = child.Alias
		}
		if child.Kind != yaml.MappingNode || len(child.Content) != 2 {
			return nil, errors.New("an ordered map has an element that is not a mapping of one member")
		}
		pair, err := c.sequence(child, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, &special{"tuple", "(" + pyjson.Repr(plainOf(pair[0])) + ", " + pyjson.Repr(plainOf(pair[1])) + ")"})
	}
	return list, nil
}

// mapping is construct_mapping: what << merges comes first, so that the
// mapping's own members win.
func (c *constructor) mapping(n *yaml.Node, depth int) (*pyjson.Object, error) {
	object := pyjson.NewObject()
	pairs, err := c.flatten(n, 0)
	if err != nil {
		return nil, err
	}
	for _, p := range pairs {
		key, err := c.value(p.key, depth)
		if err != nil {
			return nil, err
		}
		v, err := c.value(p.value, depth)
		if err != nil {
			return nil, err
		}
		switch key := key.(type) {
		case string:
			object.Set(key, v)
		case []any, *pyjson.Object:
			return nil, errors.New("a key is a list or an object")
		default:
			if depth == 1 {
				c.unnamed = append(c.unnamed, v) // nobody can ask for it
				continue
			}
			object.Set(keyText(key), v)
		}
	}
	return object, nil
}

// keyText is the key as json.dumps writes it.
func keyText(key any) string {
	if s, ok := key.(*special); ok {
		return s.text
	}
	return pyjson.Encode(key)
}

type pair struct{ key, value *yaml.Node }

// flatten is flatten_mapping.
func (c *constructor) flatten(n *yaml.Node, depth int) ([]pair, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	var merged, own []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !isMerge(key) {
			own = append(own, pair{key, value})
			continue
		}
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = nil
			for _, child := range value.Content {
				sources = append([]*yaml.Node{child}, sources...)
			}
		}
		for _, source := range sources {
			if source.Kind == yaml.AliasNode {
				source = source.Alias
			}
			if source.Kind != yaml.MappingNode {
				return nil, errors.New("<< merges what is no mapping")
			}
			pairs, err := c.flatten(source, depth+1)
			if err != nil {
				return nil, err
			}
			if c.merged += 1 + len(pairs); c.merged > maxNodes {
				return nil, errors.New("its merges make it too large")
			}
			merged = append(merged, pairs...)
		}
	}
	return append(merged, own...), nil
}

func isMerge(key *yaml.Node) bool {
	if key.Kind != yaml.ScalarNode {
		return false
	}
	if key.Style&yaml.TaggedStyle != 0 {
		return key.ShortTag() == "!!merge"
	}
	return key.Style == 0 && key.Value == "<<"
}

// readable puts text in the place of what JSON cannot hold.
func readable(o *pyjson.Object) *pyjson.Object {
	out := pyjson.NewObject()
	for _, key := range o.Keys() {
		member, _ := o.Get(key)
		out.Set(key, plainOf(member))
	}
	return out
}

func plainOf(v any) any {
	switch v := v.(type) {
	case *special:
		return v.text
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainOf(v[i])
		}
		return out
	case *pyjson.Object:
		return readable(v)
	}
	return v
}

func holdsSpecial(v any) bool {
	switch v := v.(type) {
	case *special:
		return true
	case []any:
		for _, e := range v {
			if holdsSpecial(e) {
				return true
			}
		}
	case *pyjson.Object:
		for _, key := range v.Keys() {
			if member, _ := v.Get(key); holdsSpecial(member) {
				return true
			}
		}
	}
	return false
}

// binary is construct_yaml_binary: base64.decodebytes passes over what is not
// of its alphabet.
func binary(text string) (any, error) {
	keep := func(r rune) rune {
		if r > 0x7F || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", r) {
			return -1
		}
		return r
	}
	b, err := base64.StdEncoding.DecodeString(strings.Map(keep, text))
	if err != nil {
		return nil, errTag
	}
	return &special{"bytes", "b" + pyjson.Repr(string(b))}, nil
}

// infinite is a float of a sign.
func infinite(text string) float64 {
	if strings.HasPrefix(text, "-") {
		return math.Inf(-1)
	}
	return math.Inf(1)
}
