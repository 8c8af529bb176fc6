// Package cli is airlock's command line: one file for each noun, the rules of
// its voice in ui.go, and the command tree from which help and docs/cli.md
// are generated.
package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/config"
	"github.com/airlock-secrets/airlock/internal/settings"
)

// Env is everything a command takes from the process it runs in, so that a
// test can run one without a process.
type Env struct {
	Context context.Context
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Environ []string // "NAME=value", the later of two wins
	Dir     string   // the folder settings are read from
	// Serving is called once the daemon answers: from then on a stop has its
	// own time. Nil is fine.
	Serving func()
}

// Main runs one command and returns the exit code: 0 done, 1 failed, 2 usage,
// 3 not found, 4 denied, 5 store unavailable; 126 and 127 are of exec, and 130
// and 143 of a command that SIGINT or SIGTERM has ended.
func Main(env Env) int {
	a := &app{Env: env}
	root := a.root()
	root.SetArgs(quietHelp(root, env.Args))
	if completesNothing(root, env.Args) {
		return exitDone
	}
	err := root.ExecuteContext(env.Context)
	if err == nil {
		err = a.flush()
	}
	if ended := signalOf(env.Context); err != nil && ended != nil && !a.serving {
		a.say("airlock: interrupted")
		return ended.code()
	}
	if err != nil {
		a.fail(err)
	}
	return exitCode(err)
}

// app is one run of the program: its Env and the flags every command shares.
type app struct {
	Env
	dataDir    string
	context    string
	configPath string
	exact      bool
	// noBackend leaves the configured backends out: the embedded store only.
	noBackend bool
	flags     *pflag.FlagSet // those that every command has
	// out gathers a command's answer, which is written at its end: a command
	// that fails half-way prints nothing that could be taken for an answer.
	out answer
	// settings are read once, by the first that asks.
	settings *settings.Settings
	// file is airlock.yaml once it is read; nil where there is none.
	file *config.File
	// alone is that file with the variables of its author only.
	alone *config.File
	// trust decides about addresses that the folder names; nil until it is asked.
	trust airlock.Trust
	// fileOfFolder says that airlock found it in the folder by itself.
	fileOfFolder bool
	// completing says that Tab was pressed: nothing is asked or remembered.
	completing bool
	// serving says that the daemon has answered.
	serving bool
	// bar tells what takes so long; nil while nothing does.
	bar *progress
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "airlock",
		Short: "Between Apache Airflow and the stores its secrets live in",
		Long: `airlock resolves Airflow variables, connections and configuration options exactly
as Airflow does, serves them over the protocols its providers speak, keeps them
in an encrypted store, and explains where each value comes from.

It reads what Airflow reads, in the folder where it is run: the AIRFLOW__SECRETS__*
variables and their kin, from the process, then .env, then the Dockerfile's ENV
lines, then $AIRFLOW_HOME/airflow.cfg. An airlock.yaml in that folder names
backends of its own in their place; flags win over both.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.dataDir == "" {
				return usageError{msg: "the data folder is empty", hint: "name one with --data-dir, or leave the flag out for .airlock"}
			}
			_, err := a.reading()
			return err
		},
	}
	root.SetIn(a.Stdin)
	root.SetOut(&a.out)
	root.SetErr(a.Stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, err) })
	f := root.PersistentFlags()
	a.flags = f
	f.StringVar(&a.configPath, "config", "", "airlock's own settings `file` (default airlock.yaml, if it is there)")
	f.StringVar(&a.dataDir, "data-dir", ".airlock", "`folder` of the embedded store; relative to the current one (also AIRLOCK_DATA_DIR)")
	f.StringVar(&a.context, "context", "worker", "whose reading: `worker` (a task's) or server (the scheduler's)")
	f.BoolVar(&a.exact, "airflow-exact", false, "refuse where Airflow 3 refuses (old class paths) instead of answering")
	f.BoolVar(&a.noBackend, "no-backend", false, "use the embedded store only, whatever backend is configured")
	root.AddCommand(a.variables(), a.connections(), a.config(), a.explain(), a.check(), a.exec(), a.render(), a.serve(), a.client(), a.init(), a.trustCommand(), a.man(), a.version())
	a.complete(root)
	return root
}

// reading translates --context.
func (a *app) reading() (airflow.Reading, error) {
	switch a.context {
	case "worker":
		return airflow.SDK, nil
	case "server":
		return airflow.ORM, nil
	}
	return 0, usageError{msg: "unknown context: want --context worker or --context server"}
}

// args wraps a cobra argument check so that its failure is a usage error.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, list []string) error {
		if err := check(c, list); err != nil {
			return usage(c, err)
		}
		return nil
	}
}

// group makes a command that only holds others: called alone, it shows its
// help and fails.
func group(use, short string, children ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: args(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error {
		return usage(c, errors.New("which one? "+childNames(c)))
	}}
	c.AddCommand(children...)
	return c
}
