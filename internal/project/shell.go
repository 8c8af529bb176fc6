package project

import (
	"errors"
	"sort"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// placer tells where bytes from to end of a script stand.
type placer func(from, end int) Span

// Bounds of a script: the parser calls itself for what stands inside.
const (
	mostScript  = 256 << 10
	mostNesting = 200
	mostRead    = 8 << 20 // bytes, where lines have to be passed over
)

// tooDeep tells a text in which more brackets are open at once than anybody
// writes.
func tooDeep(text string) bool {
	open := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{', '[':
			open++
		case ')', '}', ']':
			open = max(open-1, 0)
		}
		if open > mostNesting {
			return true
		}
	}
	return false
}

// mostSkipped bounds how many lines of a script may be no shell.
const mostSkipped = 200

// shellCommands lists the simple commands of a script. Lines that bash cannot
// read are passed over. What stands in angle brackets, as documents write what
// is to be filled in, counts as text and not as a redirection.
func shellCommands(text string, place placer) []Command {
	if len(text) > mostScript || tooDeep(text) {
		return nil
	}
	masked := maskPlaceholders(text)
	s := script{text: text, place: place, lines: lineStartsOf(text)}
	for range min(mostSkipped, mostRead/(len(text)+1)) {
		file, err := syntax.NewParser(syntax.KeepComments(true), syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(masked), "")
		var failed syntax.ParseError
		var other syntax.LangError
		var line int
		switch {
		case err == nil:
			s.walk(file)
			return s.commands
		case errors.As(err, &failed):
			line = int(failed.Pos.Line())
		case errors.As(err, &other):
			line = int(other.Pos.Line())
		}
		if line < 1 || line > len(s.lines) {
			return nil
		}
		if masked = blankLine(masked, s.lines, line); strings.TrimSpace(masked) == "" {
			return nil
		}
	}
	return nil
}

// blankLine takes a line out without moving the others.
func blankLine(text string, starts []int, line int) string {
	end := len(text)
	if line < len(starts) {
		end = starts[line] - 1
	}
	for ; line > 1 && strings.TrimSpace(text[starts[line-1]:end]) == ""; line-- {
		end = starts[line-1] - 1 // a line already out: the one before is to blame
	}
	start := starts[line-1]
	return text[:start] + strings.Repeat(" ", max(end-start, 0)) + text[max(end, start):]
}

func lineStartsOf(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

var placeholder = lazyregexp.New(`<[A-Za-z][A-Za-z0-9_. -]*>`)

// The bytes that stand for those of a placeholder.
const (
	maskOpen, maskClose, maskBlank = '\x02', '\x03', '\x04'
)

var (
	masks   = strings.NewReplacer("<", string(maskOpen), ">", string(maskClose), " ", string(maskBlank))
	unmasks = strings.NewReplacer(string(maskOpen), "<", string(maskClose), ">", string(maskBlank), " ")
)

func maskPlaceholders(text string) string {
	if strings.ContainsAny(text, "\x02\x03\x04") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, masks.Replace)
}

// script collects the commands of one text.
type script struct {
	text     string
	place    placer
	lines    []int
	comments map[uint]string // by line
	commands []Command
	piped    map[*syntax.Stmt]*syntax.Stmt // :: reader -> writer
}

func (s *script) walk(file *syntax.File) {
	s.comments, s.piped = map[uint]string{}, map[*syntax.Stmt]*syntax.Stmt{}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Comment:
			s.comments[n.Hash.Line()] = strings.TrimSpace(unmasks.Replace(n.Text))
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe {
				s.piped[n.Y] = n.X
			}
		}
		return true
	})
	syntax.Walk(file, func(n syntax.Node) bool {
		if stmt, ok := n.(*syntax.Stmt); ok {
			s.statement(stmt)
		}
		return true
	})
	sort.SliceStable(s.commands, func(i, j int) bool { return s.commands[i].Span.Start < s.commands[j].Span.Start })
}

func (s *script) statement(stmt *syntax.Stmt) {
	var c Command
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		c.Assigns = s.assigns(cmd.Assigns)
		for _, w := range cmd.Args {
			c.Words = append(c.Words, s.word(w))
		}
	case *syntax.DeclClause:
		c.Words = []Word{{Text: cmd.Variant.Value, Span: s.span(cmd.Variant)}}
		c.Assigns = s.assigns(cmd.Args)
	default:
		return
	}
	c.Span = s.ofStatement(stmt)
	c.Input = s.input(stmt)
	c.Comment = s.comments[stmt.End().Line()]
	s.commands = append(s.commands, c)
}

// input finds what a command reads.
func (s *script) input(stmt *syntax.Stmt) *Word {
	for _, redirect := range stmt.Redirs {
		switch {
		case redirect.Hdoc != nil:
			word := s.word(redirect.Hdoc)
			word.Span = s.withoutDelimiter(redirect.Hdoc)
			for _, part := range redirect.Word.Parts {
				if _, bare := part.(*syntax.Lit); !bare {
					word.Expands = false
				}
			}
			return &word
		case redirect.Op == syntax.WordHdoc:
			word := s.word(redirect.Word)
			word.Text += "\n"
			return &word
		}
	}
	writer := s.piped[stmt]
	if writer == nil {
		return nil
	}
	if call, ok := writer.Cmd.(*syntax.CallExpr); ok {
		return s.printed(call)
	}
	return nil
}

// ofStatement is a command with its redirections, without the semicolon.
func (s *script) ofStatement(stmt *syntax.Stmt) Span {
	end := stmt.Cmd.End()
	for _, redirect := range stmt.Redirs {
		if redirect.End().After(end) {
			end = redirect.End()
		}
	}
	return s.between(stmt.Pos(), end)
}

// withoutDelimiter is a here-document without the line that ends it.
func (s *script) withoutDelimiter(n syntax.Node) Span {
	from, end := s.clip(n.Pos()), s.clip(n.End())
	if i := strings.LastIndexByte(s.text[from:max(from, end)], '\n'); i >= 0 {
		end = from + i + 1
	}
	return s.place(from, max(from, end))
}

func (s *script) clip(p syntax.Pos) int { return min(int(p.Offset()), len(s.text)) }

func (s *script) between(from, end syntax.Pos) Span {
	return s.place(s.clip(from), max(s.clip(from), s.clip(end)))
}

// printed is what echo or printf writes, nil for another command.
func (s *script) printed(call *syntax.CallExpr) *Word {
	var words []Word
	for _, w := range call.Args {
		words = append(words, s.word(w))
	}
	if len(words) < 2 {
		return nil
	}
	end := "\n"
	args := words[1:]
	switch words[0].Text {
	case "printf":
		if end = ""; len(args) > 1 && (args[0].Text == "%s" || args[0].Text == `%s\n`) {
			end = strings.ReplaceAll(args[0].Text[2:], `\n`, "\n")
			args = args[1:]
		}
	case "echo":
		if args[0].Text == "-n" {
			end, args = "", args[1:]
		}
	default:
		return nil
	}
	if len(args) == 0 {
		return nil
	}
	out := args[0]
	for _, w := range args[1:] {
		out.Text += " " + w.Text
		out.Expands = out.Expands || w.Expands
		out.Span.End = w.Span.End
	}
	out.Text += end
	return &out
}

// assigns lists NAME=value words. What export has besides them, such as the
// rest of a value without quotes, is among them as it stands.
func (s *script) assigns(list []*syntax.Assign) []Word {
	var words []Word
	for _, a := range list {
		w := Word{Span: s.span(a)}
		switch {
		case a.Value != nil:
			w = s.word(a.Value)
			w.Span = s.span(a)
		case a.Array != nil || a.Index != nil:
			continue
		}
		if a.Name != nil && !a.Naked {
			w.Text = a.Name.Value + "=" + w.Text
		} else if a.Name != nil {
			w.Text = a.Name.Value
		}
		words = append(words, w)
	}
	return words
}

func (s *script) span(n syntax.Node) Span { return s.between(n.Pos(), n.End()) }

func (s *script) word(w *syntax.Word) Word {
	word := Word{Span: s.span(w)}
	var text strings.Builder
	for _, part := range w.Parts {
		s.part(&word, &text, part, false)
	}
	word.Text = unmasks.Replace(text.String())
	return word
}

func (s *script) part(word *Word, text *strings.Builder, part syntax.WordPart, quoted bool) {
	switch p := part.(type) {
	case *syntax.Lit:
		text.WriteString(unescape(p.Value, quoted))
	case *syntax.SglQuoted:
		word.Quoted = true
		text.WriteString(p.Value)
	case *syntax.DblQuoted:
		word.Quoted = true
		for _, inner := range p.Parts {
			s.part(word, text, inner, true)
		}
	default:
		word.Expands = true
		from, end := int(part.Pos().Offset()), int(part.End().Offset())
		if from <= end && end <= len(s.text) {
			text.WriteString(s.text[from:end])
		}
	}
}

// unescape removes backslashes as bash does: inside double quotes only those
// before a character that they protect there.
func unescape(text string, quoted bool) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		i++
		switch {
		case text[i] == '\n':
		case quoted && !strings.ContainsRune("$`\"\\", rune(text[i])):
			out.WriteByte('\\')
			out.WriteByte(text[i])
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String()
}
