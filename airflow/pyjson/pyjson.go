// Package pyjson reads and writes JSON as Python's json module does: NaN and
// infinities, integers of any size, objects in insertion order with the last
// duplicate winning, and Python's own spacing and escapes on output.
//
// # Strings
//
// A Python string may hold lone surrogates, which UTF-8 cannot express. Here
// such a surrogate is kept as the three bytes that UTF-8's scheme would give
// it (U+D800 is ED A0 80); [DecodeRune] reads them back, and [Encode] writes
// them as the escape they came from. A byte that is not UTF-8 at all stands
// for U+DC80..U+DCFF, as in Python's surrogateescape, which is how Python
// itself sees such a byte in an environment variable.
package pyjson

import "unicode/utf8"

// Object is a JSON object that keeps the order of its keys.
type Object struct {
	keys   []string
	values map[string]any
}

// NewObject returns an empty object.
func NewObject() *Object { return &Object{values: map[string]any{}} }

// Keys returns the keys in order. The caller must not change the slice.
func (o *Object) Keys() []string { return o.keys }

// Len returns the number of members.
func (o *Object) Len() int { return len(o.keys) }

// Get returns the member called key.
func (o *Object) Get(key string) (any, bool) { v, ok := o.values[key]; return v, ok }

// Set sets a member; an existing one keeps its place.
func (o *Object) Set(key string, v any) {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

// Delete removes the member called key, if there is one. It takes time in
// proportion to the number of members.
func (o *Object) Delete(key string) {
	if _, ok := o.values[key]; !ok {
		return
	}
	delete(o.values, key)
	for i, k := range o.keys {
		if k == key {
			// A new slice: Keys may have been handed out.
			o.keys = append(append([]string(nil), o.keys[:i]...), o.keys[i+1:]...)
			return
		}
	}
}

// Clone returns a copy that shares the members' values, not the table.
func (o *Object) Clone() *Object {
	c := NewObject()
	for _, k := range o.keys {
		c.Set(k, o.values[k])
	}
	return c
}

// DecodeRune reads the first character of a string as Python has it: as
// [utf8.DecodeRuneInString], but a surrogate in three bytes is itself, and a
// byte that is part of no character is U+DC00 plus the byte. The size is 0
// only for an empty string.
func DecodeRune(s string) (r rune, size int) {
	r, size = utf8.DecodeRuneInString(s)
	if r != utf8.RuneError || size != 1 {
		return r, size
	}
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return 0xDC00 + rune(s[0]), 1
}

// appendRune is utf8.AppendRune that keeps surrogates.
func appendRune(b []byte, r rune) []byte {
	if r < 0xD800 || r > 0xDFFF {
		return utf8.AppendRune(b, r)
	}
	return append(b, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
}
