// Package setup makes a project and a store ready for each other: from a few
// answers it derives the settings of Airflow, the least grant that lets it
// read, the commands of the store's side, and a DAG that proves the whole.
//
// Each service is a file: its questions and what follows from the answers.
package setup

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// Folder is where the store's side is written, within the project.
const Folder = "secrets-backend"

// Answers are what was decided, by the name of the question.
type Answers map[string]string

// Question is one thing to decide: a flag of the command and a field of the
// form.
type Question struct {
	// Name is the flag's; Title is what the form asks; Help explains it.
	Name, Title, Help string
	// Default counts where nothing is answered. A question without one, and
	// not Optional, has to be answered.
	Default  string
	Optional bool
	// Choices are the only answers, where there are any.
	Choices []string
	// Secret answers are not shown, and are no flag: they come from the form
	// or from the environment variable Env.
	Secret bool
	Env    string
	// When says whether it is asked, given the answers before it; nil: always.
	When func(Answers) bool
	// Check says what is wrong with an answer; nil accepts all.
	Check func(string) error
}

// Service is one secrets backend that can be set up.
type Service struct {
	// Name is that of its row in package stores: "vault".
	Name, Title string
	Questions   []Question
	plan        func(Answers) (*Plan, error)
	// apply does the store's side; nil where only its script can.
	apply func(context.Context, *Plan, *Admin) error
}

// CanApply tells whether airlock does the store's side itself.
func (s Service) CanApply() bool { return s.apply != nil }

// Services are all of them, in the order in which they are offered.
func Services() []Service { return []Service{vault(), ssm(), secretsManager(), gcp(), azure()} }

// Find returns the service called name, false where there is none.
func Find(name string) (Service, bool) {
	all := Services()
	i := slices.IndexFunc(all, func(s Service) bool { return s.Name == name })
	if i < 0 {
		return Service{}, false
	}
	return all[i], true
}

// Plan is what follows from the answers.
type Plan struct {
	Service Service
	// Answers are all of them, defaults included.
	Answers Answers
	// Class and Kwargs are the two settings of Airflow.
	Class  string
	Kwargs *pyjson.Object
	// KwargsSecret is set where the kwargs hold a credential.
	KwargsSecret bool
	// Other are further environment variables: a region, a client secret.
	Other []Variable
	// Requirement is the line of requirements.txt.
	Requirement string
	// Policies are the grants, as files of [Folder].
	Policies []File
	// Steps set up the store's side, in order.
	Steps []Step
	// ServiceAccount are annotations of the Kubernetes service account that
	// Airflow runs as, Labels those of its pods.
	ServiceAccount, Labels []Variable
	// Todo are placeholders that a person has to fill in.
	Todo []string
}

// Variable is a name and value.
type Variable struct {
	Name, Value string
	Secret      bool
}

// File is a file to write, at a path relative to the project.
type File struct {
	Path, Text string
	// Private files hold a credential: 0600, and not for git.
	Private bool
}

// Step is one thing to do at the store.
type Step struct {
	// Title says what it does; Commands are lines of a shell that do it with
	// the vendor's own program.
	Title    string
	Commands []string
}

// KwargsText is the JSON text of the kwargs, on one line.
func (p *Plan) KwargsText() string { return pyjson.Encode(p.Kwargs) }

// Settings are all the environment variables of Airflow, the two first.
func (p *Plan) Settings() []Variable {
	return append([]Variable{
		{Name: "AIRFLOW__SECRETS__BACKEND", Value: p.Class},
		{Name: "AIRFLOW__SECRETS__BACKEND_KWARGS", Value: p.KwargsText(), Secret: p.KwargsSecret},
	}, p.Other...)
}

// Plan derives everything from the answers, or says which is missing or
// wrong, as a *QuestionError.
func (s Service) Plan(given Answers) (*Plan, error) {
	a, err := s.complete(given)
	if err != nil {
		return nil, err
	}
	p, err := s.plan(a)
	if err != nil {
		return nil, err
	}
	p.Service, p.Answers = s, a
	row := rowOf(s.Name)
	p.Class, p.Requirement = row.Class, row.Package
	return p, nil
}

func rowOf(service string) stores.Row {
	table := stores.Known()
	return table[slices.IndexFunc(table, func(r stores.Row) bool { return r.Service == service })]
}

// QuestionError says that an answer is missing or wrong.
type QuestionError struct {
	Question Question
	Err      error
}

// Error names the question by its flag, never the answer.
func (e *QuestionError) Error() string { return fmt.Sprintf("--%s: %v", e.Question.Name, e.Err) }

// Unwrap returns the cause.
func (e *QuestionError) Unwrap() error { return e.Err }

// complete fills in defaults and checks.
func (s Service) complete(given Answers) (Answers, error) {
	a := Answers{}
	for _, q := range s.Questions {
		if q.When != nil && !q.When(a) {
			continue
		}
		value := given[q.Name]
		if value == "" {
			value = q.Default
		}
		if err := q.Accepts(value); err != nil {
			return nil, &QuestionError{Question: q, Err: err}
		}
		a[q.Name] = value
	}
	return a, nil
}

// Accepts says what is wrong with an answer, nil where nothing is.
func (q Question) Accepts(value string) error {
	switch {
	case value == "" && (q.Optional || q.Secret || q.Default != ""):
		return nil
	case value == "":
		return fmt.Errorf("it is needed: %s", q.Help)
	case len(value) > 4096 || strings.ContainsAny(value, "\n\r\x00"):
		return fmt.Errorf("write one line of at most 4096 bytes")
	case q.Choices != nil && !slices.Contains(q.Choices, value):
		return fmt.Errorf("choose one of %s", strings.Join(q.Choices, ", "))
	case q.Check != nil:
		return q.Check(value)
	}
	return nil
}

// is makes a When of another answer's values.
func is(name string, values ...string) func(Answers) bool {
	return func(a Answers) bool { return slices.Contains(values, a[name]) }
}

// matching makes a Check of a pattern that says in words what is wanted.
func matching(pattern, want string) func(string) error {
	re := regexp.MustCompile(pattern)
	return func(value string) error {
		if !re.MatchString(value) {
			return fmt.Errorf("write %s", want)
		}
		return nil
	}
}

// orPlaceholder is the answer, or a placeholder that goes onto the list of
// what is left to do.
func (p *Plan) orPlaceholder(answer, placeholder, how string) string {
	if answer != "" {
		return answer
	}
	p.Todo = append(p.Todo, fmt.Sprintf("replace %s: %s", placeholder, how))
	return placeholder
}

// object makes kwargs of name and value in turn; a nil value is null, and a
// pair with an empty string for a value is left out.
func object(pairs ...any) *pyjson.Object {
	o := pyjson.NewObject()
	for i := 0; i+1 < len(pairs); i += 2 {
		if text, isText := pairs[i+1].(string); isText && text == "" {
			continue
		}
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}
