package acl

import "unicode/utf8"

// Match reports whether name matches pattern: `*` stands for any text, the
// empty one and `/` included, `?` for exactly one character, everything else
// for itself. It takes time proportional to the product of the lengths at
// worst, whatever the pattern.
func Match(pattern, name string) bool {
	p, n := 0, 0
	star, mark := -1, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && pattern[p] == '?':
			_, size := utf8.DecodeRuneInString(name[n:])
			p, n = p+1, n+size
		case p < len(pattern) && pattern[p] == name[n]:
			p, n = p+1, n+1
		case star >= 0:
			// The last star takes one byte more; going back to an earlier
			// one can never help.
			mark++
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
