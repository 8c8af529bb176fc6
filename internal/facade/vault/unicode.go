package vault

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// notUnicode says which byte of valid JSON is no part of a Unicode text: it is
// not UTF-8, or half of a surrogate pair in an escape. OpenBao keeps U+FFFD in
// the place of either and says nothing, so that another secret is read than was
// written. It is "" for JSON that is well.
func notUnicode(b []byte) string {
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '\\': // only within a string
			n := escape(b[i:])
			if n == 0 {
				return fmt.Sprintf("half of a surrogate pair at byte %d", i+1)
			}
			i += n
		case c < utf8.RuneSelf:
			i++
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n == 1 {
				return fmt.Sprintf("not UTF-8 at byte %d", i+1)
			}
			i += n
		}
	}
	return ""
}

// escape is the length of the escape that b begins with, both halves of a
// surrogate pair together; 0 for a half alone.
func escape(b []byte) int {
	first, ok := unit(b)
	switch {
	case !ok:
		return 2
	case !utf16.IsSurrogate(first):
		return 6
	}
	if second, ok := unit(b[6:]); ok && utf16.DecodeRune(first, second) != utf8.RuneError {
		return 12
	}
	return 0
}

// unit reads \uXXXX.
func unit(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	return rune(n), err == nil
}
