package check

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/project"
)

// runs tells whether a command begins with words.
func runs(c *project.Command, words ...string) bool {
	if len(c.Words) < len(words) {
		return false
	}
	for i, word := range words {
		if c.Words[i].Text != word {
			return false
		}
	}
	return true
}

// switches are flags of the services' commands that take no value.
var switches = []string{"--quiet", "-q", "--overwrite", "--no-overwrite", "-f", "-force", "--force", "--no-cli-pager", "--debug", "--verbose", "--only-show-errors"}

// argument is the first word after so many that is no flag, nor a flag's
// value.
func argument(c *project.Command, after int) (text string, at project.Span, ok bool) {
	for i := after; i < len(c.Words); i++ {
		word := c.Words[i]
		if !strings.HasPrefix(word.Text, "-") {
			return word.Text, word.Span, true
		}
		if strings.HasPrefix(word.Text, "--") && !strings.Contains(word.Text, "=") && !slices.Contains(switches, word.Text) {
			i++
		}
	}
	return "", project.Span{}, false
}

// hasFlag tells whether a command has a flag, with its value in one word or in
// two.
func hasFlag(c *project.Command, name string) bool {
	return slices.ContainsFunc(c.Words, func(w project.Word) bool {
		return w.Text == name || strings.HasPrefix(w.Text, name+"=")
	})
}

// flag is the value of a flag, and where it stands, the flag itself included
// where both are one word.
func flag(c *project.Command, name string) (text string, at project.Span, ok bool) {
	for i, w := range c.Words {
		if value, found := strings.CutPrefix(w.Text, name+"="); found {
			return value, w.Span, true
		}
		if w.Text == name && i+1 < len(c.Words) {
			return c.Words[i+1].Text, c.Words[i+1].Span, true
		}
	}
	return "", project.Span{}, false
}
