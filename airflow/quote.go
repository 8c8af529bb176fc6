package airflow

import (
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// This file is the part of Python's urllib.parse that encodes and decodes
// percent escapes.

// quote is quote(s, safe=""): all but letters, digits and _.-~ is escaped.
// It fails on what UTF-8 cannot express.
func quote(s string) (string, error) {
	if err := checkEncodable(s); err != nil {
		return "", err
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, c := range []byte(s) {
		if isUnreserved(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String(), nil
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_.-~", c) >= 0
}

// quotePlus is quote_plus(s): a blank becomes a plus sign.
func quotePlus(s string) (string, error) {
	q, err := quote(s)
	return strings.ReplaceAll(q, "%20", "+"), err
}

// unquote is unquote(s): escapes are decoded, as UTF-8 within each run of
// ASCII characters; what is no escape stays, what is no UTF-8 is replaced.
func unquote(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for s != "" {
		n := strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
		if n < 0 {
			n = len(s)
		}
		b.WriteString(replaceInvalid(unescape(s[:n])))
		s = s[n:]
		n = strings.IndexFunc(s, func(r rune) bool { return r < utf8.RuneSelf })
		if n < 0 {
			n = len(s)
		}
		b.WriteString(s[:n])
		s = s[n:]
	}
	return b.String()
}

// unescape is unquote_to_bytes(s).
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// unhex is the value of a hexadecimal digit, or -1.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// replaceInvalid is bytes.decode("utf-8", "replace"): one U+FFFD for each
// longest beginning of a character that breaks off, as Unicode recommends.
func replaceInvalid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		if r != utf8.RuneError || size > 1 {
			b.WriteString(s[:size])
		} else {
			b.WriteRune(utf8.RuneError)
			size = brokenLength(s)
		}
		s = s[size:]
	}
	return b.String()
}

// brokenLength is how many bytes at the start of s, where no character is,
// are the start of one.
func brokenLength(s string) int {
	lo, hi, more := byte(0x80), byte(0xBF), 0
	switch c := s[0]; {
	case 0xC2 <= c && c <= 0xDF:
		more = 1
	case 0xE0 <= c && c <= 0xEF:
		more = 2
	case 0xF0 <= c && c <= 0xF4:
		more = 3
	}
	switch s[0] { // the second byte's range, Unicode's table 3-7
	case 0xE0:
		lo = 0xA0
	case 0xED:
		hi = 0x9F
	case 0xF0:
		lo = 0x90
	case 0xF4:
		hi = 0x8F
	}
	n := 1
	for n <= more && n < len(s) && lo <= s[n] && s[n] <= hi {
		lo, hi = 0x80, 0xBF
		n++
	}
	return n
}

// parseQuery is dict(parse_qsl(s, keep_blank_values=True)).
func parseQuery(s string) *pyjson.Object {
	o := pyjson.NewObject()
	for _, pair := range strings.Split(s, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		o.Set(unquote(strings.ReplaceAll(name, "+", " ")), unquote(strings.ReplaceAll(value, "+", " ")))
	}
	return o
}

// encodeQuery is urlencode(o). Values that are no strings are written as
// Python's pyjson.Str() has them.
func encodeQuery(o *pyjson.Object) (string, error) {
	var b strings.Builder
	for _, key := range o.Keys() {
		v, _ := o.Get(key)
		k, err := quotePlus(key)
		if err != nil {
			return "", err
		}
		q, err := quotePlus(pyjson.Str(v))
		if err != nil {
			return "", err
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(k + "=" + q)
	}
	return b.String(), nil
}
