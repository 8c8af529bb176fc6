package check

import (
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// Backend is a secrets backend of an environment, as far as it can be read.
type Backend struct {
	Environment *project.Environment
	// Section is "secrets" or "workers".
	Section string
	// Class is never nil; Kwargs is nil where nothing sets them.
	Class, Kwargs *project.Setting
	// Row is the class's row of the table, its zero value where the class is
	// not known: compare Service.
	Row stores.Row
	// JSON is the text of Kwargs as Airflow reads it: with $NAME filled in,
	// where the environment has it (expand_env_var).
	JSON string
	// Object is what the class is constructed with: never nil, empty where
	// the text is no JSON object.
	Object *pyjson.Object
	// Warning is set where Airflow goes on without the text.
	Warning *airflow.KwargsWarning
	// places are where the names of the kwargs stand in their text, nil until
	// a rule asks.
	places map[string]int
	// noted are the remarks of the table on the kwargs, nil until a rule asks.
	noted []string
}

// backends lists those of all environments, [workers] after [secrets].
func backends(p *project.Project) []*Backend {
	var all []*Backend
	for _, env := range p.Environments {
		for _, at := range []struct{ section, option string }{{"secrets", "backend"}, {"workers", "secrets_backend"}} {
			class := env.Lookup(airflow.OptionEnv(at.section, at.option))
			if class == nil || class.Known && class.Value == "" {
				continue
			}
			option := at.option + "_kwargs"
			b := &Backend{Environment: env, Section: at.section, Class: class, Kwargs: env.Lookup(airflow.OptionEnv(at.section, option))}
			b.Object = pyjson.NewObject()
			if b.Kwargs != nil {
				b.JSON = filledIn(env, b.Kwargs.Value)
				b.Object, b.Warning = airflow.DecodeKwargs(at.section, option, b.JSON)
			}
			airflow.OverrideKwargs(b.Object, at.section, option, env.Environ())
			if found, err := stores.Known().Find(class.Value); err == nil {
				b.Row = found.Row
			} else if found, err := stores.Known().Find(bare(class.Value)); err == nil {
				b.Row = found.Row
			}
			all = append(all, b)
		}
	}
	return all
}

// filledIn is text with each $NAME that env sets filled in, as Airflow does
// with every option. What env does not set, or a Secret keeps, stays.
func filledIn(env *project.Environment, text string) string {
	out, err := airflow.ExpandVars(text, func(name string) (string, bool) {
		s := env.Lookup(name)
		if s == nil || !s.Known {
			return "", false
		}
		return s.Value, true
	}, nil)
	if err != nil {
		return text
	}
	return out
}

// override is the variable that sets a kwarg alone; nil where none does.
func (b *Backend) override(kwarg string) *project.Setting {
	return b.Environment.Lookup(airflow.KwargEnvPrefix(b.Section, b.kwargsOption()) + strings.ToUpper(kwarg))
}

// kwargsOption is the option that holds the kwargs.
func (b *Backend) kwargsOption() string {
	if b.Section == "workers" {
		return "secrets_backend_kwargs"
	}
	return "backend_kwargs"
}

// At is where a kwarg stands: the variable that sets it alone, its name in the
// JSON text, or the whole text where that cannot be told.
func (b *Backend) At(kwarg string) project.Span {
	if s := b.override(kwarg); s != nil {
		return s.Key
	}
	if b.Kwargs == nil {
		return b.Class.Text
	}
	if b.places == nil {
		b.places = placesOf(b.Kwargs.Value)
	}
	if at, ok := b.places[kwarg]; ok {
		return b.Kwargs.Of(at, at+len(kwarg)+2)
	}
	return b.Kwargs.Text
}

// placesOf are the first places of a JSON text at which names stand between
// quotes, with a colon behind them.
func placesOf(text string) map[string]int {
	places := map[string]int{}
	before := -1
	for i := range len(text) {
		if text[i] != '"' {
			continue
		}
		if before >= 0 && strings.HasPrefix(strings.TrimLeft(text[i+1:], " \t\r\n"), ":") {
			name := text[before+1 : i]
			if _, again := places[name]; !again {
				places[name] = before
			}
		}
		before = i
	}
	return places
}

// Text is a kwarg that is a string, and whether it is one.
func (b *Backend) Text(kwarg string) (string, bool) {
	v, _ := b.Object.Get(kwarg)
	s, ok := v.(string)
	return s, ok
}

// Has tells whether a kwarg is given, null included.
func (b *Backend) Has(kwarg string) bool {
	_, ok := b.Object.Get(kwarg)
	return ok
}
