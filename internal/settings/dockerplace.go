package settings

import (
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// span is the range of lines first to last, without blanks around it.
func (p *dockerParser) span(first, last int) Range {
	if first < 1 || last > len(p.lines) || first > last {
		return Range{}
	}
	start, end := p.starts[first-1], p.starts[last-1]+len(p.lines[last-1])
	text := strings.Join(p.lines[first-1:last], "\n")
	start += len(text) - len(strings.TrimLeftFunc(text, unicode.IsSpace))
	end -= len(text) - len(strings.TrimRightFunc(text, unicode.IsSpace))
	return Range{start, max(start, end)}
}

// text joins the lines of an instruction as buildkit's parser does (Parse),
// and keeps where each byte stands. A comment that makes docker refuse the
// line is still part of it.
func (p *dockerParser) text(node *parser.Node) Instruction {
	i := Instruction{Whole: p.span(node.StartLine, node.EndLine)}
	var joined strings.Builder
	for n := node.StartLine; n >= 1 && n <= node.EndLine && n <= len(p.lines); n++ {
		line := strings.TrimSuffix(p.lines[n-1], "\r")
		bare := strings.TrimLeftFunc(line, unicode.IsSpace)
		if n > node.StartLine && (bare == "" || bare[0] == '#') {
			continue
		}
		kept := line
		if cut := strings.TrimRight(line, " \t"); strings.HasSuffix(cut, string(p.escape)) {
			kept = cut[:len(cut)-utf8.RuneLen(p.escape)]
		}
		for at := range len(kept) {
			i.at = append(i.at, p.starts[n-1]+at)
		}
		joined.WriteString(kept)
	}
	i.Text = joined.String()
	trimmed := strings.TrimLeftFunc(i.Text, unicode.IsSpace)
	word := strings.IndexFunc(trimmed, unicode.IsSpace)
	if word < 0 {
		word = len(trimmed)
	}
	rest := strings.TrimLeftFunc(trimmed[word:], unicode.IsSpace)
	i.at = i.at[len(i.Text)-len(rest):]
	i.Text = rest
	return i
}

// pairs places the name=value pairs of an ENV instruction, one for each that
// the parser found.
func (p *dockerParser) pairs(node *parser.Node) []Statement {
	text := p.text(node)
	var all []Statement
	from := 0
	for n := node.Next; n != nil && n.Next != nil && n.Next.Next != nil; n = n.Next.Next.Next {
		got := Statement{Line: node.StartLine, Whole: text.Whole, Key: text.Whole, Text: text.Whole}
		name, value, sep := n.Value, n.Next.Value, n.Next.Next.Value
		if sep == "" {
			got.Key, got.Text = text.oldPair(name, value)
		} else if at := wordAt(text.Text, name+sep+value, from); at >= 0 {
			from = at + len(name+sep+value)
			got.Key = text.Of(at, at+len(name))
			got.Text = text.Of(at+len(name+sep), from)
			if value == "" {
				end := text.Of(from-1, from).End
				got.Text = Range{end, end}
			}
			got.Whole = text.Of(at, from)
		}
		got.Line = p.line(got.Key.Start)
		all = append(all, got)
	}
	if len(all) == 1 {
		all[0].Whole = text.Whole
	}
	return all
}

// oldPair places ENV NAME value.
func (i Instruction) oldPair(name, value string) (key, text Range) {
	at := len(i.Text) - len(strings.TrimRightFunc(value, unicode.IsSpace))
	if from := strings.LastIndex(i.Text, value); value != "" && from >= len(name) {
		at = from
	}
	end := at + len(strings.TrimRightFunc(value, unicode.IsSpace))
	return i.Of(0, len(name)), i.Of(at, end)
}

// wordAt finds word in text behind from, where a word starts.
func wordAt(text, word string, from int) int {
	for from <= len(text) {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return -1
		}
		at += from
		if before, _ := utf8.DecodeLastRuneInString(text[:at]); at == 0 || unicode.IsSpace(before) {
			return at
		}
		from = at + 1
	}
	return -1
}

func (p *dockerParser) line(at int) int { return sort.SearchInts(p.starts, at+1) }

// commentAt finds the word outside of quotes that starts with # in an ENV
// line; -1 where there is none.
func commentAt(line string) int {
	var quote byte
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && i > 0 && (line[i-1] == ' ' || line[i-1] == '\t'):
			return i
		}
	}
	return -1
}
