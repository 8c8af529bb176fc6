package program_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/program"
)

// FuzzSplit: words that are quoted as Python's shlex.quote does come back as
// they were, those of any command too, and blanks around a command change
// nothing.
func FuzzSplit(f *testing.F) {
	for _, text := range commands {
		f.Add(text, "a'b")
	}
	f.Add("a\xff 'b\xe9'", "\\\xff")
	f.Fuzz(func(t *testing.T, command, word string) {
		words, err := program.Split(command)
		if err != nil {
			if words != nil {
				t.Errorf("Split(%q) fails and has the words %q", command, words)
			}
			words = nil
		}
		words = append(words, word)
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'"'"'`)+"'")
		}
		again, err := program.Split(" \t" + strings.Join(quoted, "\r\n") + " ")
		if err != nil || !slices.Equal(again, words) {
			t.Errorf("%q comes back as %q, %v", words, again, err)
		}
	})
}
