package pyregex

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	longestPattern = 10_000
	deepest        = 200
	// unbounded is the width of what has no longest match.
	unbounded = 1 << 40
)

// node is a parsed piece: the engine's words for it and how many characters
// it can match.
type node struct {
	text     string
	min, max int
	// bare is set for what cannot be repeated: an anchor, or nothing.
	bare bool
}

// flags are those that can change within a pattern.
type flags struct{ fold, dotAll, multiline bool }

// parser reads a pattern as Python's re._parser does.
type parser struct {
	src    []rune
	pos    int
	depth  int
	groups int
	names  map[string]int // :: name -> group
	widths map[int]node   // :: closed group -> its widths
	later  []reference    // conditions on groups further on
}

// translate returns the pattern in the engine's words, bound to the start.
func translate(pattern string) (string, error) {
	p := &parser{src: []rune(pattern), names: map[string]int{}, widths: map[int]node{}}
	if len(p.src) > longestPattern {
		return "", &UnsupportedError{fmt.Sprintf("pattern of more than %d characters", longestPattern)}
	}
	f := flags{fold: true}
	if err := p.globalFlags(&f); err != nil {
		return "", err
	}
	n, err := p.alternatives(f)
	if err != nil {
		return "", err
	}
	if p.pos < len(p.src) {
		return "", p.errAt("unbalanced parenthesis", p.pos)
	}
	for _, r := range p.later {
		if r.number > p.groups {
			return "", p.errAt(fmt.Sprintf("invalid group reference %d", r.number), r.at)
		}
	}
	return `\A(?:` + n.text + ")", nil
}

func (p *parser) errAt(what string, position int) error {
	return &Error{What: what, Position: position}
}

// peek is the next character, 0 at the end.
func (p *parser) peek() rune {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *parser) more() bool { return p.pos < len(p.src) }

// take consumes text if it is next.
func (p *parser) take(text string) bool {
	want := []rune(text)
	if p.pos+len(want) > len(p.src) || string(p.src[p.pos:p.pos+len(want)]) != text {
		return false
	}
	p.pos += len(want)
	return true
}

// globalFlags are flags for the whole pattern, which stand at its start.
func (p *parser) globalFlags(f *flags) error {
	for strings.HasPrefix(string(p.src[p.pos:]), "(?") {
		end := p.pos + 2
		for end < len(p.src) && strings.ContainsRune("aiLmsux", p.src[end]) {
			end++
		}
		if end == p.pos+2 || end >= len(p.src) || p.src[end] != ')' {
			return nil
		}
		for at, letter := range p.src[p.pos+2 : end] {
			if err := p.flag(f, letter, true, p.pos+2+at+1); err != nil {
				return err
			}
		}
		p.pos = end + 1
	}
	return nil
}

func (p *parser) flag(f *flags, letter rune, on bool, position int) error {
	switch letter {
	case 'i':
		f.fold = on || f.fold && p.depth == 0
	case 's':
		f.dotAll = on
	case 'm':
		f.multiline = on
	case 'x':
		if on {
			return &UnsupportedError{"flag x (verbose)"}
		}
	case 'a':
		return &UnsupportedError{"flag a (ASCII)"}
	case 'L':
		return p.errAt("bad inline flags: cannot use 'L' flag with a str pattern", position)
	}
	return nil
}

// alternatives is a|b|c up to a closing parenthesis or the end.
func (p *parser) alternatives(f flags) (node, error) {
	if p.depth++; p.depth > deepest {
		return node{}, &UnsupportedError{fmt.Sprintf("nesting of more than %d groups", deepest)}
	}
	defer func() { p.depth-- }()
	out, err := p.sequence(f)
	for err == nil && p.peek() == '|' && p.more() {
		p.pos++
		var next node
		if next, err = p.sequence(f); err == nil {
			out = node{text: out.text + "|" + next.text, min: min(out.min, next.min), max: max(out.max, next.max)}
		}
	}
	return out, err
}

func (p *parser) sequence(f flags) (node, error) {
	var out node
	var b strings.Builder
	for p.more() && p.peek() != '|' && p.peek() != ')' {
		start := p.pos
		item, err := p.item(f)
		if err != nil {
			return node{}, err
		}
		if item, err = p.repeated(item, start); err != nil {
			return node{}, err
		}
		b.WriteString(item.text)
		out.min, out.max = min(out.min+item.min, unbounded), min(out.max+item.max, unbounded)
	}
	out.text = b.String()
	return out, nil
}

// repeated applies the quantifier that follows, if one does.
func (p *parser) repeated(item node, start int) (node, error) {
	at := p.pos
	low, high, ok, err := p.quantifier()
	if err != nil || !ok {
		return item, err
	}
	if item.bare {
		return node{}, p.errAt("nothing to repeat", at)
	}
	suffix := ""
	possessive := false
	switch {
	case p.take("?"):
		suffix = "?"
	case p.take("+"):
		possessive = true
	}
	end := p.pos
	if _, _, again, err := p.quantifier(); err != nil || again {
		return node{}, p.errAt("multiple repeat", end)
	}
	quantifier := fmt.Sprintf("{%d,%d}", low, high)
	if high == unbounded {
		quantifier = fmt.Sprintf("{%d,}", low)
	}
	text := "(?:" + item.text + ")" + quantifier + suffix
	if possessive {
		text = "(?>" + text + ")"
	}
	return node{text: text, min: times(item.min, low), max: times(item.max, high)}, nil
}

func times(a, b int) int {
	if a == 0 || b == 0 {
		return 0
	}
	if a >= unbounded/b {
		return unbounded
	}
	return a * b
}

// quantifier reads *, +, ? or {m,n}. A brace that begins none is a character.
func (p *parser) quantifier() (low, high int, ok bool, err error) {
	start := p.pos
	switch {
	case p.take("*"):
		return 0, unbounded, true, nil
	case p.take("+"):
		return 1, unbounded, true, nil
	case p.take("?"):
		return 0, 1, true, nil
	case !p.take("{"):
		return 0, 0, false, nil
	}
	lowText := p.digits()
	highText := lowText
	comma := p.take(",")
	if comma {
		highText = p.digits()
	}
	if !p.take("}") || lowText == "" && !comma {
		p.pos = start
		return 0, 0, false, nil
	}
	high = unbounded
	if lowText != "" {
		low, err = p.count(lowText)
	}
	if err == nil && highText != "" {
		high, err = p.count(highText)
	}
	if err == nil && high < low {
		err = p.errAt("min repeat greater than max repeat", start+1)
	}
	return low, high, err == nil, err
}

func (p *parser) digits() string {
	start := p.pos
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	return string(p.src[start:p.pos])
}

func (p *parser) count(text string) (int, error) {
	const most = 1<<31 - 2
	n, err := strconv.Atoi(text)
	if err != nil || n > most {
		return 0, &Error{What: "the repetition number is too large", Position: -1}
	}
	return n, nil
}

// item is what a quantifier can follow.
func (p *parser) item(f flags) (node, error) {
	start := p.pos
	switch c := p.src[p.pos]; c {
	case '(':
		p.pos++
		return p.group(f, start)
	case '[':
		p.pos++
		return p.class(f, start)
	case '\\':
		return p.escape(f)
	case '*', '+', '?':
		return node{}, p.errAt("nothing to repeat", start)
	case '{':
		if _, _, ok, err := p.quantifier(); err != nil || ok {
			return node{}, p.errAt("nothing to repeat", start)
		}
	}
	c := p.src[start]
	p.pos = start + 1
	switch {
	case c == '.' && f.dotAll:
		return one(`[\s\S]`), nil
	case c == '.':
		return one(`[^\n]`), nil
	case c == '^' && f.multiline:
		return anchor(`(?:\A|(?<=\n))`), nil
	case c == '^':
		return anchor(`\A`), nil
	case c == '$' && f.multiline:
		return anchor(`(?=\n|\z)`), nil
	case c == '$':
		return anchor(`(?=\n?\z)`), nil
	}
	return one(literal(c, f)), nil
}

func one(text string) node    { return node{text: text, min: 1, max: 1} }
func anchor(text string) node { return node{text: text, bare: true} }

// literal is one character, with those that count as the same.
func literal(c rune, f flags) string {
	s := set{}
	s.add(c, c)
	return s.text(f.fold, false)
}
