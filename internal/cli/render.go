package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/render"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// target of what is rendered: standard output, a file or a folder.
type renderTarget struct {
	out, dir string
	force    bool
}

func (a *app) render() *cobra.Command {
	var (
		s       selection
		options render.Options
		to      renderTarget
	)
	c := &cobra.Command{
		Use:   "render FORMAT",
		Short: "Write variables, connections and options for another tool",
		Long: `Write what is asked for, resolved as Airflow resolves it, in the language of another
tool, which reads the same values back. The formats are

` + formatList() + `
A format of one file goes to standard output, or to the file that --out names;
one of several needs --dir. Files are made readable for their owner only, and
none is replaced without --force. A value that the format cannot hold is an
error; nothing is written then.

external-secret writes no values, only where the secrets backend keeps them.
remote-execution adds the secrets backend that is configured here.`,
		Example: `  airlock render env --from-dags --out .env.dags
  airlock render astro --all --dir to-astro && sh to-astro/astro.sh DEPLOYMENT-ID
  airlock render external-secret --connections my_db --namespace airflow | kubectl apply -f -
  airlock render remote-execution --dir agent --identity arn:aws:iam::123456789012:role/agents`,
		Args: args(func(_ *cobra.Command, list []string) error {
			if len(list) != 1 {
				return errors.New("which format? write one of them: " + strings.Join(formatNames(), ", "))
			}
			return nil
		}),
		ValidArgs: formatNames(),
		RunE: func(c *cobra.Command, list []string) error {
			return a.renderAs(c.Context(), list[0], &s, &options, &to)
		},
	}
	f := c.Flags()
	s.addFlags(f)
	f.StringVar(&to.out, "out", "-", "`file` to write; - is standard output")
	f.StringVar(&to.dir, "dir", "", "`folder` to write into; it is made")
	f.BoolVar(&to.force, "force", false, "replace files that are there")
	f.StringVar(&options.Name, "name", "airflow-secrets", "`name` of the Kubernetes objects")
	f.StringVar(&options.Namespace, "namespace", "", "`namespace` of the Kubernetes objects")
	f.StringVar(&options.Identity, "identity", "", "the agents' cloud `identity`: role ARN, Google service account or Azure client id")
	c.MarkFlagsMutuallyExclusive("out", "dir")
	return c
}

func formatNames() []string {
	var names []string
	for _, f := range render.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func formatList() string {
	var b strings.Builder
	for _, f := range render.Formats() {
		fmt.Fprintf(&b, "  %-17s %s\n", f.Name, f.Short)
	}
	return b.String()
}

func (a *app) renderAs(ctx context.Context, name string, s *selection, o *render.Options, to *renderTarget) error {
	format, ok := render.Find(name)
	if !ok {
		return usageError{msg: fmt.Sprintf("unknown format %q", excerpt.Near(name, formatNames())), hint: "want " + strings.Join(formatNames(), ", ")}
	}
	backend, err := a.renderedBackend(ctx)
	if err != nil {
		return err
	}
	o.Backend = backend
	var items []render.Item
	if !s.empty() {
		items, err = a.collect(ctx, s)
	} else if name != "remote-execution" || backend == nil {
		err = nothingSelected()
	}
	if err != nil {
		return err
	}
	out, err := format.Write(items, o)
	if err != nil {
		return err
	}
	if err := a.deliver(out.Files, to); err != nil {
		return err
	}
	for _, note := range out.Notes {
		a.say("airlock: %s", note)
	}
	return nil
}

// deliver writes all files or none: what is in the way is found first.
func (a *app) deliver(files []render.File, to *renderTarget) error {
	if to.dir == "" && len(files) > 1 {
		return usageError{msg: fmt.Sprintf("this makes %d files", len(files)), hint: "name a folder for them with --dir"}
	}
	if to.dir == "" && to.out == "-" {
		a.out.WriteString(files[0].Text)
		return nil
	}
	paths := make([]string, len(files))
	for i, f := range files {
		shown := to.out
		if to.dir != "" {
			shown = filepath.Join(to.dir, filepath.FromSlash(f.Path))
		}
		paths[i] = shown
		if _, err := os.Lstat(a.dir(shown)); err == nil && !to.force {
			return usageError{msg: shown + " is there already, so nothing was written", hint: "name another place, or replace it with --force"}
		}
	}
	for i, f := range files {
		if err := writePrivate(a.dir(paths[i]), f.Text, f.Mode, to.force); err != nil {
			return fmt.Errorf("writing %s: %w", paths[i], err)
		}
		a.say("airlock: wrote %s", paths[i])
	}
	return nil
}

// writePrivate makes a file with its mode from the start, and with force
// replaces one at a stroke.
func writePrivate(path, text string, mode fs.FileMode, force bool) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	var f *os.File
	var err error
	if force {
		f, err = os.CreateTemp(filepath.Dir(path), ".airlock-*")
	} else {
		f, err = diskfile.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil && force {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// renderedBackend is the backend that is configured: of those of airlock.yaml
// the first. A region that boto3 would take from the environment is added.
func (a *app) renderedBackend(ctx context.Context) (*render.Backend, error) {
	f, err := a.configured(ctx)
	if err != nil || a.noBackend {
		return nil, err
	}
	s, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	var b *settings.Backend
	if list := a.backendsOf(f); len(list) > 0 {
		b = &list[0]
	} else if !hasSources(f) {
		reading, err := a.reading()
		if err != nil {
			return nil, err
		}
		if b, err = s.Backend(ctx, reading); err != nil {
			return nil, fmt.Errorf("reading the settings: %w", err)
		}
	}
	if b == nil || b.Class == "" {
		return nil, nil
	}
	out := &render.Backend{Class: b.Class, Kwargs: b.Kwargs}
	if found, err := stores.Known().Find(b.Class); err == nil {
		out.Service, out.Class = found.Row.Service, found.Row.Class
	}
	if out.Service == "ssm" || out.Service == "secretsmanager" {
		out.Kwargs = withRegion(out.Kwargs, s)
	}
	return out, nil
}

func withRegion(kwargs *pyjson.Object, s *settings.Settings) *pyjson.Object {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	if v, ok := kwargs.Get("region_name"); ok && pyjson.Truthy(v) {
		return kwargs
	}
	region, _, _ := s.Lookup("AWS_DEFAULT_REGION")
	if region == "" {
		return kwargs
	}
	kwargs = kwargs.Clone()
	kwargs.Set("region_name", region)
	return kwargs
}
