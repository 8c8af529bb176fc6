package dialect

import (
	"slices"

	"github.com/airlock-secrets/airlock/airflow"
)

// Folder is a Dialect whose store has one secret under several spellings.
type Folder interface {
	// Fold spells an id or a team, or a pattern of either, as the store does:
	// two spellings of one secret fold to the same text. "*" stays what it is.
	Fold(text string) string
}

// Fold returns how d spells ids, teams and patterns of them; nil where d takes
// each as it stands.
func Fold(d Dialect) func(string) string {
	if f, ok := d.(Folder); ok {
		return f.Fold
	}
	return nil
}

// PatternFolder is a Folder one of whose ids may be covered by a pattern only
// once the pattern is spelled in several ways.
type PatternFolder interface {
	Folder
	// FoldPattern spells a pattern of ids: together the results match at least
	// the fold of each id that a pattern matches.
	FoldPattern(pattern string) []string
}

// FoldPattern is Fold for a pattern of ids.
func FoldPattern(d Dialect) func(string) []string {
	if f, ok := d.(PatternFolder); ok {
		return f.FoldPattern
	}
	fold := Fold(d)
	if fold == nil {
		return nil
	}
	return func(pattern string) []string { return []string{fold(pattern)} }
}

// Exact are the names that d asks for ref, without those of no team to which a
// team's look-up falls back.
func Exact(d Dialect, ref airflow.Ref) []string {
	names := d.Names(ref).Names
	if ref.Team == "" || len(names) < 2 {
		return names
	}
	common := d.Names(airflow.Ref{Kind: ref.Kind, ID: ref.ID}).Names
	exact := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(common, name) })
	if len(exact) == 0 {
		return names // the class does not look at teams
	}
	return exact
}

// Stored returns every reference whose secret a look-up of ref by d may give
// back, spelled as the store has it: what ref itself is to the store comes
// first, then what has the same name there, of another kind for instance. Nil
// means that nothing is asked. known is false for a name that leads out of what
// d names, to a secret of which nothing can be said.
func Stored(d Dialect, ref airflow.Ref) (refs []airflow.Ref, known bool) {
	names := Exact(d, ref)
	if len(names) == 0 {
		return nil, true
	}
	fold := Fold(d)
	spelled := func(r airflow.Ref) airflow.Ref {
		if fold != nil {
			r.ID, r.Team = fold(r.ID), fold(r.Team)
		}
		return r
	}
	for _, name := range names {
		if s, ok := d.(*SSM); ok && s.foreign(name) {
			return nil, false
		}
		for _, r := range d.Refs(name) {
			if r = spelled(r); !slices.Contains(refs, r) {
				refs = append(refs, r)
			}
		}
	}
	switch d := d.(type) {
	case MetaDB:
		if ref.Team != "" {
			refs = append(refs, spelled(airflow.Ref{Kind: ref.Kind, ID: ref.ID})) // its one name reads this row too
		}
	case LocalFile:
		for _, kind := range d.sharing(ref.Kind) {
			refs = append(refs, airflow.Ref{Kind: kind, ID: ref.ID})
		}
	}
	return likeliest(refs, spelled(ref)), true
}

// likeliest puts what ref is to the store in front: the same reference, else
// the first of its kind. A name that stands for none of its kind is ref's own.
func likeliest(refs []airflow.Ref, ref airflow.Ref) []airflow.Ref {
	i := slices.Index(refs, ref)
	if i < 0 {
		i = slices.IndexFunc(refs, func(r airflow.Ref) bool { return r.Kind == ref.Kind && r.Team == ref.Team })
	}
	if i < 0 {
		i = slices.IndexFunc(refs, func(r airflow.Ref) bool { return r.Kind == ref.Kind })
	}
	if i < 0 {
		return append([]airflow.Ref{ref}, refs...)
	}
	refs[0], refs[i] = refs[i], refs[0]
	return refs
}
