package redact

import (
	"bytes"
	"html"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of the views of one text: how many encodings one in another, and how
// many bytes in all of them.
const (
	encodings  = 3
	mostViewed = 1 << 20
)

// view is a text decoded in some way. The byte b[i] comes from the bytes
// from[i] to to[i] of the text.
type view struct {
	b        []byte
	from, to []int
}

func plain(text string) view {
	v := view{b: []byte(text), from: make([]int, len(text)), to: make([]int, len(text))}
	for i := range v.b {
		v.from[i], v.to[i] = i, i+1
	}
	return v
}

// put adds bytes that come from the bytes i to j of another view.
func (v *view) put(of *view, i, j int, decoded ...byte) {
	for _, c := range decoded {
		v.b = append(v.b, c)
		v.from = append(v.from, of.from[i])
		v.to = append(v.to, of.to[j-1])
	}
}

// gap separates what does not stand together: it follows byte i of another view.
func (v *view) gap(of *view, i int) {
	v.b, v.from, v.to = append(v.b, 0), append(v.from, of.to[i]), append(v.to, of.to[i])
}

// word reports whether n bytes at i have no letter or digit beside them.
func (v *view) word(i, n int) bool {
	return (i == 0 || !isAlnum(v.b[i-1])) && (i+n == len(v.b) || !isAlnum(v.b[i+n]))
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// views calls look with text as it is and decoded in every way.
func views(text string, look func(view)) {
	level, viewed := []view{plain(text)}, 0
	look(level[0])
	for range encodings {
		var next []view
		for i := range level {
			for _, decode := range decoders {
				v, changed := decode(&level[i])
				viewed += len(v.b)
				if viewed > mostViewed {
					return
				}
				if changed {
					look(v)
					next = append(next, v)
				}
			}
		}
		level = next
	}
}

// decoders are the ways in which a text may be encoded. Each reports whether
// anything in the view looks as if it were.
var decoders = []func(*view) (view, bool){
	escapes("%", percent), escapes("+", func(b []byte) (int, []byte) {
		if b[0] == '+' {
			return 1, []byte{' '}
		}
		return percent(b)
	}), escapes(`\`, backslash), escapes("&", entity),
	seen, unfolded, base64At(0), base64At(1), base64At(2), base64At(3), hexAt(0), hexAt(1),
}

// escapes decodes what read knows: it returns how many bytes an escape at the
// beginning of b has, 0 for none, and what it stands for.
func escapes(mark string, read func(b []byte) (int, []byte)) func(*view) (view, bool) {
	return func(v *view) (out view, changed bool) {
		if !bytes.Contains(v.b, []byte(mark)) {
			return out, false
		}
		for i := 0; i < len(v.b); {
			n, decoded := read(v.b[i:])
			if n == 0 {
				n, decoded = 1, v.b[i:i+1]
			} else {
				changed = true
			}
			out.put(v, i, i+n, decoded...)
			i += n
		}
		return out, changed
	}
}

// seen is a text without what is not seen in it.
func seen(v *view) (out view, changed bool) {
	for i := 0; i < len(v.b); {
		if n := hidden(v.b[i:]); n > 0 {
			changed = true
			i += n
			continue
		}
		out.put(v, i, i+1, v.b[i])
		i++
	}
	return out, changed
}

// unfolded is a text without its line breaks and what indents the lines.
func unfolded(v *view) (out view, changed bool) {
	if !bytes.ContainsAny(v.b, "\r\n") {
		return out, false
	}
	start := false
	for i, c := range v.b {
		switch {
		case c == '\r' || c == '\n':
			start, changed = true, true
		case start && (c == ' ' || c == '\t'):
		default:
			start = false
			out.put(v, i, i+1, c)
		}
	}
	return out, changed
}

func percent(b []byte) (int, []byte) {
	if len(b) >= 3 && b[0] == '%' && isHex(b[1]) && isHex(b[2]) {
		return 3, []byte{unhex(b[1])<<4 | unhex(b[2])}
	}
	return 0, nil
}

// single are the escapes of one letter, of JSON, Go and Python.
var single = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v', 'a': '\a', '"': '"', '\'': '\'', '\\': '\\', '/': '/'}

func backslash(b []byte) (int, []byte) {
	if len(b) < 2 || b[0] != '\\' {
		return 0, nil
	}
	if c, ok := single[b[1]]; ok {
		return 2, []byte{c}
	}
	switch {
	case b[1] == 'x':
		if c, ok := number(b, 2, 2, 16); ok {
			return 4, []byte{byte(c)}
		}
	case b[1] == 'U':
		if c, ok := number(b, 2, 8, 16); ok {
			return 10, utf8.AppendRune(nil, rune(c))
		}
	case b[1] == 'u':
		c, ok := number(b, 2, 4, 16)
		if low, paired := number(b, 8, 4, 16); ok && paired && b[6] == '\\' && b[7] == 'u' && utf16.IsSurrogate(rune(c)) {
			return 12, utf8.AppendRune(nil, utf16.DecodeRune(rune(c), rune(low)))
		}
		if ok {
			return 6, utf8.AppendRune(nil, rune(c))
		}
	default:
		if c, ok := number(b, 1, 3, 8); ok && c < 256 {
			return 4, []byte{byte(c)}
		}
	}
	return 0, nil
}

// number reads n digits of b at i.
func number(b []byte, i, n, base int) (uint64, bool) {
	if len(b) < i+n {
		return 0, false
	}
	c, err := strconv.ParseUint(string(b[i:i+n]), base, 32)
	return c, err == nil
}

// entity reads a character reference of HTML.
func entity(b []byte) (int, []byte) {
	const longest = 12
	if b[0] != '&' {
		return 0, nil
	}
	end := slices.Index(b[:min(len(b), longest)], ';')
	if end < 2 {
		return 0, nil
	}
	text := string(b[:end+1])
	if decoded := html.UnescapeString(text); decoded != text {
		return end + 1, []byte(decoded)
	}
	return 0, nil
}
