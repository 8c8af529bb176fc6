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
	var quote byte // 0, or the quote that is open
	inWord, escaped := false, false
	for i := range len(command) {
		// What separates or quotes is ASCII, and all else is kept, UTF-8 or not.
		switch c := command[i]; {
		case escaped:
			if quote != 0 && c != '\\' && c != quote {
				word.WriteByte('\\')
			}
			word.WriteByte(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inWord = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case strings.IndexByte(" \t\r\n", c) >= 0:
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteByte(c)
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
