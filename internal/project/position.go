package project

import (
	"strings"
	"unicode/utf8"
)

// markDistance is how many bytes lie between two marks of a text, about.
const markDistance = 1 << 10

// mark is a byte of a text at which a character starts: the line that it
// stands on, counted from 0, and the characters of that line before it.
type mark struct{ at, line, column int }

// index marks the text of a file, so that places in it are found without
// reading it from its start each time.
func (f *File) index() {
	f.marks = make([]mark, 0, len(f.Text)/markDistance+1)
	f.marked = len(f.Text)
	m := mark{}
	for i, r := range f.Text {
		if i >= len(f.marks)*markDistance {
			f.marks = append(f.marks, mark{i, m.line, m.column})
		}
		m.column++
		if r == '\n' {
			m.line, m.column = m.line+1, 0
		}
	}
}

// before is the last mark that does not stand behind a byte; the start of the
// text where it has no marks.
func (f *File) before(at int) mark {
	if f.marked != len(f.Text) || len(f.marks) == 0 {
		return mark{}
	}
	i := min(at/markDistance, len(f.marks)-1)
	if f.marks[i].at > at {
		i-- // a character begins before the distance is full and ends behind it
	}
	return f.marks[max(i, 0)]
}

// Position is where a span starts. Both count from 1, columns in characters;
// both are 0 for a span without a file.
func (s Span) Position() (line, column int) {
	if s.File == nil || s.Start > len(s.File.Text) {
		return 0, 0
	}
	m := s.File.before(s.Start)
	rest := s.File.Text[m.at:s.Start]
	if last := strings.LastIndexByte(rest, '\n'); last >= 0 {
		return m.line + strings.Count(rest, "\n") + 1, utf8.RuneCountInString(rest[last+1:]) + 1
	}
	return m.line + 1, m.column + utf8.RuneCountInString(rest) + 1
}
