package check

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/spelling"
)

func variableRules() []Rule {
	return []Rule{
		{
			ID: "misspelt-variable", Severity: Error, Title: "the name of a variable is misspelt",
			Why:     "Airflow reads AIRFLOW__SECTION__KEY with two underscores before the section and before the key, in capitals, AIRFLOW_VAR_KEY and AIRFLOW_CONN_ID; a client of a cloud reads its own names. Nobody tells of a variable that no one asks for.",
			Airflow: "Airflow makes nothing of it, without a word: an option has its default, a variable or connection is not defined.",
			Find:    findMisspelt,
		},
		{
			ID: "duplicate-variable", Severity: Warning, Title: "a variable is set twice in one file",
			Why:     "Of two lines with one name only one counts, the last in a .env file, in a Dockerfile and in a list of Kubernetes.",
			Airflow: "Airflow gets the value that counts, and never sees the other.",
			Find:    findDuplicates,
		},
		{
			ID: "hidden-setting", Severity: Warning, Title: "two places set an option differently",
			Why:     "What the container is given wins over the ENV of its image, and the environment over airflow.cfg. With .env that is so on this machine only: a deployed image has no .env.",
			Airflow: "Airflow uses the value of the place that wins, and says nothing of the other.",
			Find:    findHidden,
		},
	}
}

var underscores = lazyregexp.New(`_+`)

// plain is a name in capitals with single underscores.
func plain(name string) string { return underscores.ReplaceAllString(strings.ToUpper(name), "_") }

// vocabulary are the names of variables that somebody reads.
type vocabulary struct {
	// options :: plain name -> name, of Airflow's options.
	options map[string]string
	// near are the names of which also a letter may be wrong.
	near []string
}

func newVocabulary(s *Subject) vocabulary {
	v := vocabulary{options: knownOptions(), near: slices.Concat(classNames, kwargsNames,
		[]string{airflow.OptionEnv("core", "fernet_key"), airflow.OptionEnv("core", "multi_team"), airflow.OptionEnv("database", "sql_alchemy_conn")})}
	for _, b := range s.Backends {
		v.near = append(v.near, cloudNames[cloudOf(b.Row.Service)]...)
	}
	return v
}

// knownOptions are Airflow's options as they are written, by their plain
// spelling.
var knownOptions = sync.OnceValue(func() map[string]string {
	known := map[string]string{}
	options, _ := airflow.Options() // of a catalogue that is built in
	for _, o := range options {
		name := airflow.OptionEnv(o.Section, o.Key)
		known[plain(name)] = name
	}
	return known
})

// cloudOf is whose client a service is asked with.
func cloudOf(service string) string {
	if service == "ssm" || service == "secretsmanager" {
		return "aws"
	}
	return service
}

// meant is the name that a misspelt one stands for; "" for a name that is
// right, or not near any.
func (v vocabulary) meant(name string) string {
	body, ending := name, ""
	for _, e := range []string{"_CMD", "_SECRET"} {
		if b, ok := strings.CutSuffix(name, e); ok && strings.HasPrefix(name, "AIRFLOW") {
			body, ending = b, e
		}
	}
	for _, tried := range [][2]string{{name, ""}, {body, ending}} {
		if right, ok := v.options[plain(tried[0])]; ok {
			if right == tried[0] {
				return ""
			}
			return right + tried[1]
		}
	}
	if isEntry(name) {
		if upper := strings.ToUpper(name); upper != name {
			return upper // Airflow asks for no other
		}
		return ""
	}
	if isKwarg(name) || slices.Contains(v.near, name) || isCloud(name) || isMoved(name) {
		return ""
	}
	if right := entryMeant(name); right != "" {
		return right
	}
	if prefix := plain("AIRFLOW__SECRETS__BACKEND_KWARG__"); strings.HasPrefix(plain(name), prefix) {
		return "AIRFLOW__SECRETS__BACKEND_KWARG__" + plain(name)[len(prefix):]
	}
	for _, right := range v.near {
		if d := spelling.Distance(plain(name), plain(right)); d <= 2 && len(right) > 9 && len(name) < 80 {
			return right
		}
	}
	return ""
}

// isMoved tells whether a variable sets an option by its old name.
func isMoved(name string) bool {
	section, key, ok := optionOf(name)
	if !ok {
		return false
	}
	home, old := airflow.ResolveOption(section, key)
	return old != nil && home.String() != section+"/"+key
}

// entryMeant is the name under which Airflow would find a variable or
// connection.
func entryMeant(name string) string {
	p := plain(name)
	for _, wrong := range []struct{ begins, right string }{
		{"AIRFLOW_VARIABLE_", airflow.VariableEnvPrefix}, {"AIRFLOW_VARIABLES_", airflow.VariableEnvPrefix}, {"AIRFLOW_VARS_", airflow.VariableEnvPrefix},
		{"AIRFLOW_VAR_", airflow.VariableEnvPrefix}, {"AIRFLOW_CONN_", airflow.ConnectionEnvPrefix}, {"AIRFLOW_CONNS_", airflow.ConnectionEnvPrefix},
		{"AIRFLOW_CONNECTION_", airflow.ConnectionEnvPrefix}, {"AIRFLOW_CONNECTIONS_", airflow.ConnectionEnvPrefix},
	} {
		if id, ok := strings.CutPrefix(p, wrong.begins); ok && id != "" {
			return wrong.right + id
		}
	}
	return ""
}

func findMisspelt(s *Subject, report Report) {
	var v *vocabulary
	for _, p := range settings(s) {
		if !suspicious(p.Name) {
			continue
		}
		if v == nil {
			made := newVocabulary(s)
			v = &made
		}
		right := v.meant(p.Name)
		if right == "" || right == p.Name {
			continue
		}
		f := Finding{Span: p.Key, Message: "nothing reads " + excerpt.Word(p.Name) + ": the name is " + excerpt.Word(right), Fix: excerpt.Word(right)}
		if !strings.HasPrefix(strings.ToUpper(p.Name), "AIR") {
			f.Airflow = "No client reads the variable: it is as if it were not set."
		}
		if p.Key.File != nil && p.Key.Text() == p.Name && p.env.Lookup(right) == nil {
			f.Edits = []Edit{{Span: p.Key, New: right}}
		}
		report(f)
	}
}

// suspicious tells whether a name may be meant for Airflow or a client.
func suspicious(name string) bool {
	name = strings.ToUpper(name)
	for _, begins := range []string{"AIRFLOW", "AIRFOW", "AIRLFOW", "AIR_FLOW", "AWS", "AZURE", "GOOGLE", "VAULT"} {
		if strings.HasPrefix(name, begins) {
			return true
		}
	}
	return false
}

func findDuplicates(s *Subject, report Report) {
	for _, env := range s.Project.Environments {
		type place struct {
			file *project.File
			name string
		}
		first := map[place]*project.Setting{}
		for _, one := range env.Settings {
			if one.Whole.File == nil || !concerns(one.Name) || one.Whole.File.Kind == project.Process || isProgram(one) {
				continue
			}
			at := place{one.Whole.File, one.Name}
			wins, twice := first[at]
			if !twice {
				first[at] = one
				continue
			}
			if wins.Whole == one.Whole {
				continue
			}
			f := Finding{Span: one.Key, Message: fmt.Sprintf("%s is set again in line %d, which counts", called(one), line(wins.Key)), Fix: "remove this line or the other"}
			if one.Known && wins.Known && one.Value == wins.Value {
				f.Severity, f.Message = Note, fmt.Sprintf("%s is set again in line %d, to the same", called(one), line(wins.Key))
			}
			report(f)
		}
	}
}

// isProgram tells whether a setting is made by a command, which may run or
// not, and is followed by others.
func isProgram(s *project.Setting) bool {
	f := s.Whole.File
	return f != nil && (f.Kind == project.Script || f.Kind == project.Document)
}

func findHidden(s *Subject, report Report) {
	for _, env := range s.Project.Environments {
		for _, one := range env.Settings {
			wins := env.Lookup(one.Name)
			if wins == one || one.Whole.File == nil || wins.Whole.File == one.Whole.File || !isOfBackend(one.Name) && !isCloud(one.Name) && !isSensitiveOption(one.Name) {
				continue
			}
			if !one.Known || !wins.Known || one.Value == wins.Value {
				continue
			}
			by := wins.Key.Path()
			if n := line(wins.Key); n > 0 && wins.Key.File.Kind != project.Process {
				by = fmt.Sprintf("%s:%d", by, n)
			}
			report(Finding{Span: one.Key, Message: fmt.Sprintf("%s is set to something else in %s, which wins", called(one), by),
				Fix: "keep one of the two"})
		}
	}
}
