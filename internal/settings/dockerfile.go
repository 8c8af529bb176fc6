package settings

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// parseDockerfile returns the variables that ENV sets in the image that a
// plain `docker build` makes. Lines that docker refuses are noted and left
// out: the rest of the folder is still of use.
func parseDockerfile(path, text string) ([]entry, []Note) {
	p := newDockerParser(text)
	p.path = path
	image := p.image(text)
	var entries []entry
	for _, s := range image.Env {
		entries = append(entries, entry{s.Name, s.Value, s.Line})
	}
	return entries, p.notes
}

// Image is what a Dockerfile says of the image that a plain `docker build`
// makes of it: that of the last stage and of the stages it is built from.
// Variables of the base image are not known.
type Image struct {
	// Env are its variables in the order of the file: of two with one name
	// the later counts.
	Env []Statement
	// Runs are its RUN instructions, Froms the FROM lines of the stages.
	Runs, Froms []Instruction
	// Refused are the instructions of the whole file that docker refuses, or
	// reads otherwise than they look, and values that it cannot fill in.
	Refused []Statement
}

// Instruction is one instruction of a Dockerfile.
type Instruction struct {
	// Text is what follows the instruction's name, its lines joined.
	Text string
	// Whole is where it stands.
	Whole Range
	// at has for each byte of Text where it stands in the file.
	at []int
}

// Of returns where bytes from to end of Text stand in the file.
func (i Instruction) Of(from, end int) Range {
	if from < 0 || from >= end || end > len(i.at) {
		return i.Whole
	}
	return Range{i.at[from], i.at[end-1] + 1}
}

// ReadDockerfile reads the text of a Dockerfile. A comment behind the value of
// an ENV line, which docker refuses, is Refused but else passed over: what the
// line is meant to set is among Env.
func ReadDockerfile(text string) Image {
	p := newDockerParser(text)
	p.lenient = true
	return p.image(text)
}

func newDockerParser(text string) *dockerParser {
	p := &dockerParser{lines: strings.Split(text, "\n"), left: budget{mostExpanded}}
	at := 0
	for _, line := range p.lines {
		p.starts = append(p.starts, at)
		at += len(line) + 1
	}
	return p
}

func (p *dockerParser) image(text string) Image {
	tree := p.parse(text)
	if tree == nil {
		return Image{Refused: p.refusals}
	}
	p.escape = tree.EscapeToken
	p.lex = shell.NewLex(tree.EscapeToken)
	for _, node := range tree.AST.Children {
		p.instruction(node)
	}
	image := Image{Refused: p.refusals}
	if p.current != nil {
		image.Env, image.Runs, image.Froms = p.current.env, p.current.runs, p.current.froms
	}
	return image
}

type dockerParser struct {
	path   string
	lines  []string
	starts []int // the byte at which each line starts
	lex    *shell.Lex
	escape rune
	left   budget
	notes  []Note
	// lenient reads an ENV line in spite of a comment behind its values.
	lenient  bool
	refusals []Statement

	args    scope // of ARG before the first FROM
	stages  []*stage
	current *stage
}

// stage is a build stage: scope is what $NAME means in it, env what its image
// gets.
type stage struct {
	name  string
	scope scope
	env   []Statement
	runs  []Instruction
	froms []Instruction
}

// scope holds variables and is what the lexer of buildkit asks for them.
type scope struct {
	values map[string]string
	left   *budget
	// unknown is set when a variable was asked for that is not here.
	unknown bool
}

func newScope(left *budget) scope { return scope{values: map[string]string{}, left: left} }

// Get returns a variable, or nothing once the budget is spent.
func (s *scope) Get(name string) (string, bool) {
	v, ok := s.values[name]
	s.unknown = s.unknown || !ok
	if !s.left.spend(v) {
		return "", false
	}
	return v, ok
}

// Keys returns nothing: only the linter of buildkit asks.
func (s *scope) Keys() []string { return nil }

// mostRefused bounds how many instructions docker may refuse before the file
// is given up: each one means parsing again without it.
const mostRefused = 50

func (p *dockerParser) parse(text string) *parser.Result {
	lines := strings.Split(text, "\n")
	for range mostRefused {
		src := []byte(strings.Join(lines, "\n"))
		if len(bytes.TrimSpace(src)) == 0 {
			return nil
		}
		tree, err := parser.Parse(bytes.NewReader(src))
		if err == nil {
			return tree
		}
		if strings.Contains(err.Error(), "file with no instructions") {
			return nil
		}
		first, last := location(err)
		if first < 1 || last > len(lines) {
			break
		}
		p.drop(lines, first, last)
	}
	p.refuse(Statement{Line: 1, Refused: "docker build refuses this file: none of its ENV lines is read"})
	return nil
}

// drop takes out an instruction that docker refuses, or the comment that it
// refuses it for, and keeps the place of everything else.
func (p *dockerParser) drop(lines []string, first, last int) {
	s := Statement{Line: first, Whole: p.span(first, last)}
	s.Refused, s.Hint, s.Comment = refused(strings.Join(lines[first-1:last], "\n"))
	comment := -1
	if s.Comment && first == last {
		comment = commentAt(lines[first-1])
	}
	if comment >= 0 {
		s.Text = Range{min(p.starts[first-1]+comment, s.Whole.End), s.Whole.End}
	}
	p.refuse(s)
	if p.lenient && comment >= 0 {
		lines[first-1] = lines[first-1][:comment]
		return
	}
	for i := first - 1; i < last; i++ {
		lines[i] = ""
	}
}

// location returns the lines of the instruction that the parser refused, the
// first 0 if it does not say.
func location(err error) (first, last int) {
	var at *parser.LocationError
	if !errors.As(err, &at) || len(at.Locations) == 0 || len(at.Locations[0]) == 0 {
		return 0, 0
	}
	ranges := at.Locations[0]
	return max(ranges[0].Start.Line, 1), max(ranges[len(ranges)-1].End.Line, 1)
}

// refused explains without quoting the instruction, which may hold secrets.
func refused(text string) (reason, hint string, comment bool) {
	word := strings.ToUpper(firstWord(text))
	switch {
	case word == "ENV" && strings.Contains(text, " #"):
		return "docker build refuses this ENV line, so it is ignored: a comment needs a line of its own, " +
			"after a value its words are taken for more name=value pairs", "write the comment on the line above", true
	case word == "ENV":
		return "docker build refuses this ENV line, so it is ignored: write ENV NAME=\"value\"", "write ENV NAME=\"value\"", false
	}
	return "docker build refuses this instruction, so it is ignored", "", false
}

func firstWord(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func (p *dockerParser) note(line int, name, text string) {
	p.notes = append(p.notes, Note{
		Origin: Origin{Place: Dockerfile, File: p.path, Line: line, Name: name},
		Text:   text,
	})
}

// refuse notes a refusal.
func (p *dockerParser) refuse(s Statement) {
	p.note(s.Line, s.Name, s.Refused)
	p.refusals = append(p.refusals, s)
}

func (p *dockerParser) instruction(node *parser.Node) {
	switch strings.ToLower(node.Value) {
	case "from":
		p.from(node)
	case "arg":
		p.arg(node)
	case "env":
		if p.current == nil {
			p.refuse(Statement{Line: node.StartLine, Whole: p.span(node.StartLine, node.EndLine),
				Refused: "an ENV line before the first FROM has no effect: docker build refuses it", Hint: "move it below FROM"})
			return
		}
		p.env(node)
	case "run":
		if p.current != nil {
			p.current.runs = append(p.current.runs, p.text(node))
		}
	default:
		p.unknown(node)
	}
}

// from starts a stage: a copy of the stage it names, or an empty one.
func (p *dockerParser) from(node *parser.Node) {
	words := values(node)
	s := &stage{scope: newScope(&p.left)}
	if len(words) == 0 {
		return
	}
	if len(words) == 3 && strings.EqualFold(words[1], "as") {
		s.name = strings.ToLower(words[2])
	}
	p.args.left = &p.left
	base, err := p.expand(words[0], &p.args)
	if err != nil {
		p.note(node.StartLine, "", "the base image's name cannot be read")
	}
	for i := len(p.stages) - 1; i >= 0; i-- {
		if from := p.stages[i]; from.name != "" && from.name == strings.ToLower(base) {
			s.env = append(s.env, from.env...)
			s.runs = append(s.runs, from.runs...)
			s.froms = append(s.froms, from.froms...)
			for k, v := range from.scope.values {
				s.scope.values[k] = v
			}
			break
		}
	}
	s.froms = append(s.froms, p.text(node))
	p.stages = append(p.stages, s)
	p.current = s
}

// arg sets build arguments to their defaults. One without a default in a
// stage takes that of before the first FROM.
func (p *dockerParser) arg(node *parser.Node) {
	if p.args.values == nil {
		p.args = newScope(&p.left)
	}
	in := &p.args
	if p.current != nil {
		in = &p.current.scope
	}
	for _, word := range values(node) {
		name, text, has := strings.Cut(word, "=")
		if !has {
			if v, ok := p.args.values[name]; ok {
				in.values[name] = v
			}
			continue
		}
		value, err := p.expand(text, in)
		if err != nil {
			p.note(node.StartLine, name, "the value of ARG "+name+" cannot be read")
			continue
		}
		in.values[name] = value
	}
}

// env sets variables. All pairs of one instruction see what was set before it.
func (p *dockerParser) env(node *parser.Node) {
	s := p.current
	var added []Statement
	places := p.pairs(node)
	for n := node.Next; n != nil && n.Next != nil && n.Next.Next != nil; n = n.Next.Next.Next {
		got := places[0]
		places = places[1:]
		s.scope.unknown = false
		name, err := p.expand(n.Value, &s.scope)
		if err != nil || name == "" {
			got.Refused = "an ENV without a readable name is ignored"
			p.refuse(got)
			continue
		}
		got.Name = name
		got.Value, err = p.expand(n.Next.Value, &s.scope)
		if err != nil {
			got.Refused = fmt.Sprintf("the value of ENV %s is ignored: %v", excerpt.Word(name), err)
			p.refuse(got)
			continue
		}
		got.Set, got.Known = true, !s.scope.unknown
		p.remarkOnComment(got, n.Next)
		if !got.Known && strings.HasPrefix(name, "AIRFLOW_") {
			p.note(got.Line, name, "the value of ENV "+name+" uses a variable that this Dockerfile does not set: it is read as empty")
		}
		added = append(added, got)
	}
	for _, e := range added {
		s.scope.values[e.Name] = e.Value
	}
	s.env = append(s.env, added...)
}

// remarkOnComment tells of ENV NAME value # words, which docker takes for the
// value as it stands.
func (p *dockerParser) remarkOnComment(s Statement, value *parser.Node) {
	if comment := commentAt(value.Value); p.lenient && value.Next.Value == "" && comment > 0 {
		s.Comment, s.Set = true, false
		s.Refused, s.Hint = "the comment behind the value is part of it", "write the comment on the line above"
		s.Text = Range{min(s.Text.Start+comment, s.Text.End), s.Text.End}
		p.refusals = append(p.refusals, s)
	}
}

var (
	errSubstitution = errors.New("a variable in it cannot be substituted")
	errExpansion    = errors.New("variables make it too large")
)

// expand removes quotes and escapes and fills in variables, as buildkit does
// at build time. Its own errors quote the word.
func (p *dockerParser) expand(word string, in *scope) (string, error) {
	value, _, err := p.lex.ProcessWord(word, in)
	if p.left.left < 0 {
		return "", errExpansion
	}
	if err != nil {
		return "", errSubstitution
	}
	return value, nil
}

// values lists the words after an instruction's name.
func values(node *parser.Node) []string {
	var words []string
	for n := node.Next; n != nil; n = n.Next {
		words = append(words, n.Value)
	}
	return words
}
