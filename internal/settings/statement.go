package settings

import (
	"strings"
	"unicode"
)

// Statement is one variable of a .env file, or one of an ENV instruction of a
// Dockerfile, with the bytes of the file's text it stands at. It is for the
// reader that has to point at things; [Settings] is for who wants values.
type Statement struct {
	// Name is the variable. It is empty where no name can be read.
	Name string
	// Value is what the variable gets. What is not Known of it, because it
	// names a variable that is not set here, is read as empty.
	Value string
	Known bool
	// Set is false where the statement sets nothing: one that is refused, or
	// a name alone that the process does not have.
	Set bool
	// Line counts from 1.
	Line int
	// Key, Text and Whole are the name, the value with its quotes, and the
	// statement.
	Key, Text, Whole Range
	// Refused says why docker or docker compose refuses the statement, ""
	// where it does not. Hint says what to do. Neither holds a value.
	Refused, Hint string
	// Comment is set where it is refused because a comment stands behind it.
	Comment bool
}

// Range is a piece of a text: bytes Start to End.
type Range struct{ Start, End int }

// place finds the name and the value of a statement of a .env file.
func (s statement) place() Statement {
	got := Statement{Line: s.line}
	at := len(exportWord.FindString(s.text))
	whole := strings.TrimRightFunc(s.text, unicode.IsSpace)
	got.Whole = Range{s.start, s.start + len(whole)}
	at = min(at, len(whole))
	sep := strings.IndexAny(whole[at:], "=:\n")
	if sep < 0 {
		sep = len(whole) - at
	}
	name := strings.TrimRightFunc(whole[at:at+sep], unicode.IsSpace)
	got.Key = Range{s.start + at, s.start + at + len(name)}
	rest := min(at+sep+1, len(whole))
	value := strings.TrimLeftFunc(whole[rest:], inlineSpace)
	from := len(whole) - len(value)
	if value == "" || value[0] != '"' && value[0] != '\'' {
		value, _, _ = strings.Cut(value, "\n")
		value, _, _ = strings.Cut(value, " #")
		value = strings.TrimRightFunc(value, unicode.IsSpace)
	}
	got.Text = Range{s.start + from, s.start + from + len(value)}
	got.Name = name
	return got
}
