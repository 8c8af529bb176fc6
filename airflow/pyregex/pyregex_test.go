package pyregex_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyregex"
)

// patterns are asked of Python and of this package, by TestPython.
var patterns = []string{
	"", "smtp", "^SMTP", "^smtp_.*$", "x|abc", "a.c", "abc$", `abc\Z`, `\Aabc`, "(a)bc\\1?", `(?P<n>a)b(?P=n)`, "(?:ab)+c", "a{2}", "a{,2}b", "a{1,}b", "a{b", "a{1", "a{}", "a{,}b",
	"[a-c]+$", "[^a-c]+$", "[]a]", "[^]a]", "[a-]", "[-a]", "[[a]", "[a&&b]", "[a-b-c]", `[\d_]+$`, `[^\d]+$`, `[\W]`, `[^\W]`, `[\S]+$`, `[^\S]`, `[\D]`, `[\b]`, `[\n]`, `[\x41-\x43]`, `[\u00e9]`,
	`\d+$`, `\D+$`, `\w+$`, `\W+`, `\s`, `\S+$`, `\bab`, `a\b`, `a\Bb`, `\B`, `\b`, "Ét", "k", "ſ", "s", "ß", "ẞ", "i", "İ", "ı", "µ", "σ", "ΐ", "[k-m]", "[^k]", "[K-Ω]+",
	"(?i)abc", "(?s)a.c", "(?m)^b", "(?m)a$", "(?u)a", "(?-i:abc)", "(?i:ABC)", "(?s:a.c)", "(?s-i:A.c)", "a(?-i:B)c", "(?=ab)a", "(?!ab)a", "a(?<=a)b", "a(?<!b)b", "(?<=a|b)c", "(?:(?<=ab)|x)c",
	"(a)?b(?(1)c|d)", "(?P<q>a)?b(?(q)c)", "(?>a+)b", "(?>a+)a", "a++b", "a*+a", "a?+a", "a{1,2}+a", "a*?b", "a+?", "a??b", "(?#note)a", "(a|ab)(c|bcd)(d*)", "((a)|b)*", "()", "(|a)+b",
	`\x61`, `\u0061`, `\U00000061`, `\141`, `\0`, `\01`, `a\.c`, `a\-c`, `\_a`, `\/a`, `\ a`, `a\tb`, "😀", "[😀-😂]", "(?:a|b|c){2,3}$", "(?i)(a)\\1", "(K)\\1", ".*_prod$", "^(?!tmp_)", "(?:dev|prod)-[a-z]+(?:-\\d{2})?$",
	// What Python refuses.
	"[", "[a", "(", ")", "(a", "a)", "*", "+a", "?", "a**", "a+*", "a{2}{3}", "a{3,2}", "(?P<1>a)", "(?P<a>x)(?P<a>y)", "(?P=x)", `\1`, `(a\1)`, `\q`, `\k`, `\p{L}`, `[\q]`, `\`, `[\`, `\x1`, `\u12`,
	"[z-a]", `[\d-a]`, `[a-\d]`, "(?<=a*)b", "(?<!a|bb)b", "(?z)", "(?P", "(?", "(?Px)", "(?<n>a)", "a(?i)b", "(?L)a", "(?i-)", "(?(1)a|b|c)", "(?(0)a)", "(?(x)a)", `\400`, "^*", "$+", `\b+`, "{2}", "x{1}{2}", "(?P<a", "(?P<>a)", "(?#x", "a|*", "(*a)", "\\8",
}

func TestRefusedByName(t *testing.T) {
	tests := []struct{ pattern, construct string }{
		{"(?x)a b", "flag x (verbose)"},
		{"(?x:a b)", "flag x (verbose)"},
		{"(?a)a", "flag a (ASCII)"},
		{"(?a:a)", "flag a (ASCII)"},
		{`\N{LATIN SMALL LETTER A}`, `escape \N{...}`},
		{strings.Repeat("a", 10_001), "pattern of more than 10000 characters"},
		{strings.Repeat("(", 300) + strings.Repeat(")", 300), "pattern of more than 99 groups"},
		{strings.Repeat("(?:", 300) + strings.Repeat(")", 300), "nesting of more than 200 groups"},
	}
	for _, tt := range tests {
		_, err := pyregex.Compile(tt.pattern)
		var unkept *pyregex.UnsupportedError
		if !errors.As(err, &unkept) || unkept.Construct != tt.construct {
			t.Errorf("Compile(%.40q): %v, want it to refuse the %s", tt.pattern, err, tt.construct)
		}
	}
}

// TestSlowPattern: a pattern that would take years ends with an error.
func TestSlowPattern(t *testing.T) {
	p, err := pyregex.Compile("(a+)+$")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := p.Match(strings.Repeat("a", 60) + "!"); ok || err == nil || !strings.Contains(err.Error(), "longer than 1s") {
		t.Errorf("Match = %t, %v", ok, err)
	}
}

// FuzzCompile: no pattern makes the parser fail in another way than by its
// errors, and what it takes the engine takes.
func FuzzCompile(f *testing.F) {
	for _, pattern := range patterns {
		f.Add(pattern)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		p, err := pyregex.Compile(pattern)
		var unkept *pyregex.UnsupportedError
		if errors.As(err, &unkept) && unkept.Construct == "construct that the engine does not take" {
			t.Errorf("%q is translated into something the engine refuses", pattern)
		}
		if err == nil {
			_, _ = p.Match("abc")
		}
	})
}
