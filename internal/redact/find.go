package redact

import (
	"encoding/binary"
	"strings"
)

// effort bounds the work for one text, in comparisons of bytes. A text that
// takes more is not shown at all.
const effort = 20 << 20

// piece is a text to look for.
type piece struct {
	text    string
	head    int  // the least of its beginning that is removed, in bytes
	tail    int  // the least of its end
	bounded bool // only as a word of its own
}

// index finds pieces by the four bytes that they begin and end with. Only a
// piece of which a part counts is found by its end.
type index struct {
	known        map[string]bool
	heads, tails map[uint32][]piece
	head, tail   bits // of the first two of the four bytes
	masks        memo
}

// bits is a set of numbers of 16 bits.
type bits [1 << 16 / 64]uint64

func (b *bits) set(n uint32)      { b[n/64] |= 1 << (n % 64) }
func (b *bits) has(n uint32) bool { return b[n/64]&(1<<(n%64)) != 0 }

func newIndex() *index {
	return &index{known: map[string]bool{}, heads: map[uint32][]piece{}, tails: map[uint32][]piece{}}
}

// add adds the pieces of a secret; own is whether they are looked for in
// airlock's own words.
func (x *index) add(s secret, own bool) {
	least, part, over := leastCredential, partCredential, names(Shown)
	if s.payload {
		least, part, over = leastPayload, partPayload, ofPayloads
	}
	if own {
		least = leastMasked
	}
	over.pieces(s.text, deepest, func(text string) {
		if len(text) < least || isOne(harmless, text) || own && isOne(familiar, text) {
			return
		}
		key := text
		if s.payload {
			key = "\x00" + text
		}
		if x.known[key] {
			return
		}
		x.known[key] = true
		p := piece{text, place(text) + part, part, s.payload && len(text) < leastInWords}
		first, last := gram(text), gram(text[len(text)-4:])
		x.heads[first] = append(x.heads[first], p)
		x.head.set(first >> 16)
		if len(text) > part {
			x.tails[last] = append(x.tails[last], p)
			x.tail.set(last >> 16)
		}
	})
}

// gram is the first four bytes, as what stands for them in an index: letters
// count alike in capitals.
func gram[T string | []byte](b T) uint32 {
	return binary.BigEndian.Uint32([]byte{lower(b[0]), lower(b[1]), lower(b[2]), lower(b[3])})
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// finder marks what is found in one text.
type finder struct {
	*index
	marks []bool
	left  int // of effort
	found bool
}

// search marks all pieces in a view.
func (f *finder) search(v view) {
	for i := 0; i+4 <= len(v.b) && f.left > 0; i++ {
		four := gram(v.b[i:])
		if f.head.has(four >> 16) {
			for _, p := range f.heads[four] {
				n := common(v.b[i:], p.text)
				f.left -= n + 1
				if n == len(p.text) && (!p.bounded || v.word(i, n)) || n >= p.head {
					f.mark(v, i, i+n)
				}
			}
		}
		if f.tail.has(four >> 16) {
			for _, p := range f.tails[four] {
				n := commonEnd(v.b[:i+4], p.text)
				f.left -= n + 1
				if n >= p.tail {
					f.mark(v, i+4-n, i+4)
				}
			}
		}
	}
}

func (f *finder) mark(v view, from, to int) {
	f.found = true
	for i := v.from[from]; i < v.to[to-1]; i++ {
		f.marks[i] = true
	}
}

// place is how much of a text says only where something is, in bytes: of a URL
// all before its path. Its login and password are pieces of their own.
func place(text string) int {
	scheme := strings.Index(text, "://")
	if scheme < 0 || strings.ContainsAny(text[:scheme], " \r\n\t\"'{") {
		return 0
	}
	scheme += len("://")
	if path := strings.IndexAny(text[scheme:], "/?#"); path >= 0 {
		return scheme + path
	}
	return len(text)
}

// common is how many bytes a and b begin with alike.
func common(a []byte, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if lower(a[i]) != lower(b[i]) {
			return i
		}
	}
	return n
}

// commonEnd is how many bytes a and b end with alike.
func commonEnd(a []byte, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if lower(a[len(a)-1-i]) != lower(b[len(b)-1-i]) {
			return i
		}
	}
	return n
}
