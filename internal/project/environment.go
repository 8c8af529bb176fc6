package project

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/settings"
)

// astro collects the settings of an astro project by source, each with those
// that win first.
type astro struct {
	process, dotenv, image, config []*Setting
}

// environment is nil where nothing configures an astro project.
func (a *astro) environment() *Environment {
	env := &Environment{Name: "astro project"}
	for _, source := range []struct {
		kind     Kind
		settings []*Setting
	}{{Process, a.process}, {DotEnv, a.dotenv}, {Dockerfile, a.image}, {AirflowConfig, a.config}} {
		if env.Kind == "" && len(source.settings) > 0 {
			env.Kind = source.kind
		}
		env.Settings = append(env.Settings, source.settings...)
	}
	if env.Kind == "" {
		return nil
	}
	env.Hosted = env.Kind == Dockerfile
	return env
}

// process takes the process environment as a file with a line for each
// variable. Of two with one name the later counts.
func (r *reader) process() {
	f := &File{Path: "environment", Kind: Process}
	r.keep(f)
	var text strings.Builder
	for _, pair := range r.options.Environ {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			continue
		}
		start := text.Len()
		text.WriteString(pair)
		text.WriteByte('\n')
		at := start + len(name) + 1
		r.astro.process = append(r.astro.process, &Setting{
			Name: name, Value: value, Known: true, Exact: true, Start: at,
			Key:   Span{f, start, start + len(name)},
			Text:  Span{f, at, at + len(value)},
			Whole: Span{f, start, at + len(value)},
		})
	}
	f.Text = text.String()
	slices.Reverse(r.astro.process)
}

func (r *reader) lookup(name string) (string, bool) {
	for _, pair := range slices.Backward(r.options.Environ) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// dotenv reads a .env: that of the folder is the astro project's, one
// elsewhere stands for itself.
func (r *reader) dotenv(f *File) {
	list := r.statements(f)
	if f.Path == ".env" {
		r.astro.dotenv = list
	} else {
		r.environment(f.Path, DotEnv, list, false)
	}
}

// statements reads the text of a file as docker compose reads a .env.
func (r *reader) statements(f *File) []*Setting {
	var list []*Setting
	for _, s := range settings.ReadDotEnv(f.Text, r.lookup) {
		switch {
		case s.Refused != "":
			r.problem(f.span(s.Whole), "refused-line", "docker compose refuses the line: "+s.Refused, s.Hint)
		case s.Set:
			list = append(list, f.setting(s))
		}
	}
	slices.Reverse(list)
	return list
}

func (r *reader) environment(name string, kind Kind, list []*Setting, hosted bool) *Environment {
	env := &Environment{Name: name, Kind: kind, Settings: list, Hosted: hosted}
	if len(list) > 0 {
		r.project.Environments = append(r.project.Environments, env)
	}
	return env
}

// dockerfile reads a Dockerfile: that of the folder is the astro project's.
func (r *reader) dockerfile(f *File) {
	image := settings.ReadDockerfile(f.Text)
	for _, s := range image.Refused {
		rule, at := "refused-line", s.Whole
		if s.Comment {
			rule = "comment-on-env-line"
			if s.Text.End > s.Text.Start {
				at = s.Text
			}
		}
		r.problem(f.span(at), rule, s.Refused, s.Hint)
	}
	var list []*Setting
	for _, s := range image.Env {
		list = append(list, f.setting(s))
	}
	slices.Reverse(list)
	for _, run := range image.Runs {
		r.installs(f, run)
	}
	if f.Path == "Dockerfile" {
		r.astro.image = list
		r.base(f, image.Froms)
	} else {
		r.environment(f.Path, Dockerfile, list, true)
	}
}

// base takes up the image of the first of the stages that the final image
// comes from.
func (r *reader) base(f *File, froms []settings.Instruction) {
	if len(froms) == 0 {
		return
	}
	at := 0
	for _, word := range strings.Fields(froms[0].Text) {
		at += strings.Index(froms[0].Text[at:], word)
		if !strings.HasPrefix(word, "--") {
			r.project.Base = Base{Image: word, Span: f.span(froms[0].Of(at, at+len(word)))}
			return
		}
		at += len(word)
	}
}

// config reads an airflow.cfg: that of the folder is the astro project's.
func (r *reader) config(f *File) {
	options, err := settings.ReadConfig(f.Path, f.Text)
	if err != nil {
		line, reason := settings.LineOf(err)
		r.problem(f.line(line), "refused-line", "Airflow does not start with this file: "+reason, "")
		return
	}
	var list []*Setting
	for _, o := range options {
		if strings.ToLower(o.Home.Key) != o.Home.Key {
			r.problem(f.span(o.Key), "refused-line", "the option's name is not in lower case: Airflow never finds it", "write it in lower case")
			continue
		}
		if o.Err != nil {
			r.problem(f.span(o.Text), "refused-line", "Airflow cannot read the value: "+o.Err.Error(), "write %% for a percent sign")
		}
		s := &Setting{
			Name: airflow.OptionEnv(o.Home.Section, o.Home.Key), Value: o.Value, Known: o.Known,
			Key: f.span(o.Key), Text: f.span(o.Text), Whole: f.span(o.Whole),
		}
		s.locate(false)
		list = append(list, s)
	}
	if f.Path == "airflow.cfg" {
		r.astro.config = list
	} else {
		r.environment(f.Path, AirflowConfig, list, false)
	}
}

func (f *File) span(r settings.Range) Span { return Span{f, r.Start, r.End} }

// line is the span of a line, counted from 1; the file's start for line 0.
func (f *File) line(number int) Span {
	start := 0
	for ; number > 1; number-- {
		i := strings.IndexByte(f.Text[start:], '\n')
		if i < 0 {
			break
		}
		start += i + 1
	}
	end := len(f.Text)
	if i := strings.IndexByte(f.Text[start:], '\n'); i >= 0 {
		end = start + i
	}
	return Span{f, start, end}
}

func (f *File) setting(s settings.Statement) *Setting {
	set := &Setting{Name: s.Name, Value: s.Value, Known: s.Known, Key: f.span(s.Key), Text: f.span(s.Text), Whole: f.span(s.Whole)}
	if !s.Known {
		set.Value = ""
	}
	set.locate(true)
	return set
}

// locate sets Exact and Start: where the value is what stands there, or what
// stands between its quotes.
func (s *Setting) locate(quotes bool) {
	text := s.Text.Text()
	switch {
	case !s.Known:
	case text == s.Value:
		s.Exact, s.Start = true, s.Text.Start
	case quotes && len(text) > 1 && text[0] == text[len(text)-1] && strings.ContainsRune(`"'`, rune(text[0])) && text[1:len(text)-1] == s.Value:
		s.Exact, s.Start = true, s.Text.Start+1
	}
}

// entriesOfEnvironments lists the variables and connections that settings
// give. Airflow looks for them in upper case, so an id is known but for that.
func (r *reader) entriesOfEnvironments() {
	type place struct {
		name string
		at   Span
	}
	seen := map[place]bool{}
	for _, env := range r.project.Environments {
		for _, s := range env.Settings {
			kind, id := entryName(s.Name)
			at := place{s.Name, s.Key}
			if kind == "" || seen[at] {
				continue
			}
			seen[at] = true
			layer := InEnvironment
			if env.Kind == Export {
				layer = InExport
			}
			r.project.Entries = append(r.project.Entries, Entry{
				Kind: kind, ID: id, Text: s.Value, Known: s.Known, Layer: layer, Span: s.Text, At: s.Key,
			})
		}
	}
}

func entryName(name string) (airflow.Kind, string) {
	if id, ok := strings.CutPrefix(name, airflow.VariableEnvPrefix); ok && id != "" {
		return airflow.KindVariable, strings.ToLower(id)
	}
	if id, ok := strings.CutPrefix(name, airflow.ConnectionEnvPrefix); ok && id != "" {
		return airflow.KindConnection, strings.ToLower(id)
	}
	return "", ""
}
