package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// classRules are about which backend there is, and what it takes to have it.
func classRules() []Rule {
	return slices.Concat([]Rule{
		{
			ID: "old-class-path", Severity: Error, Title: "the class has moved",
			Why:     "Backends were in airflow.contrib once, and some modules and classes of providers have had other names. Airflow 2 redirected the old paths with a warning; in Airflow 3 nothing is there.",
			Airflow: "The old path cannot be loaded: " + classNotLoaded + ", and Airflow does not start.",
			Find:    findOldClass,
		},
		{
			ID: "unknown-class", Severity: Error, Title: "there is no such class",
			Why:     "The path of the class is not one of Airflow's or of its providers', and is near one that is. A class of one's own is not looked at.",
			Airflow: "The path cannot be loaded: " + classNotLoaded + ", and Airflow does not start.",
			Find:    findUnknownClass,
		},
		{
			ID: "worker-kwargs-missing", Severity: Error, Title: "the workers' backend has no kwargs of its own",
			Why:     "Where [workers] secrets_backend is set, tasks use it with [workers] secrets_backend_kwargs. The kwargs of [secrets] count for tasks only where the class of [secrets] does too.",
			Airflow: "In tasks Airflow constructs the class of [workers] secrets_backend without kwargs: it never looks at [secrets] backend_kwargs.",
			Find:    findWorkerKwargs,
		},
		{
			ID: "kwargs-without-class", Severity: Warning, Title: "kwargs are set, but no backend",
			Why:     "The kwargs are those of the class that the option beside them names. Without a class there is no secrets backend.",
			Airflow: "Airflow makes nothing of the kwargs, without a word: variables and connections come from the environment and the metadata database only.",
			Find:    findKwargsWithoutClass,
		},
	}, packageRules(), airlockRules())
}

func findOldClass(s *Subject, report Report) {
	for _, b := range s.Backends {
		old := bare(b.Class.Value)
		if !b.Class.Known || !slices.Contains(b.Row.Old, old) {
			continue
		}
		f := Finding{Span: b.Class.Text, Message: fmt.Sprintf("%s is gone: the class is %s", old, b.Row.Class), Airflow: notLoaded(b), Fix: statement(b.Class, b.Row.Class)}
		if at := strings.Index(b.Class.Value, old); b.Class.Exact {
			f.Span = b.Class.Of(at, at+len(old))
			f.Edits = editsOf(b.Class, []change{{at, at + len(old), b.Row.Class}})
		}
		report(f)
	}
}

// bare is a class without what has been put around it by mistake.
func bare(class string) string {
	if at := tail(class); at >= 0 {
		class = class[:at]
	}
	return strings.Trim(class, "\"' \t\r\n")
}

// notLoaded is how Airflow ends on a class.
func notLoaded(b *Backend) string {
	if b.Section == "workers" {
		return "A task ends with AirflowConfigException: The object could not be loaded. Please check \"secrets_backend\" key in \"workers\" section."
	}
	return "AirflowConfigException: The object could not be loaded. Please check \"backend\" key in \"secrets\" section. Airflow does not start."
}

// dotted is the path of an object in Python.
var dotted = lazyregexp.New(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$`)

// ofProviders are the packages of which all backends are known.
var ofProviders = lazyregexp.New(`^airflow\.(contrib\.secrets|providers\.(hashicorp|google|microsoft|amazon)(\.\w+)*\.secrets)\.`)

func findUnknownClass(s *Subject, report Report) {
	for _, b := range s.Backends {
		class := bare(b.Class.Value)
		if !b.Class.Known || known(class) || angled.MatchString(class) || strings.Contains(class, "$") || class == "" {
			continue
		}
		_, err := stores.Known().Find(class)
		hint := store.Hint(err)
		near, ok := strings.CutPrefix(hint, "did you mean ")
		near = strings.TrimSuffix(near, "?")
		if !ok && dotted.MatchString(class) && !ofProviders.MatchString(class) {
			continue // a class of one's own
		}
		f := Finding{Span: b.Class.Text, Message: "there is no class " + stores.Known().Shown(class), Airflow: notLoaded(b), Fix: "write the dotted path of a class; " + hint}
		if i := strings.IndexFunc(class, func(r rune) bool { return !unicode.IsGraphic(r) }); i >= 0 {
			r, _ := utf8.DecodeRuneInString(class[i:])
			f.Message += fmt.Sprintf(", with the character %U, which cannot be seen, in it", r)
		}
		if ok {
			f.Message, f.Fix = f.Message+": "+hint, statement(b.Class, near)
		}
		report(f)
	}
}

func findWorkerKwargs(s *Subject, report Report) {
	for _, b := range s.Backends {
		if b.Section != "workers" || !withoutKwargs(b) || len(ofSecrets(b)) == 0 {
			continue
		}
		f := Finding{Span: b.Class.Key, Message: "the workers' class is set without " + airflow.OptionEnv("workers", "secrets_backend_kwargs") + ": the kwargs of [secrets] do not reach it",
			Airflow: "In tasks Airflow constructs the class without kwargs: " + bites(b)}
		if kwargs := b.Environment.Lookup(kwargsNames[0]); kwargs.Known {
			like := *b.Class
			like.Name = kwargsNames[1]
			if like.Key.File == nil || like.Key.File.Kind != project.AirflowConfig {
				f.Fix = statement(&like, kwargs.Value)
			}
		}
		if f.Fix == "" {
			f.Fix = "set the same kwargs for the workers: [workers] secrets_backend_kwargs"
		}
		report(f)
	}
}

func findKwargsWithoutClass(s *Subject, report Report) {
	for _, env := range s.Project.Environments {
		for i, name := range kwargsNames {
			kwargs := env.Lookup(name)
			if kwargs == nil || kwargs.Known && kwargs.Value == "" || env.Lookup(classNames[i]) != nil || misspeltClass(env, i) || env.Open || isProgram(kwargs) {
				continue
			}
			f := Finding{Span: kwargs.Key, Message: called(kwargs) + " is set, but no class: " + classNames[i] + " is missing", Fix: "set " + classNames[i] + " to the class that the kwargs are for"}
			if i == 1 && env.Lookup(classNames[0]) != nil {
				f.Airflow = "Tasks use the class of [secrets] with the kwargs of [secrets]: Airflow makes nothing of those of [workers]."
			}
			report(f)
		}
	}
}

// misspeltClass tells whether the class is set under a name that is nearly
// right, which is another finding.
func misspeltClass(env *project.Environment, i int) bool {
	return slices.ContainsFunc(env.Settings, func(s *project.Setting) bool { return plain(s.Name) == plain(classNames[i]) })
}

// raised is the exception within an error of a constructor.
func raised(err error) string {
	var python *airflow.Error
	if errors.As(err, &python) {
		return python.Type + ": " + python.Message
	}
	return err.Error()
}
