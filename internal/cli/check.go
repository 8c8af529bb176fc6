package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/project"
)

// checking is one run of `check`.
type checking struct {
	*app
	output                  string
	fix, yes, list, process bool
	path                    string
	// rules are all that can be found, for the list and for SARIF. Further
	// sources of findings add theirs.
	rules []check.Rule
	// further are asked after the files were read; what they find joins the
	// report.
	further []finder
}

// finder finds what files alone do not show.
type finder func(ctx context.Context, p *project.Project, dags *dagscan.Result) ([]check.Finding, error)

func (a *app) check() *cobra.Command {
	r := &checking{app: a, rules: check.Rules()}
	c := &cobra.Command{
		Use:   "check [PATH]",
		Short: "Find what is wrong with a configuration, before Airflow does",
		Long: `Read a project, and tell what will not work, what works otherwise than it seems,
and where secrets are exposed: each with its place, what Airflow does with it,
and what to write instead. No DAG is imported. No store is asked either, but with
--live: then also whether it answers and lets in, what may not be read, and which
layer has what the DAGs need. No value is shown; --dry-run lists the calls first.

PATH is a folder as the astro CLI lays it out, or one file: .env, Dockerfile,
airflow.cfg, airlock.yaml, airflow_settings.yaml, the values of a Helm chart, a
Kubernetes manifest, a policy, a shell script, a document. Without PATH it is the
current folder together with the process environment, as the other commands read
them; --process adds the environment to a PATH.

A comment "# airlock:ignore RULE, RULE" silences rules on its line, or on the
line below where it stands alone; in Markdown <!-- airlock:ignore RULE -->.

The exit code is 1 when something of severity error is found, and 0 otherwise.`,
		Example: `  airlock check
  airlock check ~/projects/etl --fix
  airlock check --live --dry-run
  airlock check values.yaml -o sarif > airlock.sarif
  airlock check --list`,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			r.path, r.process = a.Dir, r.process || len(list) == 0
			if len(list) > 0 {
				r.path = a.dir(list[0])
			}
			return r.run(c)
		},
	}
	c.Flags().BoolVar(&r.fix, "fix", false, "make the safe fixes, after showing and asking")
	c.Flags().BoolVar(&r.yes, "yes", false, "with --fix: do not ask")
	c.Flags().BoolVar(&r.list, "list", false, "describe all rules instead")
	c.Flags().BoolVar(&r.process, "process", false, "check the process environment too")
	r.addLive(c)
	outputFlag(c, &r.output, "table", "table", "json", "sarif")
	return c
}

func (r *checking) run(c *cobra.Command) error {
	switch {
	case r.yes && !r.fix:
		return usage(c, errors.New("--yes belongs to --fix"))
	case r.list && r.output == "sarif":
		return usage(c, errors.New("--list is written as table or json"))
	case r.list:
		return r.printRules()
	}
	found, p, err := r.find(c.Context())
	if err == nil && r.fix {
		found, p, err = r.mend(c.Context(), found, p)
	}
	if err != nil {
		return err
	}
	if err := r.print(found, p); err != nil {
		return err
	}
	if err := r.flush(); err != nil {
		return err
	}
	if n := check.Count(found, check.Error); n > 0 {
		return shown(fmt.Errorf("%d errors", n))
	}
	return nil
}

// find reads the project anew and gathers all findings.
func (r *checking) find(ctx context.Context) ([]check.Finding, *project.Project, error) {
	defer r.progress("reading %s", excerpt.Name(r.path)).done()
	p, dags, err := check.Read(ctx, project.Options{Path: r.path, Environ: r.Environ, Process: r.process, Config: r.namedConfig()})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, usageError{msg: "there is no " + excerpt.Name(r.path), hint: "name a folder or a file, or none for the current folder"}
	}
	if err != nil {
		return nil, nil, err
	}
	r.bar.set("applying %d rules to %d files", len(r.rules), len(p.Files))
	all := [][]check.Finding{check.Run(ctx, p, dags)}
	for _, more := range r.further {
		found, err := more(ctx, p, dags)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, found)
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	return check.Merge(p, dags, all...), p, nil
}

func (r *checking) print(found []check.Finding, p *project.Project) error {
	var (
		text []byte
		err  error
	)
	switch r.output {
	case "json":
		text, err = check.JSON(found)
	case "sarif":
		text, err = check.SARIF(found, r.rules, buildVersion())
	default:
		r.table(found, p)
		return nil
	}
	if err != nil {
		return err
	}
	r.println(string(text))
	return nil
}
