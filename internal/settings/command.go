package settings

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
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

// mostOutput bounds what a command may print.
const mostOutput = 1 << 20

// run executes the command of a _CMD option as Airflow does: no shell, the
// environment of the process and its current folder, standard output as it
// is (bytes that are not UTF-8 left out). Unlike Airflow it gives the command
// nothing to read, and never the variables of .env or the Dockerfile: a PATH
// or LD_PRELOAD from there would be code from there.
func (s *Settings) run(ctx context.Context, command string) (string, error) {
	words, err := shellSplit(command)
	if err != nil {
		return "", err
	}
	if len(words) == 0 {
		return "", &Error{Type: "IndexError", Message: "the command is empty"}
	}
	path, err := s.findProgram(words[0])
	if err != nil {
		return "", err
	}
	var out, errs limited
	cmd := exec.CommandContext(ctx, path)
	cmd.Args = words
	cmd.Dir, cmd.Env = s.dir, s.processList
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second // a child that keeps the pipe open does not keep us
	err = cmd.Run()
	if out.full {
		return "", &Error{Type: configException, Message: fmt.Sprintf("the command printed more than %d bytes", mostOutput)}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return "", &Error{
			Type:    configException,
			Message: fmt.Sprintf("the command failed: its exit code is %d (its output is not shown)", pythonCode(exit.ProcessState)),
			original: fmt.Sprintf("Cannot execute %s. Error code is: %d. Output: %s, Stderr: %s",
				command, pythonCode(exit.ProcessState), decode(out.kept.Bytes()), decode(errs.kept.Bytes())),
		}
	}
	if err != nil {
		return "", &Error{Type: configException, Message: "the command could not be run: " + cause(ctx, err).Error(), Err: cause(ctx, err)}
	}
	return decode(out.kept.Bytes()), nil
}

// cause prefers why the context ended to the "signal: killed" it leads to.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// findProgram looks for a program in the PATH of the process environment that
// was handed in. Folders that are not absolute are passed over: what they
// mean depends on where airlock happens to run.
func (s *Settings) findProgram(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return name, nil
	}
	for _, dir := range filepath.SplitList(s.process["PATH"]) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", &Error{Type: fileNotFound, Message: "the command's program is not found in PATH"}
}

func decode(b []byte) string { return strings.ToValidUTF8(string(b), "") }

// limited keeps the first mostOutput bytes written to it and drops the rest.
// It is no bytes.Buffer itself, whose ReadFrom would pass the limit by.
type limited struct {
	kept bytes.Buffer
	full bool
}

// Write never fails.
func (l *limited) Write(p []byte) (int, error) {
	room := mostOutput - l.kept.Len()
	l.full = l.full || len(p) > room
	l.kept.Write(p[:min(len(p), room)])
	return len(p), nil
}

// pythonCode is what Python calls a process's return code: minus the signal
// for one that was killed.
func pythonCode(p *os.ProcessState) int {
	if w, ok := p.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return -int(w.Signal())
	}
	return p.ExitCode()
}
