package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

func (a *app) variables() *cobra.Command {
	return group("variables", "Get, list, set and delete Airflow variables",
		a.variablesGet(), a.variablesList(), a.variablesSet(), a.variablesDelete())
}

func (a *app) variablesGet() *cobra.Command {
	var (
		fallback string
		asJSON   bool
		team     string
	)
	c := &cobra.Command{
		Use:   "get KEY",
		Short: "Print a variable's value as Airflow resolves it",
		Example: `  airlock variables get my_key
  airlock variables get settings --json
  airlock variables get my_key --default none`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			res, err := a.lookup(c.Context(), airflow.Ref{Kind: airflow.KindVariable, ID: list[0], Team: team},
				&airlock.LookupOptions{Deserialize: asJSON})
			if err != nil && c.Flags().Changed("default") && res != nil && res.Undefined() {
				// As Airflow does, also where a layer failed: but not in silence.
				if !errors.Is(err, store.ErrNotFound) && !errors.As(err, new(usageError)) {
					a.say("airlock: the default is used: %v", err)
				}
				a.println(fallback)
				return nil
			}
			if err != nil {
				return err
			}
			a.println(res.Value.Text())
			return nil
		},
	}
	c.Flags().StringVarP(&fallback, "default", "d", "", "`value` to print when there is no such variable")
	c.Flags().BoolVarP(&asJSON, "json", "j", false, "the value must be JSON; print it as Python writes it")
	c.Flags().StringVar(&team, "team", "", "look it up on behalf of a `team` (core.multi_team)")
	return c
}

func (a *app) variablesList() *cobra.Command {
	return a.listCommand(airflow.KindVariable, "variables", "key")
}

func (a *app) variablesSet() *cobra.Command {
	var (
		asJSON      bool
		description string
		fromStdin   bool
	)
	c := &cobra.Command{
		Use:   "set KEY VALUE",
		Short: "Write a variable to the source that can be written",
		Long: `Write a variable to the secrets backend that is configured, or to the embedded
store when none is. A VALUE on the command line can be seen in the list of
processes: --stdin reads it from standard input instead, byte for byte.`,
		Example: `  airlock variables set my_key my_value
  airlock variables set --stdin tls_key < key.pem`,
		Args: args(func(c *cobra.Command, list []string) error {
			if fromStdin {
				return cobra.ExactArgs(1)(c, list)
			}
			return cobra.ExactArgs(2)(c, list)
		}),
		RunE: func(c *cobra.Command, list []string) error {
			value := ""
			if len(list) == 2 {
				value = list[1]
			}
			return a.setVariable(c.Context(), list[0], value, description, asJSON, fromStdin)
		},
	}
	c.Flags().BoolVarP(&asJSON, "json", "j", false, "VALUE is JSON; store it as Airflow stores serialized JSON")
	c.Flags().StringVar(&description, "description", "", "`text` kept beside the value")
	c.Flags().BoolVar(&fromStdin, "stdin", false, "read VALUE from standard input")
	return c
}

func (a *app) setVariable(ctx context.Context, key, value, description string, asJSON, fromStdin bool) error {
	if fromStdin {
		text, err := a.readAll()
		if err != nil {
			return err
		}
		value = text
	}
	if asJSON {
		v, err := pyjson.Decode(value)
		if err != nil {
			return usageError{msg: "the value is not JSON: " + err.Error(), hint: "leave out --json to store it as text"}
		}
		value = pyjson.EncodeIndent(v)
	}
	ref := airflow.Ref{Kind: airflow.KindVariable, ID: key}
	return a.write(ctx, ref, dialect.Value{Data: value}, description)
}

func (a *app) variablesDelete() *cobra.Command {
	return a.deleteCommand(airflow.KindVariable, "KEY", "Delete a variable from the source that can be written")
}

// deleteCommand serves both nouns.
func (a *app) deleteCommand(kind airflow.Kind, arg, short string) *cobra.Command {
	return &cobra.Command{
		Use:   "delete " + arg,
		Short: short,
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			return a.remove(c.Context(), airflow.Ref{Kind: kind, ID: list[0]})
		},
	}
}

// listCommand serves both nouns: ids only, never values.
func (a *app) listCommand(kind airflow.Kind, noun, column string) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the " + noun + " of the secrets backend, without their values",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			ids, err := a.list(c.Context(), kind)
			if err != nil {
				return err
			}
			rows := make([]*pyjson.Object, len(ids))
			for i, id := range ids {
				rows[i] = pyjson.NewObject()
				rows[i].Set(column, id)
			}
			return a.print(output, rows, func() {
				for _, id := range ids {
					a.println(cell(id))
				}
			})
		},
	}
	outputFlag(c, &output, "plain", "plain", "json", "yaml", "table")
	return c
}
