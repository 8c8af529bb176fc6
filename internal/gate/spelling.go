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
	folds []func(string) string // :: source -> its spelling; nil: as it stands
	kept  sync.Map              // :: first of the rules (*acl.Rule) -> source -> *acl.Principal, nil: as they stand
	count atomic.Int64
}

// mostKept bounds the rulebook. Rules are replaced when a client changes, and
// nobody says when the old ones are gone.
const mostKept = 1 << 10

func foldsOf(sources []airlock.Source) []func(string) string {
	folds := make([]func(string) string, len(sources))
	for i := range sources {
		if d := sources[i].Dialect; d != nil {
			folds[i] = dialect.Fold(d)
		}
	}
	return folds
}

// spelled returns who p is to each source. It has rules.
func (b *rulebook) spelled(p *acl.Principal) []*acl.Principal {
	if kept, ok := b.kept.Load(&p.Rules[0]); ok {
		return kept.([]*acl.Principal)
	}
	each := make([]*acl.Principal, len(b.folds))
	for i, fold := range b.folds {
		if fold != nil {
			each[i] = p.Spelled(fold)
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
	for i := range g.sources {
		stored, known := g.stored(i, ref)
		if !known {
			return &refusal{action, refObject(ref)}
		}
		who := cmp.Or(each[i], c.Principal)
		for j, r := range stored {
			o := refObject(r)
			if who.Denies(action, o) || j == 0 && !who.Allows(action, o) {
				return &refusal{action, o}
			}
		}
	}
	return nil
}

// stored are the references that source i may answer ref with, in its own
// spelling; none where it is not asked, or where it spells none in another way.
func (g *Gate) stored(i int, ref airflow.Ref) (refs []airflow.Ref, known bool) {
	s := &g.sources[i]
	if _, ok := s.Dialect.(dialect.Native); ok || s.Err != nil || s.Skip != "" || s.Dialect == nil {
		return nil, true // of airlock's own names each stands for one reference
	}
	if s.NoTeam || g.cfg.Resolver.WorkerTeams && s.Layer != airlock.LayerMetadata {
		ref.Team = ""
	}
	return dialect.Stored(s.Dialect, ref)
}

// spelling is ref as source i has it; where no source has answered, -1, as the
// first has it that spells it in another way.
func (g *Gate) spelling(i int, ref airflow.Ref) airflow.Ref {
	if i >= 0 {
		if stored, _ := g.stored(i, ref); len(stored) > 0 {
			return stored[0]
		}
		return ref
	}
	for i := range g.sources {
		if r := g.spelling(i, ref); r != ref {
			return r
		}
	}
	return ref
}
