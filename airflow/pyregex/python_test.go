//go:build !race

// One goroutine compares all of this: the race detector would find nothing, and
// take half a minute for it.

package pyregex_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyregex"
	"github.com/airlock-secrets/airlock/internal/baotest"
)

// texts are what every one of patterns is matched with.
var texts = []string{
	"", "a", "abc", "ABC", "abcd", "abcb", "aba", "ab", "aab", "aaab", "aa", "a{b", "a{1", "a{}", "b", "bc", "bd", "c", "ac", "a\nc", "a\n", "abc\n", "b\na", "a\tb", "smtp_default", "SMTP", "my_smtp",
	"été", "Ét", "état", "ÉTAT", "K", "k", "ſ", "s", "S", "ß", "ẞ", "ss", "i", "İ", "ı", "I", "µ", "μ", "Μ", "σ", "ς", "Σ", "ΐ", "ΐ", "Å", "١", "½", "Ⅷ", "中", "_", "-", "]", "[", "&", "^", " ", "\u00a0", "\x1c", "\x85", "\u200b", "\b", "\x00", "\x01",
	"a.c", "a-c", "_a", "/a", " a", "😀", "😁x", "aA", "kK", "x_prod", "tmp_x", "dev-ab-12", "abababc", "aaabcd", "\u0301a", "ⓐ", "ǅ", "ĳ",
}

// TestPython asks real Python the same.
func TestPython(t *testing.T) {
	var questions [][2]string
	for _, pattern := range patterns {
		for _, text := range texts {
			questions = append(questions, [2]string{pattern, text})
		}
	}
	answers, reported := askPython(t, questions), map[string]bool{}
	for i, q := range questions {
		want := answers[i]
		p, err := pyregex.Compile(q[0])
		var refused *pyregex.Error
		var got any
		switch {
		case errors.As(err, &refused):
			got = refused.Error()
		case err != nil:
			t.Errorf("%q: %v", q[0], err)
			continue
		default:
			if got, err = p.Match(q[1]); err != nil {
				t.Errorf("%q of %q: %v", q[0], q[1], err)
			}
		}
		if got != want && !reported[q[0]] {
			reported[q[0]] = true
			t.Errorf("re.match(%q, %q, re.I): %v, Python: %v", q[0], q[1], got, want)
		}
	}
	t.Logf("%d questions", len(questions))
}

func askPython(t *testing.T, questions [][2]string) []any {
	t.Helper()
	const script = `
import json, re, sys, warnings
warnings.simplefilter("ignore")
def ask(p, t):
    try:
        return bool(re.match(p, t, re.IGNORECASE))
    except re.error as e:
        return str(e)
json.dump([ask(p, t) for p, t in json.load(sys.stdin)], sys.stdout)
`
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(baotest.Tool(t, "python"), "-c", script)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, stderr.String())
	}
	var answers []any
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(questions) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	return answers
}
