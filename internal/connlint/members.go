package connlint

import (
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// member is a member of the outermost object: where its key stands, quotes
// included, and its value.
type member struct {
	name       string
	key, value piece
}

// members finds the members of the JSON object that is body, which is known to
// be well formed.
func members(text string, body piece) []member {
	const blanks = " \t\r\n"
	var list []member
	var m member
	end := func(i int) {
		if m.value.from > 0 {
			m.value.end = m.value.from + len(strings.TrimRight(text[m.value.from:i], blanks))
			list = append(list, m)
		}
		m = member{}
	}
	for depth, at := 0, body.from; at < body.end; {
		switch c := text[at]; c {
		case '"':
			stop := endOfString(text, at)
			if depth == 1 && m.value.from == 0 {
				m.key = piece{at, stop}
				name, _ := pyjson.Decode(m.key.of(text))
				m.name, _ = name.(string)
			}
			at = stop
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 1 {
				end(at)
			}
			depth--
		case ',':
			if depth == 1 {
				end(at)
			}
		case ':':
			if depth == 1 {
				m.value.from = len(text) - len(strings.TrimLeft(text[at+1:], blanks))
			}
		}
		at++
	}
	return list
}

// endOfString is the byte after the string that begins at byte at.
func endOfString(text string, at int) int {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
