package pyregex

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// class reads [...]; its bracket, at start, is consumed already.
func (p *parser) class(f flags, start int) (node, error) {
	s := set{}
	negated := p.take("^")
	for first := true; ; first = false {
		at := p.pos
		if !p.more() {
			return node{}, p.errAt("unterminated character set", start)
		}
		if p.peek() == ']' && !first {
			p.pos++
			return one(s.text(f.fold, negated)), nil
		}
		low, category, err := p.member(start)
		if err != nil {
			return node{}, err
		}
		if p.peek() != '-' || !p.more() {
			s.member(low, category)
			continue
		}
		p.pos++
		switch {
		case !p.more():
			return node{}, p.errAt("unterminated character set", start)
		case p.peek() == ']':
			s.member(low, category)
			s.add('-', '-')
			continue
		}
		high, other, err := p.member(start)
		if err != nil {
			return node{}, err
		}
		if category != 0 || other != 0 || high < low {
			return node{}, p.errAt(fmt.Sprintf("bad character range %s", string(p.src[at:p.pos])), at)
		}
		s.add(low, high)
	}
}

// member is one character, or a category such as \d.
func (p *parser) member(start int) (c, category rune, err error) {
	at := p.pos
	if p.peek() != '\\' {
		p.pos++
		return p.src[at], 0, nil
	}
	if p.pos+1 >= len(p.src) {
		return 0, 0, p.errAt("bad escape (end of pattern)", at)
	}
	if next := p.src[p.pos+1]; strings.ContainsRune("dDsSwW", next) {
		p.pos += 2
		return 0, next, nil
	}
	c, err = p.character(at, true)
	return c, 0, err
}

// span is a range of characters.
type span struct{ low, high rune }

// set is what a class holds.
type set struct {
	spans []span
	named strings.Builder // categories in the engine's words
}

func (s *set) add(low, high rune) { s.spans = append(s.spans, span{low, high}) }

func (s *set) member(c, category rune) {
	if category != 0 {
		s.category(category)
		return
	}
	s.add(c, c)
}

// spaces is str.isspace.
var spaces = []span{{'\t', '\r'}, {0x1C, ' '}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}

func (s *set) category(c rune) {
	switch c {
	case 'd':
		s.named.WriteString(`\p{Nd}`)
	case 'D':
		s.named.WriteString(`\P{Nd}`)
	case 'w':
		s.named.WriteString(`\p{L}\p{N}_`)
	case 'W':
		s.spans = append(s.spans, without(wordSpans())...)
	case 's':
		s.spans = append(s.spans, spaces...)
	case 'S':
		s.spans = append(s.spans, without(spaces)...)
	}
}

func wordSpans() []span {
	spans := []span{{'_', '_'}}
	for _, table := range []*unicode.RangeTable{unicode.L, unicode.N} {
		for _, r := range table.R16 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				spans = append(spans, span{c, c})
			}
		}
		for _, r := range table.R32 {
			for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
				spans = append(spans, span{c, c})
			}
		}
	}
	return spans
}

// without is every character that is in no span.
func without(spans []span) []span {
	var out []span
	next := rune(0)
	for _, s := range merged(spans) {
		if s.low > next {
			out = append(out, span{next, s.low - 1})
		}
		next = s.high + 1
	}
	if next <= unicode.MaxRune {
		out = append(out, span{next, unicode.MaxRune})
	}
	return out
}

// merged sorts spans and joins those that touch.
func merged(spans []span) []span {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b span) int { return int(a.low - b.low) })
	var out []span
	for _, s := range sorted {
		if n := len(out); n > 0 && s.low <= out[n-1].high+1 {
			out[n-1].high = max(out[n-1].high, s.high)
			continue
		}
		out = append(out, s)
	}
	return out
}

// text is the set in the engine's words.
func (s *set) text(fold, negated bool) string {
	spans := s.spans
	if fold {
		spans = folded(spans)
	}
	var b strings.Builder
	b.WriteByte('[')
	if negated {
		b.WriteByte('^')
	}
	for _, sp := range merged(spans) {
		b.WriteString(escaped(sp.low))
		if sp.high > sp.low {
			b.WriteByte('-')
			b.WriteString(escaped(sp.high))
		}
	}
	b.WriteString(s.named.String())
	b.WriteByte(']')
	return b.String()
}

func escaped(c rune) string {
	switch {
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c > 0xFFFF:
		return string(c)
	}
	return fmt.Sprintf(`\u%04X`, c)
}

// folded adds to spans every character that counts as the same as one of them.
func folded(spans []span) []span {
	out := slices.Clone(spans)
	in := merged(spans)
	for _, alike := range caseClasses() {
		if slices.ContainsFunc(alike, func(c rune) bool { return contains(in, c) }) {
			for _, c := range alike {
				out = append(out, span{c, c})
			}
		}
	}
	return out
}

func contains(spans []span, c rune) bool {
	_, ok := slices.BinarySearchFunc(spans, c, func(s span, c rune) int {
		switch {
		case s.high < c:
			return -1
		case s.low > c:
			return 1
		}
		return 0
	})
	return ok
}

// caseClasses are the characters that re.IGNORECASE takes for one: those with
// the same upper-case letter, and three pairs whose upper case is several
// letters (re._casefix).
var caseClasses = sync.OnceValue(func() [][]rune {
	byUpper := map[rune][]rune{}
	for _, r := range unicode.CaseRanges {
		for c := rune(r.Lo); c <= rune(r.Hi); c++ {
			upper := unicode.ToUpper(unicode.ToLower(c))
			byUpper[upper] = append(byUpper[upper], c)
		}
	}
	classes := [][]rune{{0x390, 0x1FD3}, {0x3B0, 0x1FE3}, {0xFB05, 0xFB06}}
	for upper, alike := range byUpper {
		if !slices.Contains(alike, upper) {
			alike = append(alike, upper)
		}
		if len(alike) > 1 {
			classes = append(classes, alike)
		}
	}
	return classes
})
