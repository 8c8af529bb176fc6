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
// a name or a hint. Payloads, lines and length stay as they are.
func (s *Set) Mask(text string) string {
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
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == 0x1b || r == 0x9b:
			i = sequence(runes, i)
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || slices.Contains(unseen, r) || r >= 0xfe00 && r <= 0xfe0f:
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// unseen are characters of no width that are no format characters of Unicode.
var unseen = []rune{'\u034f', '\u115f', '\u1160', '\u17b4', '\u17b5', '\u3164', '\uffa0'}

// sequence returns where the escape sequence at i ends (ECMA-48, section 5.4).
func sequence(runes []rune, i int) int {
	next := i + 1
	if runes[i] == 0x1b {
		if next >= len(runes) || runes[next] != '[' {
			return i // what follows is shown
		}
		next++
	}
	for next < len(runes) && runes[next] >= 0x20 && runes[next] <= 0x3f {
		next++
	}
	if next < len(runes) && runes[next] >= 0x40 && runes[next] <= 0x7e {
		return next
	}
	return next - 1
}
