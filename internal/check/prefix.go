package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/project"
)

func prefixRules() []Rule {
	return []Rule{{
		ID: "kinds-share-names", Severity: Warning,
		Title: "variables and connections have the same prefix",
		Why: "With one prefix for both, or none, the variable x and the connection x are one secret, and every secret below the prefix can be " +
			"read as either.",
		Airflow: "Variable.get(\"x\") and BaseHook.get_connection(\"x\") ask the store for the same name and get the same text: a variable can " +
			"turn out to be a connection with its password.",
		Find: findSharedNames,
	}, {
		ID: "empty-prefix", Severity: Warning,
		Title: "a prefix is empty, or the word for nothing, and names come out otherwise than they look",
		Why: "null switches a kind off, \"\" is a prefix without letters, and \"None\" is a prefix of four letters. With Google the " +
			"separator stays in front of the id even where the prefix is empty.",
		Airflow: "The backend makes its name of the text without an error or a warning (\"None\" leads to None/x, with Google an empty prefix to -x, " +
			"a slash alone to x), and what is kept under the name that was meant is not found.",
		Find: findEmptyPrefix,
	}, {
		ID: "kind-switched-off", Severity: Error,
		Title: "a kind is switched off in the backend but kept in its store",
		Why:   "A prefix or path of null keeps the backend from being asked for that kind at all.",
		Airflow: "For a kind whose prefix or path is null the backend answers None without asking the store. For configuration that means that " +
			"AIRFLOW__SECTION__OPTION_SECRET finds nothing and Airflow goes on with airflow.cfg and then the option's default.",
		Find: findSwitchedOff,
	}}
}

func findSharedNames(s *Subject, report Report) {
	for _, n := range namings(s) {
		variables, on := n.prefix(airflow.KindVariable)
		connections, also := n.prefix(airflow.KindConnection)
		if !on || !also || variables != connections {
			continue
		}
		message := fmt.Sprintf("variables and connections are both kept under %q", variables)
		if variables == "" {
			message = "variables and connections both have no prefix: any secret of the service can be asked for as either"
		}
		report(Finding{
			Span: n.At(n.kwarg(airflow.KindConnection)), Message: message,
			Fix: fmt.Sprintf(`"%s": "%s", "%s": "%s"`, n.kwarg(airflow.KindConnection), usualPrefix(n.Row.Service, airflow.KindConnection),
				n.kwarg(airflow.KindVariable), usualPrefix(n.Row.Service, airflow.KindVariable)),
		})
	}
}

// usualPrefix is the default of the provider's class for a kwarg of prefix or
// path.
func usualPrefix(service string, kind airflow.Kind) string {
	word := string(kind) + "s"
	if kind == airflow.KindConfig {
		word = string(kind)
	}
	switch service {
	case "vault":
		return word
	case "ssm":
		return "/airflow/" + word
	case "secretsmanager":
		return "airflow/" + word
	}
	return "airflow-" + word
}

func findEmptyPrefix(s *Subject, report Report) {
	for _, n := range namings(s) {
		for _, kind := range airflow.Kinds() {
			kwarg := n.kwarg(kind)
			given, isText := n.text(kwarg)
			prefix, on := n.prefix(kind)
			if !isText || !on {
				continue
			}
			f := Finding{Span: n.At(kwarg)}
			switch {
			case slices.Contains([]string{"none", "null", "nil"}, strings.ToLower(given)):
				f.Message = fmt.Sprintf("%s is the text %q, not null: the backend asks for %q", kwarg, given, n.remote(kind, "my_key"))
				f.Fix = fmt.Sprintf(`"%s": null`, kwarg)
			case given == "" && n.Row.Service == "gcp" && prefix != "":
				f.Message = fmt.Sprintf("%s is empty but sep is not: the backend asks for %q", kwarg, n.remote(kind, "my_key"))
				f.Fix = fmt.Sprintf(`"%s": "%s"`, kwarg, usualPrefix(n.Row.Service, kind))
			case given != "" && prefix == "" && n.Row.Service != "vault":
				f.Message = fmt.Sprintf("%s is nothing but separators, which the backend takes off: it asks for %q", kwarg, n.remote(kind, "my_key"))
				f.Fix = fmt.Sprintf(`"%s": "%s"`, kwarg, usualPrefix(n.Row.Service, kind))
			default:
				continue
			}
			report(f)
		}
	}
}

// text is a kwarg that is a string, of those that are meant.
func (n *naming) text(kwarg string) (string, bool) {
	v, _ := n.kwargs.Get(kwarg)
	s, ok := v.(string)
	return s, ok
}

func findSwitchedOff(s *Subject, report Report) {
	for _, n := range namings(s) {
		for _, kind := range airflow.Kinds() {
			v, given := n.kwargs.Get(n.kwarg(kind))
			if list, ok := v.([]any); !given || pyjson.Truthy(v) || v != nil && (!ok || len(list) > 0) {
				continue
			}
			if _, on := n.prefix(kind); on {
				continue
			}
			if kind == airflow.KindConfig {
				configOff(n, report)
			} else {
				kindOff(s, n, kind, report)
			}
		}
	}
}

func configOff(n *naming, report Report) {
	kwarg := n.kwarg(airflow.KindConfig)
	f := Finding{Span: n.At(kwarg), Fix: fmt.Sprintf(`"%s": "%s"`, kwarg, usualPrefix(n.Row.Service, airflow.KindConfig))}
	if options := secretOptions(n.Environment); len(options) > 0 {
		f.Message = fmt.Sprintf("%s is null, so that %s is not looked up", kwarg, options[0].Name)
	} else {
		f.Severity = Note
		f.Message = fmt.Sprintf("%s is null: options given as AIRFLOW__SECTION__OPTION_SECRET are not looked up; that is right where none is wanted", kwarg)
	}
	report(f)
}

func kindOff(s *Subject, n *naming, kind airflow.Kind, report Report) {
	kwarg := n.kwarg(kind)
	usual := usualPrefix(n.Row.Service, kind)
	for _, e := range written(s, n.Row.Service) {
		if !strings.Contains(folded(storeName(e)), folded(usual)) || coveredBy(namings(s), storeName(e)) {
			continue
		}
		report(Finding{
			Span:    n.At(kwarg),
			Message: fmt.Sprintf("%s is null, but %s writes %q: the backend is never asked for a %s", kwarg, place(e.At), e.Remote, kind),
			Fix:     fmt.Sprintf(`"%s": "%s"`, kwarg, usual),
		})
		return
	}
}

// secretOptions are the options that an environment takes from the secrets
// backend.
func secretOptions(env *project.Environment) []*project.Setting {
	var list []*project.Setting
	for _, setting := range env.Settings {
		if _, _, ok := secretOption(setting.Name); ok && (!setting.Known || setting.Value != "") && env.Lookup(setting.Name) == setting {
			list = append(list, setting)
		}
	}
	return list
}

// secretOption takes the name of a variable that gives an option by its name
// in the secrets backend apart. It is not ok for an option that Airflow does
// not take from there.
func secretOption(name string) (section, key string, ok bool) {
	rest, ok := strings.CutPrefix(name, "AIRFLOW__")
	if !ok {
		return "", "", false
	}
	rest, ok = strings.CutSuffix(rest, "_SECRET")
	if !ok {
		return "", "", false
	}
	section, key, ok = strings.Cut(strings.ToLower(rest), "__")
	return section, key, ok && airflow.SensitiveOption(section, key)
}
