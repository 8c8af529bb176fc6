package redact

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// window is how much of a text is looked at, in bytes: far more than is shown.
const window = 8 << 10

// rounds bounds how often a text is looked through. Each time that something
// is found it gets shorter, and what is left may have come together to a
// secret.
const rounds = 32

// Text returns a service's words as they may be shown: without the secrets of
// the Set, without control characters, on one line, at most [Longest]
// characters. The Text of a Text is itself.
func (s *Set) Text(said string) string {
	said = cut(said)
	for range rounds {
		clean := short(tidy(s.remove(said, true)))
		if clean == said {
			return clean
		}
		said = clean
	}
	return Mark
}

// Mask takes the credentials of the Set out of a text of airlock's own, such as
// a name or a hint. Payloads, lines and length stay as they are. Each look-up
// of a daemon masks the place of its secret: what came of a text is remembered
// until the credentials change.
func (s *Set) Mask(text string) string {
	if s == nil {
		return text
	}
	x := s.index(false)
	if clean, ok := x.masks.of(text); ok {
		return clean
	}
	clean := s.mask(text)
	x.masks.add(text, clean)
	return clean
}

func (s *Set) mask(text string) string {
	for range rounds {
		clean := s.remove(text, false)
		if clean == text {
			return clean
		}
		text = clean
	}
	return Mark
}

// Name is Mask on one line, for a word of a service's: its name of a failure.
func (s *Set) Name(word string) string {
	if clean := short(tidy(s.Mask(cut(word)))); clean != word {
		return s.Mask(clean)
	}
	return word
}

// remove puts a mark in the place of each secret.
func (s *Set) remove(text string, payloads bool) string {
	if s == nil || len(text) < leastCredential {
		return text
	}
	x := s.index(payloads)
	if len(x.known) == 0 {
		return text
	}
	f := finder{index: x, marks: make([]bool, len(text)), left: effort}
	views(text, f.search)
	switch {
	case f.left <= 0:
		return Mark
	case !f.found:
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if !f.marks[i] {
			b.WriteByte(text[i])
			i++
			continue
		}
		b.WriteString(Mark)
		for i < len(text) && f.marks[i] {
			i++
		}
	}
	return b.String()
}

// cut drops what is beyond the window, and the word that ends there: it may be
// the beginning of a secret.
func cut(text string) string {
	if len(text) <= window {
		return text
	}
	text = text[:window]
	if i := strings.LastIndexAny(text, " \r\n\t"); i > window/2 {
		return text[:i]
	}
	return text[:window/2]
}

// short cuts a text to the longest that is shown.
func short(text string) string {
	const more = "..."
	if utf8.RuneCountInString(text) <= Longest {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:Longest-len(more)])) + more
}

// tidy makes one line of a text, and takes out what drives a terminal or is
// not seen: control characters, escape sequences, marks of direction and of no
// width.
func tidy(text string) string {
	var b strings.Builder
	text = strings.ToValidUTF8(text, "\uFFFD")
	for i := 0; i < len(text); {
		n := hidden([]byte(text[i:]))
		if n == 0 {
			_, n = utf8.DecodeRuneInString(text[i:])
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// hidden is how many bytes the control character, the escape sequence or the
// character of no width has that b begins with; 0 for any other. White space
// is none.
func hidden(b []byte) int {
	r, n := utf8.DecodeRune(b)
	switch {
	case r == 0x1b || r == 0x9b:
		return sequence(b, n, r == 0x9b)
	case unicode.IsSpace(r):
		return 0
	case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || slices.Contains(unseen, r) || r >= 0xfe00 && r <= 0xfe0f:
		return n
	}
	return 0
}

// unseen are characters of no width that are no format characters of Unicode.
var unseen = []rune{'\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u3164', '\uffa0'}

// sequence is how long the escape sequence is that b begins with (ECMA-48,
// section 5.4). Of one that is none only the escape itself counts.
func sequence(b []byte, escape int, introduced bool) int {
	n := escape
	if !introduced {
		if n >= len(b) || b[n] != '[' {
			return escape
		}
		n++
	}
	for n < len(b) && b[n] >= 0x20 && b[n] <= 0x3f {
		n++
	}
	if n < len(b) && b[n] >= 0x40 && b[n] <= 0x7e {
		n++
	}
	return n
}
