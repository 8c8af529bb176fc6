package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/project"
)

// Subject is what the rules look at. What several rules ask of it is worked
// out once, when the first one asks. It is not for several goroutines at once.
type Subject struct {
	Project  *project.Project
	DAGs     *dagscan.Result
	Backends []*Backend
	known    knowledge
}

// knowledge is what has been worked out; nil where nobody has asked.
type knowledge struct {
	// prose are the sentences of the documents and quoted their words between
	// backquotes.
	prose  []project.Span
	quoted []docToken
	// versionOnes are words of documents that speak of Vault's version 1.
	versionOnes []project.Span
	// placed are the settings, and held the credentials among them in the
	// order of the files.
	placed []placed
	held   []held
	// connections are those whose text is in the project.
	connections []*connText
	names       []*naming
	// mistakes are the rules that the texts of kwargs break.
	mistakes map[*Backend]string
	// writes are what commands write, by service.
	writes map[string][]*project.Entry
	stored map[string]*storedNames
	uses   []usage
	// inEnvironment are the entries that an environment has, by kind and id
	// in lower case, and made those of all places.
	inEnvironment, made map[airflow.Ref]bool
}

// remember returns what has been worked out, and works it out the first time.
func remember[T any](known *[]T, work func() []T) []T {
	if *known == nil {
		if *known = work(); *known == nil {
			*known = []T{}
		}
	}
	return *known
}

// held is a credential that a setting has.
type held struct {
	placed
	what string
	open bool
}

// credentials are those of all settings that are kept in the open, in the
// order in which they stand in the files.
func (s *Subject) credentials() []held {
	return remember(&s.known.held, func() []held {
		list := slices.Clone(settings(s))
		slices.SortStableFunc(list, func(a, b placed) int {
			return cmp.Or(cmp.Compare(a.Key.Path(), b.Key.Path()), cmp.Compare(a.Key.Start, b.Key.Start))
		})
		var found []held
		for _, p := range list {
			value := p.Value
			if !p.Known {
				value = strings.Trim(p.Text.Text(), `"'`)
			}
			if p.Secret || !p.Known && !strings.Contains(value, "$") {
				continue
			}
			if what, open, ok := credential(p.Name, value); ok {
				found = append(found, held{p, what, open})
			}
		}
		return found
	})
}

// mistake is the rule that the text of a backend's kwargs breaks; "" for none.
func (s *Subject) mistake(b *Backend) string {
	if s.known.mistakes == nil {
		s.known.mistakes = map[*Backend]string{}
	}
	rule, ok := s.known.mistakes[b]
	if !ok {
		rule = mistake(b)
		s.known.mistakes[b] = rule
	}
	return rule
}

// writes are what commands write to the services under a name, by service.
func (s *Subject) writes() map[string][]*project.Entry {
	if s.known.writes == nil {
		s.known.writes = map[string][]*project.Entry{}
		for i := range s.Project.Entries {
			if e := &s.Project.Entries[i]; e.Store != "" && e.Remote != "" {
				s.known.writes[e.Store] = append(s.known.writes[e.Store], e)
			}
		}
	}
	return s.known.writes
}

// storedNames are the names that commands write to a service. Open is set where
// a part of one is filled in later.
type storedNames struct {
	written map[string]bool
	open    bool
}

// names are those that commands write to a service, without what is around
// them in the paths of an API.
func (s *Subject) names(service string) *storedNames {
	if s.known.stored == nil {
		s.known.stored = map[string]*storedNames{}
	}
	names := s.known.stored[service]
	if names == nil {
		names = &storedNames{written: map[string]bool{}}
		for _, e := range s.writes()[service] {
			names.written[storeName(e)] = true
			names.open = names.open || dynamic(e.Remote)
		}
		s.known.stored[service] = names
	}
	return names
}

// inEnvironment tells whether the project sets the environment variable of an
// id, in whatever case.
func (s *Subject) inEnvironment(ref airflow.Ref) bool {
	s.places()
	return s.known.inEnvironment[airflow.Ref{Kind: ref.Kind, ID: strings.ToLower(ref.ID)}]
}

// made tells whether a file of the project makes the variable or connection.
func (s *Subject) made(ref airflow.Ref) bool {
	s.places()
	return s.known.made[airflow.Ref{Kind: ref.Kind, ID: strings.ToLower(ref.ID)}]
}

func (s *Subject) places() {
	if s.known.made != nil {
		return
	}
	s.known.made, s.known.inEnvironment = map[airflow.Ref]bool{}, map[airflow.Ref]bool{}
	for i := range s.Project.Entries {
		e := &s.Project.Entries[i]
		ref := airflow.Ref{Kind: e.Kind, ID: strings.ToLower(e.ID)}
		s.known.made[ref] = true
		if e.Layer == project.InEnvironment {
			s.known.inEnvironment[ref] = true
		}
	}
}
