package pyregex

import (
	"fmt"
	"strconv"
	"strings"
)

// The word characters of Python: letters, anything numeric, underscore.
const wordChar = `[\p{L}\p{N}_]`

// escape reads a backslash and what it escapes, outside of a class.
func (p *parser) escape(f flags) (node, error) {
	start := p.pos
	if p.pos+1 >= len(p.src) {
		return node{}, p.errAt("bad escape (end of pattern)", start)
	}
	switch c := p.src[p.pos+1]; {
	case strings.ContainsRune("AbBZ", c):
		p.pos += 2
		return anchor(boundaries[c]), nil
	case strings.ContainsRune("dDsSwW", c):
		p.pos += 2
		s := set{}
		s.category(c)
		return one(s.text(f.fold, false)), nil
	case c >= '1' && c <= '9':
		p.pos++
		return p.numbered(f, start)
	}
	c, err := p.character(start, false)
	if err != nil {
		return node{}, err
	}
	return one(literal(c, f)), nil
}

var boundaries = map[rune]string{
	'A': `\A`, 'Z': `\z`,
	'b': `(?:(?<=` + wordChar + `)(?!` + wordChar + `)|(?<!` + wordChar + `)(?=` + wordChar + `))`,
	'B': `(?!\A\z)(?:(?<=` + wordChar + `)(?=` + wordChar + `)|(?<!` + wordChar + `)(?!` + wordChar + `))`,
}

// numbered is a reference, \1 to \99, or a character in octal, \123.
func (p *parser) numbered(f flags, start int) (node, error) {
	digits := p.src[p.pos:min(p.pos+3, len(p.src))]
	if len(digits) == 3 && isOctal(digits[0]) && isOctal(digits[1]) && isOctal(digits[2]) {
		c, err := p.octal(string(digits), start)
		p.pos += 3
		return one(literal(c, f)), err
	}
	n := 1
	if len(digits) > 1 && digits[1] >= '0' && digits[1] <= '9' {
		n = 2
	}
	number, err := strconv.Atoi(string(digits[:n]))
	if err != nil {
		return node{}, p.errAt("bad escape", start)
	}
	p.pos += n
	return p.reference(f, number, start+1, start)
}

func isOctal(c rune) bool { return c >= '0' && c <= '7' }

func (p *parser) octal(digits string, start int) (rune, error) {
	n, err := strconv.ParseUint(digits, 8, 32)
	if err != nil || n > 0o377 {
		return 0, p.errAt(fmt.Sprintf(`octal escape value \%s outside of range 0-0o377`, digits), start)
	}
	return rune(n), nil
}

// controls are the escapes of single characters.
var controls = map[rune]rune{'a': '\a', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\'}

// character reads an escape that stands for one character; the backslash is
// next. In a class \b is a backspace and digits are octal.
func (p *parser) character(start int, inClass bool) (rune, error) {
	c := p.src[p.pos+1]
	p.pos += 2
	switch {
	case c == 'x':
		return p.hex(start, 2)
	case c == 'u':
		return p.hex(start, 4)
	case c == 'U':
		return p.hex(start, 8)
	case c == 'N':
		return 0, &UnsupportedError{`escape \N{...}`}
	case inClass && c == 'b':
		return '\b', nil
	case c == '0' || inClass && isOctal(c):
		begin := p.pos - 1
		for p.pos < begin+3 && p.more() && isOctal(p.peek()) {
			p.pos++
		}
		return p.octal(string(p.src[begin:p.pos]), start)
	}
	if control, ok := controls[c]; ok {
		return control, nil
	}
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || inClass && c >= '0' && c <= '9' {
		return 0, p.errAt(`bad escape \`+string(c), start)
	}
	return c, nil
}

// hex reads exactly n digits.
func (p *parser) hex(start, n int) (rune, error) {
	begin := p.pos
	for p.pos < begin+n && p.more() && strings.ContainsRune("0123456789abcdefABCDEF", p.peek()) {
		p.pos++
	}
	if p.pos < begin+n {
		return 0, p.errAt("incomplete escape "+string(p.src[start:p.pos]), start)
	}
	v, err := strconv.ParseUint(string(p.src[begin:p.pos]), 16, 32)
	if err != nil || v > 0x10FFFF {
		return 0, p.errAt("bad escape "+string(p.src[start:p.pos]), start)
	}
	return rune(v), nil
}
