package pyjson

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

const (
	// maxDepth is how deeply arrays and objects may be nested. Python gives
	// up when its stack of 1000 frames is full, of which its callers hold
	// some already: 994 levels are the most that a bare json.loads reads.
	maxDepth = 990
	// maxDigits is Python's sys.int_info.default_max_str_digits.
	maxDigits = 4300
)

// Error is why a text is not JSON that Python reads. Its message is Python's
// own, which holds a position and nothing of the text.
type Error struct {
	// Type is the class of Python's exception: "JSONDecodeError", or
	// "ValueError" for an integer of too many digits, or "RecursionError"
	// for a value nested too deeply.
	Type string
	// What is wrong: "Expecting value".
	What string
	// Line and Column count from 1, in characters.
	Line, Column int
	// Char and Byte are the position from 0, in characters and in bytes.
	Char, Byte int
}

// Error is the text of Python's exception.
func (e *Error) Error() string {
	if e.Type != "JSONDecodeError" {
		return e.What
	}
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.What, e.Line, e.Column, e.Char)
}

// Decode reads one JSON document as json.loads does. The result is nil, bool,
// string, int64, *big.Int (beyond 64 bits), float64, []any or *Object. An
// error is an *Error.
func Decode(text string) (any, error) {
	d := &decoder{s: text}
	if strings.HasPrefix(text, "\ufeff") {
		return nil, d.fail("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0)
	}
	d.space()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	d.space()
	if d.i < len(text) {
		return nil, d.fail("Extra data", d.i)
	}
	return v, nil
}

// decoder reads s from byte i on.
type decoder struct {
	s string
	i int
}

func (d *decoder) fail(what string, at int) error {
	return d.failAs("JSONDecodeError", what, at)
}

func (d *decoder) failAs(kind, what string, at int) error {
	before := d.s[:at]
	char := count(before)
	e := &Error{Type: kind, What: what, Char: char, Byte: at, Line: 1 + strings.Count(before, "\n"), Column: char + 1}
	if nl := strings.LastIndexByte(before, '\n'); nl >= 0 {
		e.Column = count(before[nl:])
	}
	return e
}

// count is the number of characters in s.
func count(s string) int {
	n := 0
	for len(s) > 0 {
		_, size := DecodeRune(s)
		s = s[size:]
		n++
	}
	return n
}

func (d *decoder) space() {
	for d.i < len(d.s) {
		switch d.s[d.i] {
		case ' ', '\t', '\n', '\r':
			d.i++
		default:
			return
		}
	}
}

// peek returns the byte at i, or 0 at the end.
func (d *decoder) peek() byte {
	if d.i < len(d.s) {
		return d.s[d.i]
	}
	return 0
}

// value reads the value at i, inside depth arrays and objects.
func (d *decoder) value(depth int) (any, error) {
	switch d.peek() {
	case '"':
		return d.str()
	case '{':
		if depth >= maxDepth {
			return nil, d.failAs("RecursionError", "maximum recursion depth exceeded while decoding a JSON object from a unicode string", d.i)
		}
		return d.object(depth + 1)
	case '[':
		if depth >= maxDepth {
			return nil, d.failAs("RecursionError", "maximum recursion depth exceeded while decoding a JSON array from a unicode string", d.i)
		}
		return d.array(depth + 1)
	}
	for _, w := range [...]struct {
		word  string
		value any
	}{
		{"null", nil}, {"true", true}, {"false", false},
		{"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
	} {
		if strings.HasPrefix(d.s[d.i:], w.word) {
			d.i += len(w.word)
			return w.value, nil
		}
	}
	return d.number()
}

func (d *decoder) array(depth int) (any, error) {
	d.i++
	a := []any{}
	d.space()
	if d.peek() == ']' {
		d.i++
		return a, nil
	}
	for {
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
		d.space()
		switch d.peek() {
		case ']':
			d.i++
			return a, nil
		case ',':
			d.i++
		default:
			return nil, d.fail("Expecting ',' delimiter", d.i)
		}
		d.space()
	}
}

func (d *decoder) object(depth int) (any, error) {
	d.i++
	o := NewObject()
	d.space()
	if d.peek() == '}' {
		d.i++
		return o, nil
	}
	for {
		key, err := d.key()
		if err != nil {
			return nil, err
		}
		v, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		o.Set(key, v)
		d.space()
		switch d.peek() {
		case '}':
			d.i++
			return o, nil
		case ',':
			d.i++
		default:
			return nil, d.fail("Expecting ',' delimiter", d.i)
		}
		d.space()
	}
}

// key reads a member's name, its colon and the space around it.
func (d *decoder) key() (string, error) {
	if d.peek() != '"' {
		return "", d.fail("Expecting property name enclosed in double quotes", d.i)
	}
	key, err := d.str()
	if err != nil {
		return "", err
	}
	d.space()
	if d.peek() != ':' {
		return "", d.fail("Expecting ':' delimiter", d.i)
	}
	d.i++
	d.space()
	return key, nil
}

// number reads the longest number at i: "01" is 0 and more data.
func (d *decoder) number() (any, error) {
	start := d.i
	i := start
	if i < len(d.s) && d.s[i] == '-' {
		i++
	}
	switch digits := d.digits(i); {
	case digits == 0:
		return nil, d.fail("Expecting value", start)
	case d.s[i] == '0':
		i++
	default:
		i += digits
	}
	whole := i
	if i < len(d.s) && d.s[i] == '.' && d.digits(i+1) > 0 {
		i += 1 + d.digits(i+1)
	}
	if i < len(d.s) && (d.s[i] == 'e' || d.s[i] == 'E') {
		j := i + 1
		if j < len(d.s) && (d.s[j] == '+' || d.s[j] == '-') {
			j++
		}
		if n := d.digits(j); n > 0 {
			i = j + n
		}
	}
	d.i = i
	if i > whole {
		// Out of range is an infinity or zero, as in Python.
		f, _ := strconv.ParseFloat(d.s[start:i], 64)
		return f, nil
	}
	return d.integer(start, i)
}

// digits is the number of ASCII digits from byte i on.
func (d *decoder) digits(i int) int {
	n := 0
	for i+n < len(d.s) && '0' <= d.s[i+n] && d.s[i+n] <= '9' {
		n++
	}
	return n
}

func (d *decoder) integer(start, end int) (any, error) {
	text := d.s[start:end]
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if n := len(strings.TrimPrefix(text, "-")); n > maxDigits {
		return nil, d.failAs("ValueError", DigitsError(n), start)
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return nil, d.fail("Expecting value", start)
	}
	return n, nil
}

// DigitsError is the text of the ValueError with which Python refuses to
// read an integer of n digits, n being more than 4300.
func DigitsError(n int) string {
	return fmt.Sprintf("Exceeds the limit (%d digits) for integer string conversion: value has %d digits; "+
		"use sys.set_int_max_str_digits() to increase the limit", maxDigits, n)
}

// str reads the string whose opening quote is at i.
func (d *decoder) str() (string, error) {
	begin := d.i
	d.i++
	start := d.i
	var b []byte // nil until an escape is met
	for d.i < len(d.s) {
		switch c := d.s[d.i]; {
		case c == '"':
			text := d.s[start:d.i]
			d.i++
			if b == nil {
				return text, nil
			}
			return string(append(b, text...)), nil
		case c < 0x20:
			return "", d.fail("Invalid control character at", d.i)
		case c == '\\':
			b = append(b, d.s[start:d.i]...)
			r, err := d.escape(begin)
			if err != nil {
				return "", err
			}
			b = appendRune(b, r)
			start = d.i
		default:
			d.i++
		}
	}
	return "", d.fail("Unterminated string starting at", begin)
}

// escape reads the escape at i, in the string whose quote is at begin.
func (d *decoder) escape(begin int) (rune, error) {
	at := d.i
	if at+1 >= len(d.s) {
		return 0, d.fail("Unterminated string starting at", begin)
	}
	c := d.s[at+1]
	d.i += 2
	if k := strings.IndexByte(`"\/bfnrt`, c); k >= 0 {
		return rune("\"\\/\b\f\n\r\t"[k]), nil
	}
	if c != 'u' {
		return 0, d.fail(`Invalid \escape`, at)
	}
	r, ok := d.hex4()
	if !ok {
		return 0, d.fail(`Invalid \uXXXX escape`, at+1)
	}
	if r < 0xD800 || r > 0xDBFF || !strings.HasPrefix(d.s[d.i:], `\u`) {
		return r, nil
	}
	// A high surrogate: the pair is one character if a low one follows.
	second := d.i
	d.i += 2
	low, ok := d.hex4()
	switch {
	case !ok:
		return 0, d.fail(`Invalid \uXXXX escape`, second+1)
	case low < 0xDC00 || low > 0xDFFF:
		d.i = second
		return r, nil
	}
	return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), nil
}

// hex4 reads four hexadecimal digits, which at least one byte must follow.
func (d *decoder) hex4() (rune, bool) {
	if d.i+4 >= len(d.s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(d.s[d.i : d.i+4]) {
		k := strings.IndexByte("0123456789abcdef", c|0x20)
		if k < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(k)
	}
	d.i += 4
	return r, true
}
