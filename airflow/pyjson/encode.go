package pyjson

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Encode writes v as json.dumps(v) does: ", " and ": ", ASCII escapes, NaN
// and Infinity as such. It takes what [Decode] returns, and int; a value of
// any other type is written as null.
func Encode(v any) string {
	return string(appendValue(nil, v, "", ""))
}

// EncodeIndent writes v as json.dumps(v, indent=2) does, which is how
// Variable.set(..., serialize_json=True) stores a value.
func EncodeIndent(v any) string {
	return string(appendValue(nil, v, "\n", "  "))
}

// appendValue writes v. newline is "" for one line, else a line break and the
// indentation of the line that v begins on, to which step is added inside.
func appendValue(b []byte, v any, newline, step string) []byte {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return appendString(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case *big.Int:
		return v.Append(b, 10)
	case float64:
		return append(b, encodeFloat(v)...)
	case []any:
		return appendMembers(b, "[]", len(v), newline, step, func(b []byte, i int, nl string) []byte {
			return appendValue(b, v[i], nl, step)
		})
	case *Object:
		return appendMembers(b, "{}", v.Len(), newline, step, func(b []byte, i int, nl string) []byte {
			b = append(appendString(b, v.keys[i]), ": "...)
			return appendValue(b, v.values[v.keys[i]], nl, step)
		})
	}
	return append(b, "null"...)
}

func appendMembers(b []byte, brackets string, n int, newline, step string, member func([]byte, int, string) []byte) []byte {
	if n == 0 {
		return append(b, brackets...)
	}
	inner, separator := newline+step, ", "
	if newline != "" {
		separator = "," + inner
	}
	b = append(append(b, brackets[0]), inner...)
	for i := range n {
		if i > 0 {
			b = append(b, separator...)
		}
		b = member(b, i, inner)
	}
	return append(append(b, newline...), brackets[1])
}

func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	unit := func(b []byte, u rune) []byte {
		return append(b, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
	}
	b = append(b, '"')
	for len(s) > 0 {
		r, size := DecodeRune(s)
		s = s[size:]
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r >= ' ' && r <= '~':
			b = append(b, byte(r))
		case r < ' ' && strings.ContainsRune("\b\f\n\r\t", r):
			b = append(b, '\\', "btn.fr"[r-'\b'])
		case r < 0x10000:
			b = unit(b, r)
		default:
			b = unit(unit(b, 0xD800+(r-0x10000)>>10), 0xDC00+(r-0x10000)&0x3FF)
		}
	}
	return append(b, '"')
}

// encodeFloat writes f as json.dumps does.
func encodeFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return FormatFloat(f)
}

// FormatFloat writes f as Python's repr does: the shortest digits that read
// back as f, with an exponent from 1e16 up and below 1e-4.
func FormatFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
