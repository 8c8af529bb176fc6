package redact

import "strings"

// sextet is the value of a character of base64, of either alphabet.
func sextet(c byte) (byte, bool) {
	switch {
	case c >= 'A' && c <= 'Z':
		return c - 'A', true
	case c >= 'a' && c <= 'z':
		return c - 'a' + 26, true
	case c >= '0' && c <= '9':
		return c - '0' + 52, true
	case c == '+', c == '-':
		return 62, true
	case c == '/', c == '_':
		return 63, true
	}
	return 0, false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}

// base64At decodes every run of base64 from its character skip on: a run may
// begin with letters that belong to the text before it.
func base64At(skip int) func(*view) (view, bool) {
	isDigit := func(c byte) bool { _, ok := sextet(c); return ok }
	return func(v *view) (out view, changed bool) {
		runs(v, isDigit, "\r\n", 6, func(run []int) {
			changed = true
			end := run[len(run)-1]
			run = run[min(skip, len(run)):]
			for ; len(run) >= 2; run = run[min(4, len(run)):] {
				for i := 0; i < min(3, len(run)-1); i++ {
					high, _ := sextet(v.b[run[i]])
					low, _ := sextet(v.b[run[i+1]])
					out.put(v, run[i], run[i+1]+1, high<<(2*i+2)|low>>(4-2*i))
				}
			}
			out.gap(v, end)
		})
		return out, changed
	}
}

// hexAt decodes every run of hexadecimal digits from its digit skip on.
func hexAt(skip int) func(*view) (view, bool) {
	return func(v *view) (out view, changed bool) {
		runs(v, isHex, "\r\n :-", 2*leastCredential, func(run []int) {
			changed = true
			end := run[len(run)-1]
			for run = run[skip:]; len(run) >= 2; run = run[2:] {
				out.put(v, run[0], run[1]+1, unhex(v.b[run[0]])<<4|unhex(v.b[run[1]]))
			}
			out.gap(v, end)
		})
		return out, changed
	}
}

// runs calls found with the places of each run of at least least digits. What
// may stand between two digits is passed over.
func runs(v *view, isDigit func(byte) bool, between string, least int, found func(run []int)) {
	var run []int
	end := func() {
		if len(run) >= least {
			found(run)
		}
		run = run[:0]
	}
	for i, c := range v.b {
		switch {
		case isDigit(c):
			run = append(run, i)
		case strings.IndexByte(between, c) >= 0:
		default:
			end()
		}
	}
	end()
}
