package cli

import (
	"github.com/spf13/cobra"
)

func (a *app) config() *cobra.Command {
	return group("config", "Read Airflow's configuration, check airlock's", a.configGetValue(), a.configValidate())
}

func (a *app) configGetValue() *cobra.Command {
	return &cobra.Command{
		Use:   "get-value SECTION OPTION",
		Short: "Print a configuration option as Airflow resolves it",
		Long: `Print a configuration option as Airflow resolves it: from its environment
variable, the _CMD and _SECRET forms of sensitive options, airflow.cfg, or its
default. A command runs only when it comes from the process environment or from
$AIRFLOW_HOME, never from a project's folder.`,
		Example: `  airlock config get-value database sql_alchemy_conn`,
		Args:    args(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, list []string) error {
			value, err := a.option(c.Context(), list[0], list[1])
			if err != nil {
				return err
			}
			a.println(value)
			return nil
		},
	}
}
