package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/airlock-secrets/airlock/airflow"
)

// completionWait bounds how long a person who pressed Tab waits for a store.
const completionWait = 3 * time.Second

// completer says what may stand after the words that are there.
type completer func(ctx context.Context, words []string) []string

// complete teaches the shells ids and names: those of commands' arguments by
// the command's path, those of flags wherever the flag is.
func (a *app) complete(root *cobra.Command) {
	variables, connections := a.ids(airflow.KindVariable), a.ids(airflow.KindConnection)
	arguments := map[string]completer{
		"variables get": first(variables), "variables set": first(variables), "variables delete": first(variables),
		"connections get": first(connections), "connections delete": first(connections),
		"connections lint": first(connections), "connections convert": first(connections),
		"explain": a.explained, "config get-value": options,
	}
	flags := map[string]completer{
		"variables": variables, "connections": connections, "options": func(context.Context, []string) []string { return dotted() },
		"context": func(context.Context, []string) []string { return []string{"worker", "server"} },
	}
	for _, c := range commandsBelow(root) {
		if find, ok := arguments[strings.TrimPrefix(c.CommandPath(), root.Name()+" ")]; ok {
			c.ValidArgsFunction = a.quietly(find)
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if words := choices(f.Usage); words != nil {
				_ = c.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
			}
		})
		for name, find := range flags {
			if c.LocalFlags().Lookup(name) != nil && c.LocalFlags().Lookup(name).Value.Type() != "bool" {
				// The one error is that of a flag that has one already.
				_ = c.RegisterFlagCompletionFunc(name, a.listed(find))
			}
		}
	}
}

// choices are the words of which a flag takes one, as its usage names them:
// `table|json`. It is nil for any other flag.
func choices(usage string) []string {
	_, rest, _ := strings.Cut(usage, "`")
	words, _, closed := strings.Cut(rest, "`")
	if !closed || !strings.Contains(words, "|") || strings.ContainsAny(words, " .") {
		return nil
	}
	return strings.Split(words, "|")
}

func commandsBelow(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, child := range c.Commands() {
		all = append(all, commandsBelow(child)...)
	}
	return all
}

type completionFunc = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// quietly runs a completer so that nothing but its answers reaches the
// terminal in the middle of a line.
func (a *app) quietly(find completer) completionFunc {
	return func(c *cobra.Command, words []string, typed string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(a.Context, completionWait)
		defer cancel()
		shown := a.Stderr
		a.Stderr, a.completing = io.Discard, true
		defer func() { a.Stderr = shown }()
		found := slices.DeleteFunc(find(ctx, words), func(id string) bool {
			return !strings.HasPrefix(id, typed) || visible(id) != id || strings.ContainsAny(id, "\n\t")
		})
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// listed is quietly for a flag whose value is a list: what stands before the
// last comma is kept.
func (a *app) listed(find completer) completionFunc {
	complete := a.quietly(find)
	return func(c *cobra.Command, words []string, typed string) ([]string, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		found, how := complete(c, words, typed[len(before):])
		for i := range found {
			found[i] = before + found[i]
		}
		return found, how
	}
}

// first completes the first argument only.
func first(find completer) completer {
	return func(ctx context.Context, words []string) []string {
		if len(words) > 0 {
			return nil
		}
		return find(ctx, words)
	}
}

// ids are those of the secrets backend; none where it cannot be listed.
func (a *app) ids(kind airflow.Kind) completer {
	return func(ctx context.Context, _ []string) []string {
		ids, err := a.list(ctx, kind)
		if err != nil {
			return nil
		}
		return ids
	}
}

func (a *app) explained(ctx context.Context, words []string) []string {
	if len(words) == 0 {
		var kinds []string
		for _, k := range airflow.Kinds() {
			kinds = append(kinds, string(k))
		}
		return kinds
	}
	kind, err := airflow.ParseKind(words[0])
	if err != nil || len(words) > 1 || kind == airflow.KindConfig {
		return nil
	}
	return a.ids(kind)(ctx, nil)
}

// options completes a section, then an option of it.
func options(_ context.Context, words []string) []string {
	known, err := airflow.Options()
	if err != nil || len(words) > 1 {
		return nil
	}
	var found []string
	for _, o := range known {
		switch {
		case len(words) == 0:
			found = append(found, o.Section)
		case o.Section == words[0]:
			found = append(found, o.Key)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// dotted are all options as section.key.
func dotted() []string {
	known, err := airflow.Options()
	if err != nil {
		return nil
	}
	found := make([]string, len(known))
	for i, o := range known {
		found[i] = o.Section + "." + o.Key
	}
	return found
}
