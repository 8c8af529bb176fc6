package check

import (
	"fmt"
	"slices"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/project"
)

func findOtherKind(s *Subject, report Report) {
	uses := map[string][]usage{} // :: id -> who asks for it
	for _, u := range usesOf(s) {
		uses[u.ref.ID] = append(uses[u.ref.ID], u)
	}
	for _, n := range namings(s) {
		for _, e := range written(s, n.Row.Service) {
			refs := n.refs(storeName(e))
			if len(refs) != 1 || refs[0].Kind == airflow.KindConfig {
				continue
			}
			if other := usedAsOther(s, uses[refs[0].ID], e, refs[0]); other != nil {
				report(Finding{
					Span: e.At,
					Message: fmt.Sprintf("the command writes %q, which is the %s %q, but %s:%d asks for the %s of that name",
						e.Remote, refs[0].Kind, refs[0].ID, other.file, other.line, other.ref.Kind),
					Fix: n.remote(other.ref.Kind, refs[0].ID),
				})
			}
		}
	}
}

// usedAsOther is the first of the questions of DAGs for an id that is for
// another kind; nil where the DAGs ask for the id as it is written too, or where the other one
// is made elsewhere in the project.
func usedAsOther(s *Subject, uses []usage, e *project.Entry, ref airflow.Ref) *usage {
	if dynamic(e.Remote) {
		return nil
	}
	var other *usage
	for i, u := range uses {
		switch {
		case u.ref == ref:
			return nil
		case other == nil:
			other = &uses[i]
		}
	}
	if other == nil || madeElsewhere(s, other.ref) {
		return nil
	}
	return other
}

// madeElsewhere tells whether a variable or connection is written somewhere in
// the project, in a file or to a store.
func madeElsewhere(s *Subject, ref airflow.Ref) bool {
	return s.made(ref) || slices.ContainsFunc(namings(s), func(n *naming) bool {
		names := s.names(n.Row.Service)
		return names.open || names.written[n.remote(ref.Kind, ref.ID)]
	})
}
