package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/live"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/wait"
)

// asking is the part of `check` that asks the stores.
type asking struct {
	*checking
	live, dryRun bool
	// answers are which layer answers each id.
	answers []live.Answer
	// named are the addresses that the folder names, for --dry-run.
	named *everything
}

// addLive gives the command --live and --dry-run, and the rules of both.
func (r *checking) addLive(c *cobra.Command) {
	ask := &asking{checking: r}
	r.rules = append(slices.Clone(r.rules), live.Rules()...)
	c.Flags().BoolVar(&ask.live, "live", false, "ask the stores too: log-in, grants, and what the DAGs need")
	c.Flags().BoolVar(&ask.dryRun, "dry-run", false, "with --live: list the calls to the stores, make none")
	inner := c.RunE
	c.RunE = func(c *cobra.Command, list []string) error { return ask.run(c, list, inner) }
}

func (k *asking) run(c *cobra.Command, list []string, inner func(*cobra.Command, []string) error) error {
	switch {
	case k.dryRun && !k.live:
		return usage(c, errors.New("--dry-run belongs to --live"))
	case k.live && k.fix:
		return usage(c, errors.New("--live and --fix exclude each other: fix first, then ask"))
	case k.dryRun && k.output == "sarif":
		return usage(c, errors.New("--dry-run is written as table or json"))
	case !k.live || k.list:
		return inner(c, list)
	}
	path := k.Dir
	if len(list) > 0 {
		path = k.dir(list[0])
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return usage(c, errors.New("--live asks with the settings of a folder: name one, not a file"))
	}
	if k.dryRun {
		return k.plan(c.Context(), project.Options{Path: path, Environ: k.Environ, Process: k.process || len(list) == 0, Config: k.namedConfig()})
	}
	k.further = append(k.further, k.find)
	err := inner(c, list)
	if k.output == "table" {
		k.printAnswers()
		err = errors.Join(err, k.flush())
	}
	return err
}

// find asks the stores.
func (k *asking) find(ctx context.Context, p *project.Project, dags *dagscan.Result) ([]check.Finding, error) {
	o, err := k.options(ctx, p, dags)
	if err != nil {
		return nil, err
	}
	o.Progress = func(done, of int) { k.bar.set("asking the stores: %d of %d", done, of) }
	defer wait.For("the stores")()
	report, err := live.Check(ctx, *o)
	if err = errors.Join(err, o.Resolver.Close()); err != nil {
		return nil, err
	}
	k.answers = report.Answers
	return report.Findings, nil
}

// plan prints the calls that find would make.
func (k *asking) plan(ctx context.Context, from project.Options) error {
	p, dags, err := check.Read(ctx, from)
	if err != nil {
		return err
	}
	k.path, k.process = from.Path, from.Process
	o, err := k.options(ctx, p, dags)
	if err != nil {
		return err
	}
	calls := live.Plan(*o)
	for _, src := range o.Resolver.Sources {
		if src.Err != nil {
			k.say("airlock: the calls to the %s are not known: %v", src.Layer, src.Err)
		}
	}
	if err := o.Resolver.Close(); err != nil {
		return err
	}
	hosts := k.hosts(o.Resolver)
	if k.output == "json" {
		return k.printPlanJSON(hosts, calls)
	}
	k.printHosts(hosts)
	layer := ""
	for _, c := range calls {
		if c.Layer != layer {
			layer = c.Layer
			k.println(visible(layer))
		}
		line := "  " + c.Method + " " + c.Name
		if c.When != "" {
			line += "  (where " + c.When + ")"
		}
		k.println(visible(line))
	}
	always := 0
	for _, c := range calls {
		if c.When == "" {
			always++
		}
	}
	k.println(fmt.Sprintf("%s, %d more on a condition; none was made", counted(always, "call"), len(calls)-always))
	return nil
}

// printAnswers tells of each id which layer answers it.
func (k *asking) printAnswers() {
	for _, a := range k.answers {
		line := a.Ref.String() + ": "
		switch {
		case a.Layer != "":
			line += a.Layer
			if a.Name != "" {
				line += ", " + a.Name
			}
		case a.Unknown:
			line += "not known"
		case a.Default && a.Unseen:
			line += "no layer that can be seen from here has it; the DAG has a default"
		case a.Default:
			line += "no layer has it, the DAG's default is used"
		case a.Unseen:
			line += "no layer that can be seen from here has it"
		default:
			line += "no layer has it"
		}
		if len(a.Hides) > 0 {
			line += "; hides " + strings.Join(a.Hides, ", ")
		}
		if a.Unknown && a.Layer != "" {
			line += "; not every layer was asked"
		}
		k.println(visible(line))
	}
}

// options are what to check with the settings of a project's folder.
func (k *asking) options(ctx context.Context, p *project.Project, dags *dagscan.Result) (*live.Options, error) {
	folder := *k.app
	if k.path != k.Dir {
		folder = app{Env: k.Env, dataDir: k.dataDir, context: k.context, configPath: k.configPath, exact: k.exact, noBackend: k.noBackend, flags: k.flags,
			trust: k.trust}
		folder.Dir = p.Dir
	}
	if !k.process {
		folder.settings, folder.Environ = nil, withoutAirflow(k.Environ)
	}
	if k.dryRun {
		k.named = &everything{} // nothing is sent
		folder.trust = k.named
	}
	r, err := folder.layers(ctx, k.dryRun)
	if err != nil {
		return nil, err
	}
	return &live.Options{Resolver: r, Wants: wants(p, dags), At: func(src *airlock.Source) live.Place { return placeOf(p, src) }}, nil
}

// withoutAirflow leaves Airflow's own variables out of an environment: where a
// folder is checked by itself, those of this process are another Airflow's.
func withoutAirflow(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(pair string) bool {
		return strings.HasPrefix(pair, "AIRFLOW__") || strings.HasPrefix(pair, "AIRFLOW_VAR_") || strings.HasPrefix(pair, "AIRFLOW_CONN_")
	})
}

// wants are the ids that DAGs ask for, and the names that _SECRET options
// hold.
func wants(p *project.Project, dags *dagscan.Result) []live.Want {
	var all []live.Want
	if dags != nil {
		for _, u := range dags.Uses {
			if u.ID != "" {
				all = append(all, live.Want{Ref: airflow.Ref{Kind: u.Kind, ID: u.ID}, Default: u.Default, Place: live.Place(u.Place)})
			}
		}
	}
	for _, env := range p.Environments {
		for _, s := range env.Settings {
			name, ok := strings.CutPrefix(s.Name, "AIRFLOW__")
			section, key, _ := strings.Cut(strings.ToLower(name), "__")
			key, secret := strings.CutSuffix(key, "_secret")
			if !ok || !secret || !s.Known || !optionName.MatchString(s.Value) || !airflow.SensitiveOption(section, key) || env.Lookup(s.Name) != s || env.Hosted {
				continue
			}
			all = append(all, live.Want{Ref: airflow.Ref{Kind: airflow.KindConfig, ID: s.Value}, Place: placeOfSetting(s)})
		}
	}
	return all
}

// optionName is what a _SECRET option may hold for its name to be shown: some
// people put the value itself there.
var optionName = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,120}$`)

func placeOfSetting(s *project.Setting) live.Place {
	line, column := s.Text.Position()
	return live.Place{File: s.Text.Path(), Line: line, Column: column}
}

// inFile is where a Setting of a source stands: "NAME in .env:3".
var inFile = regexp.MustCompile(` in (\S+):([0-9]+)`)

// placeOf is where a layer is configured: its kwargs, for a backend of
// Airflow's settings.
func placeOf(p *project.Project, src *airlock.Source) live.Place {
	if src.Layer == airlock.LayerBackend && strings.HasPrefix(src.Setting, "AIRFLOW__") {
		class, _, _ := strings.Cut(src.Setting, " ")
		for _, env := range p.Environments {
			for _, name := range []string{class + "_KWARGS", class} {
				if s := env.Lookup(name); s != nil {
					return placeOfSetting(s)
				}
			}
		}
	}
	m := inFile.FindStringSubmatch(src.Setting)
	if m == nil {
		return live.Place{}
	}
	line, err := strconv.Atoi(m[2])
	if err != nil {
		return live.Place{}
	}
	return live.Place{File: strings.TrimPrefix(m[1], p.Dir+"/"), Line: line, Column: 1}
}
