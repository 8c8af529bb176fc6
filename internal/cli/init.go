package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/setup"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/internal/trust"
	"github.com/airlock-secrets/airlock/internal/wait"
)

func (a *app) init() *cobra.Command {
	o := &initOptions{}
	c := &cobra.Command{
		Use:   "init",
		Short: "Set a secrets backend up: Airflow's side and the store's",
		Long: `Ask what has to be decided, or take it from flags, and write into the current
folder: the settings in .env and, quoted for each of them, for a Dockerfile, a
shell, the Astro UI and Helm values; the line of requirements.txt; the store's
side as least-privilege policies and commands; and a DAG for Airflow 2.10 and 3
that proves the look-ups without printing a secret.

What is there already is kept, and a second run changes nothing. With --apply
airlock does the store's side itself (Vault and AWS), after showing it.`,
		Example: `  airlock init
  airlock init vault --url https://vault.example.com:8200 --apply
  airlock init ssm --region-name eu-central-1 --dry-run`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if !a.interactive() {
				return usage(c, fmt.Errorf("which backend? %s", childNames(c)))
			}
			service, err := a.askService(c.Context())
			if err != nil {
				return err
			}
			return a.runInit(c.Context(), service, setup.Answers{}, o)
		},
	}
	f := c.PersistentFlags()
	f.BoolVar(&o.apply, "apply", false, "set the store up too, after showing how (vault, ssm, secretsmanager)")
	f.BoolVar(&o.dryRun, "dry-run", false, "only show what would be done")
	f.BoolVarP(&o.yes, "yes", "y", false, "ask nothing")
	for _, s := range setup.Services() {
		c.AddCommand(a.initService(s, o))
	}
	return c
}

type initOptions struct{ apply, dryRun, yes bool }

// initService makes the command of one service, with a flag for each question.
func (a *app) initService(s setup.Service, o *initOptions) *cobra.Command {
	given := setup.Answers{}
	values := map[string]*string{}
	c := &cobra.Command{
		Use: s.Name, Short: "Set up " + s.Title,
		Long: "Set up " + s.Title + ".\n\n" + secretQuestions(s) +
			"On a terminal, what no flag answers is asked, unless --yes is given.",
		Example: "  airlock init " + s.Name + exampleFlags(s),
		Args:    args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			for name, value := range values {
				given[name] = *value
			}
			return a.runInit(c.Context(), s, given, o)
		},
	}
	for _, q := range s.Questions {
		if q.Secret {
			continue
		}
		help := inside(q.Title) + ": " + q.Help
		if q.Choices != nil {
			help += " (`" + strings.Join(q.Choices, "|") + "`)"
		}
		// No default here: what is not given may still be asked.
		values[q.Name] = c.Flags().String(q.Name, "", withDefault(help, q.Default))
	}
	return c
}

// inside is a title as it stands inside of a sentence: names keep their
// capitals.
func inside(title string) string {
	for _, name := range []string{"AWS", "Azure", "Google", "KMS", "KV", "Kubernetes"} {
		if strings.HasPrefix(title, name+" ") {
			return title
		}
	}
	return strings.ToLower(title[:1]) + title[1:]
}

func withDefault(help, value string) string {
	if value == "" {
		return help
	}
	return help + ` (default "` + value + `")`
}

// secretQuestions says how credentials come in: never as an argument.
func secretQuestions(s setup.Service) string {
	var names []string
	for _, q := range s.Questions {
		if q.Secret {
			names = append(names, q.Env)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "A credential is never a flag: it is asked for, or taken from " + strings.Join(names, ", ") + ".\n"
}

func exampleFlags(s setup.Service) string {
	switch s.Name {
	case "vault":
		return " --url https://vault.example.com:8200 --apply"
	case "ssm", "secretsmanager":
		return " --region-name eu-central-1 --principal role/airflow --apply"
	case "gcp":
		return " --project-id my-project --auth key-file --key-file key.json"
	}
	return " --vault-url https://my-vault.vault.azure.net --auth managed-identity"
}

func (a *app) runInit(ctx context.Context, s setup.Service, given setup.Answers, o *initOptions) error {
	if o.apply && !s.CanApply() {
		return usageError{msg: "--apply cannot set up " + s.Title, hint: "leave it out: " + setup.Folder + "/setup.sh has the commands"}
	}
	here, err := settings.Load(ctx, settings.Options{Dir: a.Dir, Environ: a.Environ})
	if err != nil {
		return err
	}
	for _, q := range s.Questions {
		if value, ok := a.ownVariable(q.Env); ok && q.Secret {
			given[q.Name] = value
		}
	}
	if a.interactive() && !o.yes {
		if err := a.askAnswers(ctx, s, given); err != nil {
			return err
		}
	}
	p, err := s.Plan(given)
	if err != nil {
		return usageError{msg: err.Error(), hint: "see: airlock init " + s.Name + " --help"}
	}
	complete, err := p.Adopt(ctx, a.Dir)
	if err != nil {
		return err
	}
	if err := a.carryOut(ctx, p, here, complete, o); err != nil || o.dryRun {
		return err
	}
	a.trustTyped(ctx, given["url"], given["vault-url"])
	return nil
}

// trustTyped trusts the folder with the addresses that the user typed, where
// the folder names them now. What cannot be kept is asked again later.
func (a *app) trustTyped(ctx context.Context, addresses ...string) {
	dir, err := trust.RealDir(a.dir("."))
	if err != nil {
		return
	}
	points, err := a.foreignPoints(ctx, dir)
	if err != nil {
		return
	}
	var entries []trust.Entry
	for _, p := range points {
		if slices.ContainsFunc(addresses, func(address string) bool { return address != "" && slices.Contains(hostsOf(address), p.Host) }) {
			entries = append(entries, trust.Entry{Dir: dir, Host: p.Host, Pin: p.Pin})
		}
	}
	if entries == nil {
		return
	}
	if err := a.trustFile().Add(entries...); err != nil {
		a.say("airlock: the address is not kept as trusted: %v", err)
	}
}

// carryOut shows the plan, asks, and does it: first the store's side, whose
// credentials the files then hold.
func (a *app) carryOut(ctx context.Context, p *setup.Plan, here *settings.Settings, complete bool, o *initOptions) error {
	if o.apply {
		a.println("the store's side, which --apply does:\n" + indent(p.Script()))
	}
	changes, err := p.Changes(ctx, a.Dir)
	if err != nil {
		return err
	}
	a.showChanges(changes)
	if o.dryRun {
		return nil
	}
	if err := a.flush(); err != nil {
		return err
	}
	if a.interactive() && !o.yes {
		if ok, err := a.confirm(ctx, "Go on?"); err != nil || !ok {
			return err
		}
	}
	if o.apply {
		// What logs in, where, and by which proxy must not come from the
		// folder: a .env of somebody else's would have the administrator's
		// token sent to its author.
		admin := &setup.Admin{Env: stores.Env{Getenv: a.ownVariable, Home: here.Home(), Dir: here.Dir(), Words: here.Own().Words(nil)}, Keep: complete,
			Say: func(line string) { a.say("airlock: %s", line) }}
		defer wait.For("the administration of the store")()
		if err := p.Apply(ctx, admin); err != nil {
			return err
		}
		if changes, err = p.Changes(ctx, a.Dir); err != nil {
			return err
		}
	}
	if err := setup.Write(a.Dir, changes); err != nil {
		return err
	}
	a.next(p, o, changes)
	return nil
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

func (a *app) showChanges(changes []setup.Change) {
	for _, c := range changes {
		note := ""
		if _, private := c.Text(); private && c.Done != setup.Keep {
			note = " (private: not for git)"
		}
		a.println(fmt.Sprintf("%-7s %s%s", c.Done, c.Path, note))
		for _, n := range c.Notes {
			a.println("          " + n)
		}
	}
}

// next says what is left to do.
func (a *app) next(p *setup.Plan, o *initOptions, changes []setup.Change) {
	step := 0
	say := func(format string, values ...any) {
		step++
		a.say("%d. %s", step, fmt.Sprintf(format, values...))
	}
	a.say("airlock: written. Next:")
	strange := ""
	for _, c := range changes {
		if c.Done == setup.Keep && len(c.Notes) > 0 && strings.HasPrefix(c.Path, setup.Folder+"/") {
			strange = c.Path
		}
	}
	switch {
	case o.apply:
	case strange != "": // a repository may have brought it along
		say("%s was there and is not what init writes: read it before you run %s/setup.sh, or delete it and run init again", strange, setup.Folder)
	default:
		say("set up the store: read %s/setup.sh, then sh %s/setup.sh", setup.Folder, setup.Folder)
	}
	for _, todo := range p.Todo {
		say("in .env, %s", todo)
	}
	if len(p.Todo) > 0 {
		say("run this again: it takes over into %s what .env has then", setup.Places)
	}
	say("airlock check --live")
	say("start Airflow and run the DAG airlock_test; delete %s when it has run green", setup.DAGPath)
}
