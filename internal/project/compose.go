package project

import (
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
	"go.yaml.in/yaml/v3"
)

// composeService is what a service of a compose file gets.
type composeService struct {
	file     *File
	name     string
	settings []*Setting
	// files are its env_file paths, relative to the project.
	files []string
}

func isComposeName(name string) bool {
	base := strings.ToLower(path.Base(name))
	return strings.HasPrefix(base, "docker-compose") || base == "compose.yaml" || base == "compose.yml" || strings.HasPrefix(base, "compose.")
}

// compose reads the environments of the services of a compose file.
func (r *reader) compose(f *File, d yamlDocument) {
	for _, service := range pairs(get(d.root, "services")) {
		c := composeService{file: f, name: service.key.Value}
		env := get(service.value, "environment")
		for _, p := range pairs(env) {
			s := d.setting(p.key.Value, p.key, p.value)
			if n := resolve(p.value); n.Tag == "!!null" {
				s.Value, s.Known = r.lookup(s.Name)
			}
			r.substitute(s)
			c.settings = append(c.settings, s)
		}
		for _, item := range items(env) {
			if s := r.composePair(d, item); s != nil {
				c.settings = append(c.settings, s)
			}
		}
		slices.Reverse(c.settings)
		c.files = envFiles(f, get(service.value, "env_file"))
		r.composes = append(r.composes, c)
	}
}

// composePair is an item NAME=value, or NAME for a variable of the process.
func (r *reader) composePair(d yamlDocument, item *yaml.Node) *Setting {
	text, ok := scalar(item)
	if !ok {
		return nil
	}
	at := d.span(resolve(item))
	name, value, given := strings.Cut(text, "=")
	s := &Setting{Name: name, Value: value, Known: true, Key: at, Text: at, Whole: at}
	if !given {
		s.Value, s.Known = r.lookup(name)
		return s
	}
	if i := strings.Index(at.Text(), text); i >= 0 && at.File != nil {
		start := at.Start + i
		s.Key = Span{at.File, start, start + len(name)}
		s.Text = Span{at.File, start + len(name) + 1, start + len(text)}
		s.locate(false)
	}
	r.substitute(s)
	return s
}

// substitute fills in $NAME as docker compose does, from the process and from
// the .env beside it.
func (r *reader) substitute(s *Setting) {
	if !s.Known || !strings.Contains(s.Value, "$") {
		return
	}
	missing := false
	value, err := template.Substitute(s.Value, func(name string) (string, bool) {
		value, ok := r.lookup(name)
		for _, own := range r.astro.dotenv {
			if !ok && own.Name == name {
				value, ok = own.Value, own.Known
			}
		}
		if !ok {
			missing = true
			return "", true // compose would print the name
		}
		return value, ok
	})
	switch {
	case err != nil:
		r.problem(s.Text, "refused-line", "docker compose refuses the value: a $ in it starts no variable", "write $$ for a dollar sign")
		s.Value, s.Known = "", false
	case missing || len(value) > mostFile:
		s.Value, s.Known = "", false
	default:
		s.Value = value
	}
	s.Exact = s.Exact && s.Known && s.Text.File.Text[s.Start:min(s.Start+len(s.Value), len(s.Text.File.Text))] == s.Value
}

func envFiles(f *File, n *yaml.Node) []string {
	var list []string
	add := func(name string) {
		if name != "" {
			list = append(list, path.Join(path.Dir(f.Path), name))
		}
	}
	add(str(n))
	for _, item := range items(n) {
		add(str(item))
		add(str(get(item, "path")))
	}
	return list
}

// ofAstro tells the services that the astro CLI starts, whose environment a
// docker-compose.override.yml adds to.
func (c composeService) ofAstro() bool {
	return strings.HasPrefix(path.Base(c.file.Path), "docker-compose.override.") && path.Dir(c.file.Path) == "." &&
		slices.Contains([]string{"scheduler", "webserver", "api-server", "triggerer", "dag-processor", "worker"}, c.name)
}

// composeEnvironments puts the services' own settings over those of their
// files and, for the astro CLI's, over those of the astro project.
func (r *reader) composeEnvironments() {
	byFile := map[string][]*Setting{}
	for _, env := range r.project.Environments {
		if env.Kind == Export || env.Kind == DotEnv {
			byFile[env.Name] = env.Settings
		}
	}
	byFile[".env"] = r.astro.dotenv
	left := mostSettings
	for _, c := range r.composes {
		list := slices.Clone(c.settings)
		for _, name := range slices.Backward(c.files) {
			list = append(list, byFile[name]...)
		}
		if c.ofAstro() {
			if astro := r.astro.environment(); astro != nil {
				list = append(list, astro.Settings...)
			}
		}
		if left -= len(list); left < 0 {
			return
		}
		if len(c.settings) > 0 && ofAirflow(list) {
			r.environment(c.file.Path+": "+c.name, Compose, list, false)
		}
	}
}
