package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/render"
)

func (a *app) exec() *cobra.Command {
	var (
		s selection
		e childEnvironment
	)
	c := &cobra.Command{
		Use:   "exec [flags] -- COMMAND [ARG...]",
		Short: "Run a command with variables, connections and options in its environment",
		Long: `Run a command with AIRFLOW_VAR_*, AIRFLOW_CONN_* and AIRFLOW__* variables of what is
asked for, resolved as Airflow resolves it. Nothing is written to a file, and no
value stands in an argument.

The command takes the place of airlock, in the same process: signals, the
terminal and the exit code are the command's own, and airlock keeps nothing. It
is started only once everything is read. What no layer has is left out with a
warning, or with --strict an error that names all of it (exit code 3); what
cannot be read is always an error. A command that is not there gives 127, one
that cannot be run 126.

The environment of airlock is passed on. Airflow asks the secrets backend
before it looks at AIRFLOW_VAR_* and AIRFLOW_CONN_*: with --without-backend the
command gets no backend, so that it needs no way to the store, and reads what it
was given. --pristine leaves out everything but what programs need to run at
all (PATH, HOME, LANG, TZ and the like, AIRFLOW_HOME and AIRFLOW_CONFIG), and
with it credentials of the store.`,
		Example: `  airlock exec --variables region,settings --connections my_db -- python dags/etl.py
  airlock exec --from-dags --strict --without-backend -- airflow dags test etl
  airlock exec --options database.sql_alchemy_conn -- airflow db check
  airlock exec --all --pristine -- bash`,
		Args: args(func(_ *cobra.Command, list []string) error {
			if len(list) == 0 {
				return errors.New("which command? write it behind --")
			}
			return nil
		}),
		RunE: func(c *cobra.Command, list []string) error { return a.replace(c.Context(), &s, &e, list) },
	}
	c.Flags().SetInterspersed(false)
	s.addFlags(c.Flags())
	c.Flags().BoolVar(&e.withoutBackend, "without-backend", false, "switch the command's secrets backend off")
	c.Flags().BoolVar(&e.pristine, "pristine", false, "pass on little of airlock's own environment")
	return c
}

// replace puts the command in the place of this process; it returns only where it cannot.
func (a *app) replace(ctx context.Context, s *selection, e *childEnvironment, command []string) error {
	if s.empty() {
		return nothingSelected()
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		return notStarted(command[0], err)
	}
	items, err := a.collect(ctx, s)
	if err != nil {
		return err
	}
	environ, err := e.with(a.Environ, items)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err = syscall.Exec(program, command, environ)
	if errors.Is(err, syscall.E2BIG) {
		return &startError{code: 126, err: fmt.Errorf("%s is not started: arguments and environment are larger than the system allows", command[0]),
			hint: "ask for fewer: the largest is " + largest(items)}
	}
	return notStarted(command[0], err)
}

// startError is a command that could not be started, with the exit code that
// shells give then.
type startError struct {
	code int
	err  error
	hint string
}

func (e *startError) Error() string { return e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

func notStarted(name string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return &startError{code: 127, err: fmt.Errorf("there is no command %s", excerpt.Name(name))}
	}
	var at *exec.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	return &startError{code: 126, err: fmt.Errorf("%s cannot be run: %w", excerpt.Name(name), err)}
}

func largest(items []render.Item) string {
	if len(items) == 0 {
		return "in the environment of airlock itself"
	}
	i := slices.MaxFunc(items, func(x, y render.Item) int { return len(x.Value) - len(y.Value) })
	return fmt.Sprintf("%s with %d bytes", i.Name, len(i.Value))
}

// childEnvironment says what a command gets of ours.
type childEnvironment struct{ withoutBackend, pristine bool }

// with returns the environment of a command. An item replaces a variable of
// its name, and the _CMD and _SECRET forms of an option, which it answers.
func (e *childEnvironment) with(own []string, items []render.Item) ([]string, error) {
	drop := map[string]bool{}
	for _, i := range items {
		if strings.ContainsRune(i.Value, 0) {
			return nil, fmt.Errorf("%s cannot be passed on: its value holds a NUL character, which no environment variable can", i.Name)
		}
		drop[i.Name], drop[i.Name+"_CMD"], drop[i.Name+"_SECRET"] = true, true, true
	}
	var list []string
	for _, pair := range own {
		name, _, _ := strings.Cut(pair, "=")
		if !drop[name] && e.passes(name) {
			list = append(list, pair)
		}
	}
	for _, i := range items {
		if !e.withoutBackend || !ofBackend(i.Name) {
			list = append(list, i.Name+"="+i.Value)
		}
	}
	if e.withoutBackend {
		// An empty name means no backend to Airflow, also where airflow.cfg
		// has one.
		list = append(list, "AIRFLOW__SECRETS__BACKEND=", "AIRFLOW__WORKERS__SECRETS_BACKEND=")
	}
	return list, nil
}

func (e *childEnvironment) passes(name string) bool {
	return !(e.withoutBackend && ofBackend(name)) && (!e.pristine || basic(name))
}

// ofBackend tells the variables that configure a secrets backend, its single
// kwargs among them.
func ofBackend(name string) bool {
	return strings.HasPrefix(name, "AIRFLOW__SECRETS__BACKEND") || strings.HasPrefix(name, "AIRFLOW__WORKERS__SECRETS_BACKEND")
}

// basic tells what programs need to run at all.
func basic(name string) bool {
	switch name {
	case "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TZ", "LANG", "LANGUAGE", "TMPDIR", "PWD", "VIRTUAL_ENV",
		"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "AIRFLOW_HOME", "AIRFLOW_CONFIG":
		return true
	}
	return strings.HasPrefix(name, "LC_")
}
