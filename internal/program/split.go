package program

import "strings"

// splitError has the text of Python's ValueError.
type splitError string

func (e splitError) Error() string { return string(e) }

// Split splits a command into words as Python's shlex.split does in its
// POSIX mode: quotes and backslashes as in a shell, and nothing else of one. An
// error has the text of Python's ValueError.
func Split(command string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune // 0, or the quote that is open
	inWord, escaped := false, false
	for _, r := range command {
		switch {
		case escaped:
			if quote != 0 && r != '\\' && r != quote {
				word.WriteRune('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case strings.ContainsRune(" \t\r\n", r):
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	switch {
	case escaped:
		return nil, splitError("No escaped character")
	case quote != 0:
		return nil, splitError("No closing quotation")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
