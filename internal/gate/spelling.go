package gate

import (
	"cmp"
	"errors"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/store"
)

const plainPrefix = "plain/"

func refObject(r airflow.Ref) acl.Object {
	return acl.Object{Kind: acl.Kind(r.Kind), Team: r.Team, ID: r.ID}
}

// plainObject is what rules see of a plain secret: "vault/secret/a/b".
func plainObject(name string) acl.Object {
	return acl.Object{Kind: acl.Plain, ID: strings.TrimPrefix(name, plainPrefix)}
}

// Relative reports whether one of the parts of name, between slashes, is "."
// or "..". A store that resolves them reads another name than the rules saw.
func Relative(name string) bool {
	if !strings.Contains(name, ".") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

func relative(name string) error {
	return &store.Error{Op: "name", Name: name, Code: store.Invalid, Hint: "write the name without it",
		Err: errors.New(`a name has no part that is "." or ".."`)}
}

// rulebook keeps the rules of callers as each source spells them, so that a
// pattern is spelled once and not for each request.
type rulebook struct {
	folds []folds  // :: source -> its spelling
	kept  sync.Map // :: first of the rules (*acl.Rule) -> source -> *acl.Principal, nil: as they stand
	count atomic.Int64
}

// folds are how a source spells texts and patterns of ids; nil: as they stand.
type folds struct {
	text     func(string) string
	patterns func(string) []string
}

// mostKept bounds the rulebook, and the memo. Rules are replaced when a client
// changes, and nobody says when the old ones are gone.
const mostKept = 1 << 10

func foldsOf(sources []airlock.Source) []folds {
	each := make([]folds, len(sources))
	for i := range sources {
		if d := sources[i].Dialect; d != nil {
			each[i] = folds{dialect.Fold(d), dialect.FoldPattern(d)}
		}
	}
	return each
}

// spelled returns who p is to each source. It has rules.
func (b *rulebook) spelled(p *acl.Principal) []*acl.Principal {
	if kept, ok := b.kept.Load(&p.Rules[0]); ok {
		return kept.([]*acl.Principal)
	}
	each := make([]*acl.Principal, len(b.folds))
	for i, fold := range b.folds {
		if fold.text != nil {
			each[i] = p.Spelled(fold.text, fold.patterns)
		}
	}
	if b.count.Add(1) > mostKept {
		b.kept.Clear()
		b.count.Store(1)
	}
	b.kept.Store(&p.Rules[0], each)
	return each
}

// authorise refuses what c may not do to n. Where it refuses one of the
// references that n stands for, the line is to be about that one.
func (g *Gate) authorise(c *Caller, action acl.Action, n *Name) (airflow.Ref, error) {
	if len(n.Refs) == 0 {
		o := plainObject(n.Plain)
		if !g.allows(c, action, o) {
			return airflow.Ref{}, &refusal{action, o}
		}
		if Relative(n.Plain) {
			return airflow.Ref{}, relative(n.Plain)
		}
		return airflow.Ref{}, nil
	}
	for _, ref := range n.Refs {
		if o := refObject(ref); !g.allows(c, action, o) {
			return ref, &refusal{action, o}
		}
		if Relative(ref.ID) || Relative(ref.Team) {
			return ref, relative(ref.ID)
		}
		if err := g.authoriseStored(c, action, ref); err != nil {
			return ref, err
		}
	}
	return n.Refs[0], nil
}

// authoriseStored asks the rules about ref as each source spells it. Every
// source counts: a change asks those above the own store whether they would
// hide it.
func (g *Gate) authoriseStored(c *Caller, action acl.Action, ref airflow.Ref) error {
	if len(c.Principal.Rules) == 0 {
		return nil // they name nothing
	}
	each := g.rules.spelled(c.Principal)
	for i, stored := range g.stored(ref) {
		if stored.unknown {
			return &refusal{action, refObject(ref)}
		}
		who := cmp.Or(each[i], c.Principal)
		for j, r := range stored.refs {
			o := refObject(r)
			if who.Denies(action, o) || j == 0 && !who.Allows(action, o) {
				return &refusal{action, o}
			}
		}
	}
	return nil
}

// spelling is ref as source i has it; where no source has answered, -1, as the
// first has it that spells it in another way.
func (g *Gate) spelling(i int, ref airflow.Ref) airflow.Ref {
	for j, stored := range g.stored(ref) {
		if len(stored.refs) > 0 && (i == j || i < 0 && stored.refs[0] != ref) {
			return stored.refs[0]
		}
	}
	return ref
}

// spellings are the references that a source may answer a reference with, in
// its own spelling; none where it is not asked, or where it spells none in
// another way. unknown is set where nobody can say.
type spellings struct {
	refs    []airflow.Ref
	unknown bool
}

// memo keeps the spellings of what was asked for of late: the same few names
// are asked for again and again.
type memo struct {
	mu   sync.RWMutex
	kept map[airflow.Ref][]spellings // :: reference -> source -> its spellings
}

// longestKept bounds what the memo keeps of one name, in bytes.
const longestKept = 256

// stored are the spellings of ref by source; nil where each takes it as it is.
func (g *Gate) stored(ref airflow.Ref) []spellings {
	if g.exact {
		return nil
	}
	m := &g.memo
	m.mu.RLock()
	each, ok := m.kept[ref]
	m.mu.RUnlock()
	if ok {
		return each
	}
	each = make([]spellings, len(g.sources))
	for i := range g.sources {
		each[i] = g.storedBy(&g.sources[i], ref)
	}
	if len(ref.ID)+len(ref.Team) > longestKept {
		return each
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= mostKept {
		m.kept = map[airflow.Ref][]spellings{}
	}
	m.kept[ref] = each
	return each
}

func (g *Gate) storedBy(s *airlock.Source, ref airflow.Ref) spellings {
	if takesAnyName(s) || s.Err != nil || s.Skip != "" || s.Dialect == nil {
		return spellings{}
	}
	if s.NoTeam || g.cfg.Resolver.WorkerTeams && s.Layer != airlock.LayerMetadata {
		ref.Team = ""
	}
	refs, known := dialect.Stored(s.Dialect, ref)
	return spellings{refs, !known}
}

// takesAnyName reports whether each reference has a name of its own in s, as in
// airlock's own store.
func takesAnyName(s *airlock.Source) bool {
	_, ok := s.Dialect.(dialect.Native)
	return ok
}
