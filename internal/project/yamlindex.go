package project

import (
	"strings"
	"unicode/utf8"
)

// yamlIndex finds the byte of a line and column as the library counts them:
// columns in characters.
type yamlIndex struct {
	text   string
	starts []int
	// marks has, for lines that are not all ASCII, the byte of every 64th
	// character.
	marks map[int][]int // by line
}

const markEvery = 64

func (x *yamlIndex) offset(line, column int) int {
	if line < 1 || line > len(x.starts) {
		return 0
	}
	start, end := x.starts[line-1], x.end(line)
	column = max(column-1, 0)
	marks, ok := x.marks[line]
	if !ok {
		for at, n := start, 0; at < end; n++ {
			if n%markEvery == 0 {
				marks = append(marks, at)
			}
			_, size := utf8.DecodeRuneInString(x.text[at:])
			at += size
		}
		if x.marks[line] = marks; len(marks) == 0 {
			return start
		}
	}
	if len(marks) == 0 {
		return start
	}
	mark := min(column/markEvery, len(marks)-1)
	at := marks[mark]
	for range column - mark*markEvery {
		_, size := utf8.DecodeRuneInString(x.text[at:])
		at += size
	}
	return min(at, len(x.text))
}

// end is where a line ends, its line end included.
func (x *yamlIndex) end(line int) int {
	if line < len(x.starts) {
		return x.starts[line]
	}
	return len(x.text)
}

// yamlLines has where lines start as the library counts them: Unicode's line
// ends are ends too.
func yamlLines(text string) []int {
	starts := []int{0}
	for i, r := range text {
		switch {
		case r == '\r' && strings.HasPrefix(text[i+1:], "\n"):
		case r == '\n', r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			starts = append(starts, i+utf8.RuneLen(r))
		}
	}
	return starts
}
