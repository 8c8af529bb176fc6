package pyregex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// group reads what follows an opening parenthesis at start.
func (p *parser) group(f flags, start int) (node, error) {
	if !p.take("?") {
		p.groups++
		return p.capture(f, p.groups, start)
	}
	switch {
	case p.take(":"):
		return p.close(f, "(?:", start)
	case p.take(">"):
		return p.close(f, "(?>", start)
	case p.take("#"):
		return p.comment(start)
	case p.take("="):
		return p.look(f, "(?=", start, false)
	case p.take("!"):
		return p.look(f, "(?!", start, false)
	case p.take("<="):
		return p.look(f, "(?<=", start, true)
	case p.take("<!"):
		return p.look(f, "(?<!", start, true)
	case p.take("("):
		return p.condition(f, start)
	case p.take("P<"):
		return p.named(f, start)
	case p.take("P="):
		return p.namedReference(f)
	}
	return p.extension(f, start)
}

// extension is (?flags:...), or an error.
func (p *parser) extension(f flags, start int) (node, error) {
	switch c := p.peek(); {
	case !p.more():
		return node{}, p.errAt("unexpected end of pattern", p.pos)
	case c == 'P' && p.pos+1 >= len(p.src):
		return node{}, p.errAt("unexpected end of pattern", p.pos+1)
	case c == 'P':
		return node{}, p.errAt("unknown extension ?P"+string(p.src[p.pos+1]), start+1)
	case c == '<' && p.pos+1 >= len(p.src):
		return node{}, p.errAt("unexpected end of pattern", p.pos+1)
	case c == '<':
		return node{}, p.errAt("unknown extension ?<"+string(p.src[p.pos+1]), start+1)
	case !strings.ContainsRune("aiLmsux-", c):
		return node{}, p.errAt("unknown extension ?"+string(c), start+1)
	}
	on := true
	for ; p.more(); p.pos++ {
		switch c := p.peek(); {
		case c == ':':
			p.pos++
			return p.close(f, "(?:", start)
		case c == ')' && on:
			return node{}, p.errAt("global flags not at the start of the expression", start)
		case c == '-' && on:
			on = false
			if next := p.pos + 1; next < len(p.src) && !strings.ContainsRune("aiLmsux", p.src[next]) && !unicode.IsLetter(p.src[next]) {
				return node{}, p.errAt("missing flag", next)
			}
		case !strings.ContainsRune("aiLmsux", c) && unicode.IsLetter(c):
			return node{}, p.errAt("unknown flag", p.pos)
		case !strings.ContainsRune("aiLmsux", c):
			return node{}, p.errAt("missing -, : or )", p.pos)
		default:
			if err := p.flag(&f, c, on, p.pos+1); err != nil {
				return node{}, err
			}
		}
	}
	return node{}, p.errAt("missing -, : or )", p.pos)
}

// close reads the rest of a group that captures nothing.
func (p *parser) close(f flags, open string, start int) (node, error) {
	n, err := p.alternatives(f)
	if err != nil {
		return node{}, err
	}
	if !p.take(")") {
		return node{}, p.errAt("missing ), unterminated subpattern", start)
	}
	return node{text: open + n.text + ")", min: n.min, max: n.max}, nil
}

func (p *parser) capture(f flags, number, start int) (node, error) {
	if number > 99 {
		return node{}, &UnsupportedError{"pattern of more than 99 groups"}
	}
	n, err := p.close(f, fmt.Sprintf("(?<%d>", number), start)
	if err == nil {
		p.widths[number] = n
	}
	return n, err
}

func (p *parser) comment(start int) (node, error) {
	for p.more() {
		if p.take(")") {
			return node{bare: true}, nil
		}
		p.pos++
	}
	return node{}, p.errAt("missing ), unterminated comment", start)
}

// look is a look-around; one to the left has a fixed width.
func (p *parser) look(f flags, open string, start int, behind bool) (node, error) {
	n, err := p.close(f, open, start)
	if err == nil && behind && n.min != n.max {
		return node{}, &Error{What: "look-behind requires fixed-width pattern", Position: -1}
	}
	return node{text: n.text}, err
}

// name reads up to the end of a group's name.
func (p *parser) name(end string) (string, error) {
	start := p.pos
	for p.more() && string(p.peek()) != end {
		p.pos++
	}
	name := string(p.src[start:p.pos])
	switch {
	case name == "" && !p.more() || name == "":
		return "", p.errAt("missing group name", start)
	case !p.take(end):
		return "", p.errAt(fmt.Sprintf("missing %s, unterminated name", end), start)
	}
	return name, nil
}

func isIdentifier(name string) bool {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsNumber(r)) {
			return false
		}
	}
	return name != ""
}

func (p *parser) named(f flags, start int) (node, error) {
	at := p.pos
	name, err := p.name(">")
	switch {
	case err != nil:
		return node{}, err
	case !isIdentifier(name):
		return node{}, p.errAt(fmt.Sprintf("bad character in group name '%s'", name), at)
	case p.names[name] != 0:
		return node{}, p.errAt(fmt.Sprintf("redefinition of group name '%s' as group %d; was group %d", name, p.groups+1, p.names[name]), at)
	}
	p.groups++
	p.names[name] = p.groups
	return p.capture(f, p.groups, start)
}

func (p *parser) namedReference(f flags) (node, error) {
	at := p.pos
	name, err := p.name(")")
	if err != nil {
		return node{}, err
	}
	if !isIdentifier(name) {
		return node{}, p.errAt(fmt.Sprintf("bad character in group name '%s'", name), at)
	}
	number, ok := p.names[name]
	if !ok {
		return node{}, p.errAt(fmt.Sprintf("unknown group name '%s'", name), at)
	}
	return p.reference(f, number, at, at)
}

// reference is what a group has matched; at and openAt are where Python sees
// the mistake in one that does not exist and in one that has not ended.
func (p *parser) reference(f flags, number, at, openAt int) (node, error) {
	width, closed := p.widths[number]
	switch {
	case number > p.groups:
		return node{}, p.errAt(fmt.Sprintf("invalid group reference %d", number), at)
	case !closed:
		return node{}, p.errAt("cannot refer to an open group", openAt)
	}
	text := fmt.Sprintf(`\k<%d>`, number)
	if f.fold {
		text = "(?i:" + text + ")"
	}
	return node{text: text, min: width.min, max: width.max}, nil
}

// reference is a group that has not begun yet where it is asked about.
type reference struct{ number, at int }

// condition is (?(group)yes|no).
func (p *parser) condition(f flags, start int) (node, error) {
	at := p.pos
	name, err := p.name(")")
	if err != nil {
		return node{}, err
	}
	number, ok := p.names[name]
	if !ok {
		if number, err = strconv.Atoi(name); err != nil {
			if isIdentifier(name) {
				return node{}, p.errAt(fmt.Sprintf("unknown group name '%s'", name), at)
			}
			return node{}, p.errAt(fmt.Sprintf("bad character in group name '%s'", name), at)
		}
	}
	if number == 0 {
		return node{}, p.errAt("bad group number", at)
	}
	if number > p.groups { // it may come yet
		p.later = append(p.later, reference{number, at})
	}
	yes, err := p.sequence(f)
	if err != nil {
		return node{}, err
	}
	no := node{}
	if p.take("|") {
		if no, err = p.sequence(f); err != nil {
			return node{}, err
		}
		if p.peek() == '|' && p.more() {
			return node{}, p.errAt("conditional backref with more than two branches", p.pos)
		}
	}
	if !p.take(")") {
		return node{}, p.errAt("missing ), unterminated subpattern", start)
	}
	return node{text: fmt.Sprintf("(?(%d)%s|%s)", number, yes.text, no.text), min: min(yes.min, no.min), max: max(yes.max, no.max)}, nil
}
