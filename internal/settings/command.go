package settings

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/program"
)

// run executes the command of a _CMD option as Airflow does: no shell, the
// environment of the process and its current folder, standard output as it
// is (bytes that are not UTF-8 left out). Unlike Airflow it gives the command
// nothing to read, and never the variables of .env or the Dockerfile: a PATH
// or LD_PRELOAD from there would be code from there.
func (s *Settings) run(ctx context.Context, command string, word program.Word) (string, error) {
	words, err := program.Split(command)
	switch {
	case err != nil && word.User:
		return "", &Error{Type: valueError, Message: err.Error()}
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
