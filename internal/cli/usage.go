package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// usageError is a mistake in how a command was called. Its text repeats no
// argument but one that is nearly a word of ours.
type usageError struct{ msg, hint string }

func (e usageError) Error() string { return e.msg }

func usage(c *cobra.Command, err error) error {
	return usageError{msg: mistake(c, err), hint: "see: " + c.CommandPath() + " --help"}
}

// mistake is what is wrong with a call. The libraries' own texts repeat
// arguments, which may be secrets.
func mistake(c *cobra.Command, err error) string {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return fmt.Sprintf("unknown shorthand flag: %q", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		return "unknown flag: --" + excerpt.Near(unknown.GetSpecifiedName(), flagNames(c))
	case errors.As(err, &invalid):
		return fmt.Sprintf("invalid argument for --%s: want a %s", invalid.GetFlag().Name, invalid.GetFlag().Value.Type())
	case errors.As(err, new(*pflag.InvalidSyntaxError)):
		return "bad flag syntax: a flag is written --name or --name=value"
	case isUnknownCommand(err):
		return unknownCommand(c.Root(), err)
	}
	return err.Error()
}

func flagNames(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	c.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// isUnknownCommand recognises the one usage error that cobra makes without
// asking the flag or argument functions.
func isUnknownCommand(err error) bool { return strings.HasPrefix(err.Error(), "unknown command ") }

// unknownCommand is cobra's text without the word that was typed, where that is
// nearly no command.
func unknownCommand(root *cobra.Command, err error) string {
	const begins = "unknown command "
	quoted, qerr := strconv.QuotedPrefix(strings.TrimPrefix(err.Error(), begins))
	if qerr != nil {
		return "unknown command"
	}
	word, _ := strconv.Unquote(quoted) // QuotedPrefix has looked at it
	var names []string
	for _, c := range commandsBelow(root) {
		names = append(names, c.Name())
	}
	return begins + strconv.Quote(excerpt.Near(word, names)) + strings.TrimPrefix(err.Error(), begins+quoted)
}

// completesNothing tells whether Tab was pressed behind words that are no
// command. The library would repeat them on the standard error of the process.
func completesNothing(root *cobra.Command, list []string) bool {
	if len(list) < 2 || list[0] != cobra.ShellCompRequestCmd && list[0] != cobra.ShellCompNoDescRequestCmd {
		return false
	}
	_, _, err := root.Find(list[1 : len(list)-1])
	return err != nil
}

// quietHelp are the arguments without those that `help` would repeat: what is no
// command.
func quietHelp(root *cobra.Command, list []string) []string {
	if len(list) > 1 && list[0] == "help" {
		if _, _, err := root.Find(list[1:]); err != nil {
			return []string{"help", excerpt.Hidden}
		}
	}
	return list
}
