package settings

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// parseDockerfile returns the variables that ENV sets in the image that a
// plain `docker build` makes: those of the last stage and of the stages it is
// built from. Variables of the base image are not known here. Lines that
// docker refuses are noted and left out: the rest of the folder is still of use.
func parseDockerfile(path, text string) ([]entry, []Note) {
	p := dockerParser{path: path, lines: strings.Split(text, "\n"), left: budget{mostExpanded}}
	tree := p.parse(text)
	if tree == nil {
		return nil, p.notes
	}
	p.lex = shell.NewLex(tree.EscapeToken)
	for _, node := range tree.AST.Children {
		p.instruction(node)
	}
	if p.current == nil {
		return nil, p.notes
	}
	return p.current.env, p.notes
}

type dockerParser struct {
	path  string
	lines []string
	lex   *shell.Lex
	left  budget
	notes []Note

	args    scope // of ARG before the first FROM
	stages  []*stage
	current *stage
}

// stage is a build stage: scope is what $NAME means in it, env what its image
// gets.
type stage struct {
	name  string
	scope scope
	env   []entry
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
		p.note(first, "", refused(strings.Join(lines[first-1:last], "\n")))
		for i := first - 1; i < last; i++ {
			lines[i] = ""
		}
	}
	p.note(1, "", "docker build refuses this file: none of its ENV lines is read")
	return nil
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
func refused(text string) string {
	word := strings.ToUpper(firstWord(text))
	switch {
	case word == "ENV" && strings.Contains(text, " #"):
		return "docker build refuses this ENV line, so it is ignored: a comment needs a line of its own, " +
			"after a value its words are taken for more name=value pairs"
	case word == "ENV":
		return "docker build refuses this ENV line, so it is ignored: write ENV NAME=\"value\""
	}
	return "docker build refuses this instruction, so it is ignored"
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

func (p *dockerParser) instruction(node *parser.Node) {
	switch strings.ToLower(node.Value) {
	case "from":
		p.from(node)
	case "arg":
		p.arg(node)
	case "env":
		if p.current == nil {
			p.note(node.StartLine, "", "an ENV line before the first FROM has no effect: docker build refuses it")
			return
		}
		p.env(node)
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
			for k, v := range from.scope.values {
				s.scope.values[k] = v
			}
			break
		}
	}
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
	var added []entry
	for n := node.Next; n != nil && n.Next != nil && n.Next.Next != nil; n = n.Next.Next.Next {
		s.scope.unknown = false
		name, err := p.expand(n.Value, &s.scope)
		line := p.lineOf(node, n.Value)
		if err != nil || name == "" {
			p.note(line, "", "an ENV without a readable name is ignored")
			continue
		}
		value, err := p.expand(n.Next.Value, &s.scope)
		if err != nil {
			p.note(line, name, fmt.Sprintf("the value of ENV %s is ignored: %v", name, err))
			continue
		}
		if s.scope.unknown && strings.HasPrefix(name, "AIRFLOW_") {
			p.note(line, name, "the value of ENV "+name+" uses a variable that this Dockerfile does not set: it is read as empty")
		}
		added = append(added, entry{name, value, line})
	}
	for _, e := range added {
		s.scope.values[e.name] = e.value
	}
	s.env = append(s.env, added...)
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

// lineOf finds the line of an instruction of several lines that sets name.
func (p *dockerParser) lineOf(node *parser.Node, name string) int {
	for line := node.StartLine; line <= node.EndLine && line <= len(p.lines); line++ {
		for _, word := range strings.Fields(p.lines[line-1]) {
			if strings.HasPrefix(word, name+"=") {
				return line
			}
		}
	}
	return node.StartLine
}

// values lists the words after an instruction's name.
func values(node *parser.Node) []string {
	var words []string
	for n := node.Next; n != nil; n = n.Next {
		words = append(words, n.Value)
	}
	return words
}
