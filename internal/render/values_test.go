package render_test

import (
	"math/rand/v2"
	"strings"
)

// pieces are what values are made of: what some reader gives a meaning, and
// what some reader trims, folds or cuts.
var pieces = []string{
	"a", "B", "7", "word", "'", `"`, "`", "''", `""`, `\`, `\\`, `\\\`, `\'`, `\"`, "$", "$$", `\$`, "$HOME", "${HOME}", "${X:-y}", "$(id)", "${{ a }}",
	"\n", "\r", "\r\n", "\t", " ", "  ", "\v", "\f", "#", " #", "# ", "=", ":", ": ", "- ", "?", "!", "!!", "&", "*", "|", ">", "%", "@", "~", ",", "[", "]", "{", "}", "{{", "}}",
	"<<EOF", "\nEOF\n", "\n---\n", "\n...\n", "--", "-", "export ", "null", "true", "no", "0x1F", "1e3", ".5", "07", "1:30", "2026-01-01", `\n`, `\r`, `\t`, `\x41`, `\u0041`, `\072`, `\0`, `\c`,
	"\x01", "\x1b", "\x7f", "\u0085", "\u00a0", "\u00ad", "\u200b", "\u2028", "\u2029", "\u3000", "\ufeff", "\ufffd", "\ufffe", "\uffff", "\ue000", "é", "ß", "日本", "\U0001f511", "\U000e0001", "\U0010ffff",
	`{"a": "b"}`, `{"vault": {"url": "http://x:8200"}}`, "postgres://u:p%40@h:5432/db?a=b", "-----BEGIN KEY-----\nabc=\n-----END KEY-----\n",
}

// values are all pieces, all pairs that begin or end oddly, and random
// sequences of pieces; the same ones in every run.
func values(random int) []string {
	list := []string{""}
	for _, p := range pieces {
		list = append(list, p, p+"x", "x"+p, "x"+p+"y", p+p)
	}
	r := rand.New(rand.NewPCG(11, 22))
	for range random {
		var b strings.Builder
		for range 1 + r.IntN(8) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		list = append(list, b.String())
	}
	for range random / 4 {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteRune(character(r))
		}
		list = append(list, b.String())
	}
	return list
}

// character is any Unicode character but NUL.
func character(r *rand.Rand) rune {
	for {
		limit := []int{0x80, 0x100, 0x3000, 0x110000}[r.IntN(4)]
		if c := rune(r.IntN(limit)); c != 0 && (c < 0xd800 || c > 0xdfff) {
			return c
		}
	}
}
