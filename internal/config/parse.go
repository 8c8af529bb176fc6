package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// mostBytes bounds the file.
	mostBytes = 128 << 10
	// mostDeep bounds how values stand inside each other. The YAML library
	// takes a time that grows with the square of it.
	mostDeep = 64
)

// parse returns the mapping that the text is, nil for an empty text. What is
// wrong is told in our own words or in words of the library that are known to
// quote nothing: its errors print the lines around, credentials and all.
func (d *decoder) parse(text []byte) *ast.MappingNode {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) // the library counts some lines twice
	if i := badByte(text); i >= 0 {
		d.fail(Position{1 + bytes.Count(text[:i], []byte("\n")), 1}, "", "the line is not UTF-8 text", "save the file as UTF-8")
		return nil
	}
	tokens := lexer.Tokenize(string(text))
	if at, ok := tooDeep(tokens); ok {
		d.fail(at, "", fmt.Sprintf("more than %d values stand inside each other", mostDeep), "")
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil
	}
	return d.document(file)
}

// badByte is the offset of the first byte that is not UTF-8, or NUL; -1 if
// there is none.
func badByte(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 || r == 0 {
			return i
		}
		i += size
	}
	return -1
}

// tooDeep finds the token at which values stand too deep in each other: inside
// brackets, or by dashes on one line. Deep indentation needs a long file.
func tooDeep(tokens token.Tokens) (Position, bool) {
	brackets, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if brackets > mostDeep || dashes > mostDeep {
			return positionOf(t), true
		}
	}
	return Position{}, false
}

func (d *decoder) syntax(err error) {
	at, text := Position{}, "it is not YAML"
	var e yaml.Error
	if errors.As(err, &e) {
		if e.GetToken() != nil {
			at = positionOf(e.GetToken())
		}
		// Messages with a double quote quote the file.
		if m := e.GetMessage(); m != "" && !strings.Contains(m, `"`) {
			text += ": " + m
		}
	}
	d.fail(at, "", text, "text with : # { [ or a quote in it needs quotes around it; indent by blanks, not tabs")
}

// document returns the one mapping of the file.
func (d *decoder) document(file *ast.File) *ast.MappingNode {
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			d.fail(nodePosition(doc.Body), "", "a second document begins here", "keep one, without ---")
			return nil
		}
		body = doc.Body
	}
	switch n := body.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return nil
	case *ast.MappingNode:
		return n
	default:
		d.fail(nodePosition(n), "", "it is "+kindOf(n)+", not a mapping of keys", "begin with a line such as: sources:")
		return nil
	}
}

func positionOf(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{}
	}
	return Position{t.Position.Line, t.Position.Column}
}

// nodePosition is where a value begins; the token of a mapping is its first
// colon.
func nodePosition(n ast.Node) Position {
	switch n := n.(type) {
	case nil:
		return Position{}
	case *ast.MappingNode:
		if len(n.Values) > 0 && n.Values[0].Key != nil {
			return positionOf(n.Values[0].Key.GetToken())
		}
	}
	return positionOf(n.GetToken())
}

// kindOf says what a value is, for people.
func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "a boolean"
	case *ast.NullNode:
		return "empty"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or a reference to one"
	case *ast.TagNode:
		return "a value with a tag"
	}
	return "something that is not read here"
}
