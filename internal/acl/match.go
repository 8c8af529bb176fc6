package acl

import "unicode/utf8"

// Match reports whether name matches pattern: `*` stands for any text, the
// empty one and `/` included, `?` for exactly one character, everything else
// for itself. A byte that is no UTF-8 is a character. It takes time
// proportional to the product of the lengths at worst, whatever the pattern.
func Match(pattern, name string) bool {
	p, n := 0, 0
	star, mark := -1, 0
	for n < len(name) {
		size := width(name[n:])
		switch next := width(pattern[p:]); {
		case next > 0 && pattern[p] == '*':
			star, mark = p, n
			p++
		case next > 0 && (pattern[p] == '?' || pattern[p:p+next] == name[n:n+size]):
			p, n = p+next, n+size
		case star >= 0:
			// The last star takes one character more; going back to an
			// earlier one can never help.
			mark += width(name[mark:])
			p, n = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// width is how many bytes the first character of s has, 0 where there is none.
func width(s string) int {
	if s == "" || s[0] < utf8.RuneSelf {
		return min(len(s), 1)
	}
	_, size := utf8.DecodeRuneInString(s)
	return size
}
