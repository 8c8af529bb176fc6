package settings

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/program"
)

// shellSplit splits a command into words as Python's shlex.split does in its
// POSIX mode: quotes and backslashes as in a shell, and nothing else of one.
func shellSplit(command string) ([]string, error) {
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
		return nil, &Error{Type: valueError, Message: "No escaped character"}
	case quote != 0:
		return nil, &Error{Type: valueError, Message: "No closing quotation"}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// run executes the command of a _CMD option as Airflow does: no shell, the
// environment of the process and its current folder, standard output as it
// is (bytes that are not UTF-8 left out). Unlike Airflow it gives the command
// nothing to read, and never the variables of .env or the Dockerfile: a PATH
// or LD_PRELOAD from there would be code from there.
func (s *Settings) run(ctx context.Context, command string, word program.Word) (string, error) {
	words, err := shellSplit(command)
	switch {
	case err != nil && word.User:
		return "", err
	case len(words) == 0 && word.User:
		return "", &Error{Type: "IndexError", Message: "the command is empty"}
	}
	c := program.Command{Word: word, What: "the command of an option", Args: words, Dir: s.dir, Environ: s.processList}
	out, err := c.Output(ctx)
	var exit *program.ExitError
	switch {
	case err == nil:
		return decode(out), nil
	case errors.Is(err, program.ErrNotRun):
		return "", err
	case errors.Is(err, program.ErrNotFound):
		return "", &Error{Type: fileNotFound, Message: "the command's program is not found in PATH"}
	case errors.Is(err, program.ErrTooLong):
		return "", &Error{Type: configException, Message: fmt.Sprintf("the command printed more than %d bytes", program.MostOutput)}
	case errors.As(err, &exit):
		return "", &Error{
			Type:    configException,
			Message: fmt.Sprintf("the command failed: its exit code is %d (its output is not shown)", exit.Code),
			original: fmt.Sprintf("Cannot execute %s. Error code is: %d. Output: %s, Stderr: %s",
				command, exit.Code, decode(exit.Out), decode(exit.Err)),
		}
	}
	return "", &Error{Type: configException, Message: "the command could not be run: " + err.Error(), Err: err}
}

func decode(b []byte) string { return strings.ToValidUTF8(string(b), "") }
