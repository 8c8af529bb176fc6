package project

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of YAML: aliases let a short text stand for a long one.
const (
	mostDocuments = 2_000
	mostMerged    = 4         // mappings merged into each other by <<
	mostNodes     = 1_000_000 // of a document, with what aliases stand for
	mostSettings  = 100_000   // of a project
)

// yamlDocument is one document of a YAML file. Values are asked for by name, and
// an alias is followed only there, so that no alias can make it large.
type yamlDocument struct {
	root  *yaml.Node
	text  string
	lines *yamlIndex
	place placer
}

// yamlDocuments parses a text. Only the documents before a mistake are
// returned with it.
func yamlDocuments(text string, place placer) (all []yamlDocument, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the YAML library gives up: %T", p)
		}
	}()
	lines := &yamlIndex{text: text, starts: yamlLines(text), marks: map[int][]int{}}
	d := yaml.NewDecoder(strings.NewReader(text))
	for len(all) < mostDocuments {
		var n yaml.Node
		if err := d.Decode(&n); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return all, err
		}
		if len(n.Content) == 1 && nodes(&n, map[*yaml.Node]int{}) > mostNodes {
			return all, errAliases
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
			all = append(all, yamlDocument{n.Content[0], text, lines, place})
		}
	}
	return all, nil
}

var errAliases = errors.New("aliases make it too large")

// nodes counts what a node stands for once every alias is followed. One that
// stands inside of what it names has no end.
func nodes(n *yaml.Node, seen map[*yaml.Node]int) int {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.ScalarNode {
		return 1
	}
	if count, ok := seen[n]; ok {
		return count
	}
	seen[n] = mostNodes + 1
	count := 1
	for _, c := range n.Content {
		if count += nodes(c, seen); count > mostNodes {
			return count
		}
	}
	seen[n] = count
	return count
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for range mostMerged {
		if n == nil || n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// pair is a key of a mapping and its value.
type pair struct{ key, value *yaml.Node }

// pairs are those of a mapping, with what << merges into it behind its own;
// none where it is no mapping.
func pairs(n *yaml.Node) []pair { return pairsOf(n, 0) }

func pairsOf(n *yaml.Node, depth int) []pair {
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > mostMerged {
		return nil
	}
	var own, merged []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			continue
		}
		if key.Value == "<<" && key.Tag == "!!merge" && depth < mostMerged && len(merged) < mostSettings {
			merged = append(merged, pairsOf(value, depth+1)...)
			continue
		}
		own = append(own, pair{key, value})
	}
	return append(own, merged...)
}

// get walks down mappings by keys; nil where one is missing.
func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		list := pairs(n)
		i := slices.IndexFunc(list, func(p pair) bool { return p.key.Value == key })
		if i < 0 {
			return nil
		}
		n = list[i].value
	}
	return resolve(n)
}

// items are those of a sequence.
func items(n *yaml.Node) []*yaml.Node {
	if n = resolve(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// scalar is a scalar's text, and whether n is one that is not null.
func scalar(n *yaml.Node) (string, bool) {
	n = resolve(n)
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", false
	}
	return n.Value, true
}

// str is a scalar's text, "" for anything else.
func str(n *yaml.Node) string {
	s, _ := scalar(n)
	return s
}

// bounds are the bytes of a node, with its quotes. An anchor and a tag in
// front of a scalar do not count.
func (d yamlDocument) bounds(n *yaml.Node) (start, end int) {
	start = d.lines.offset(n.Line, n.Column)
	if n.Kind != yaml.ScalarNode {
		end = start
		for _, c := range n.Content {
			if c.Kind != yaml.AliasNode {
				_, e := d.bounds(c)
				end = max(end, e)
			}
		}
		for _, closing := range []byte{'}', ']'} {
			if n.Style&yaml.FlowStyle != 0 && start < len(d.text) && d.text[start] == closing-2 {
				rest := strings.TrimLeft(d.text[end:], ", \t\r\n")
				if rest != "" && rest[0] == closing {
					end = len(d.text) - len(rest) + 1
				}
			}
		}
		return start, end
	}
	rest := d.text[start:]
	for strings.HasPrefix(rest, "&") || strings.HasPrefix(rest, "!") {
		i := strings.IndexAny(rest, " \t\n")
		if i < 0 {
			break
		}
		rest = strings.TrimLeft(rest[i:], " \t\r\n")
	}
	start = len(d.text) - len(rest)
	return start, start + d.length(n, rest)
}

// length is that of a scalar at the start of rest.
func (d yamlDocument) length(n *yaml.Node, rest string) int {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		for i := 1; i < len(rest); i++ {
			switch rest[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return len(rest)
	case n.Style&yaml.SingleQuotedStyle != 0:
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\'' {
				if i++; i >= len(rest) || rest[i] != '\'' {
					return i
				}
			}
		}
		return len(rest)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockLength(n, len(d.text)-len(rest))
	case strings.HasPrefix(rest, n.Value):
		return len(n.Value)
	}
	if i := strings.IndexAny(rest, "\r\n"); i >= 0 {
		return i
	}
	return len(rest)
}

// blockLength is that of a block scalar that starts at a byte: its header and
// the lines that are blank or indented as its first line is.
func (d yamlDocument) blockLength(n *yaml.Node, start int) int {
	first := sort.SearchInts(d.lines.starts, start+1)
	end := start + len(strings.TrimRight(d.text[start:d.lines.end(first)], "\r\n"))
	indent := -1
	for line := first + 1; line <= len(d.lines.starts); line++ {
		from := d.lines.starts[line-1]
		content := strings.TrimRight(d.text[from:d.lines.end(line)], "\r\n")
		bare := strings.TrimLeft(content, " ")
		if bare == "" {
			continue
		}
		if indent < 0 {
			indent = len(content) - len(bare)
		}
		if n.Value == "" || len(content)-len(bare) < indent || indent == 0 {
			break
		}
		end = from + len(content)
	}
	return end - start
}

// span is where a node stands.
func (d yamlDocument) span(n *yaml.Node) Span {
	start, end := d.bounds(n)
	return d.place(start, max(start, end))
}

// setting is a variable whose name and value stand at nodes. Value may be nil.
func (d yamlDocument) setting(name string, key, value *yaml.Node) *Setting {
	s := &Setting{Name: name, Key: d.span(key), Text: d.span(key)}
	if value == nil {
		s.Whole = s.Key
		return s
	}
	at := resolve(value)
	s.Value, s.Known = scalar(at)
	s.Text = d.span(at)
	s.Whole = s.Key
	if s.Text.Start >= s.Key.End {
		s.Whole.End = s.Text.End
	}
	d.locate(s, at)
	return s
}

// locate finds the value's bytes.
func (d yamlDocument) locate(s *Setting, n *yaml.Node) {
	if !s.Known || s.Value == "" {
		return
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		s.locate(n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0)
		return
	}
	text := s.Text.Text()
	if header := strings.IndexByte(text, '\n'); header >= 0 {
		from := header + 1 + len(text[header+1:]) - len(strings.TrimLeft(text[header+1:], " \r\n"))
		rest := s.Text.File.Text[s.Text.Start+from:]
		if strings.HasPrefix(rest, s.Value) {
			s.Exact, s.Start = true, s.Text.Start+from
		}
	}
}

// nested parses the text of a block scalar as YAML itself, as charts do with
// extraEnv, and places what stands in it. A text that is not one line for each
// line of the file is placed as a whole.
func (d yamlDocument) nested(n *yaml.Node) []yamlDocument {
	text := str(n)
	if text == "" {
		return nil
	}
	whole := d.span(n)
	place := func(int, int) Span { return whole }
	if n.Style&yaml.LiteralStyle != 0 {
		if b, ok := d.literal(n, text); ok {
			place = b.placer(whole.File)
		}
	}
	all, _ := yamlDocuments(text, place)
	return all
}

// literal maps the lines of a literal block scalar to those of the file.
func (d yamlDocument) literal(n *yaml.Node, text string) (block, bool) {
	var b block
	whole := d.span(n)
	if whole.File == nil || d.text != whole.File.Text {
		return b, false
	}
	line := n.Line + 1 // the one behind the header
	if at := sort.SearchInts(d.lines.starts, whole.Start+1); at > n.Line {
		line = at + 1
	}
	for _, l := range linesOf(text) {
		if l.start == l.end {
			break
		}
		if line > len(d.lines.starts) {
			return b, false
		}
		content := strings.TrimRight(text[l.start:l.end], "\n")
		from := d.lines.starts[line-1]
		bare := strings.TrimRight(d.text[from:d.lines.end(line)], "\r\n")
		if !strings.HasSuffix(bare, content) {
			return b, false
		}
		start := from + len(bare) - len(content)
		b.lines = append(b.lines, struct{ start, end int }{start, start + l.end - l.start})
		line++
	}
	return b, true
}
