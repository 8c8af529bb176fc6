package gate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/store"
)

// Listing is what a list covers.
type Listing struct {
	// Kinds of references, from every source that can list.
	Kinds []airflow.Kind
	// Plain is how the names of plain secrets begin in the own store; empty
	// lists none.
	Plain string
	// Asked is what the caller asked for, for the audit line.
	Asked string
}

// Item is one entry of a list: a reference, or a plain secret's name.
type Item struct {
	Ref   airflow.Ref
	Plain string
}

// List returns, without order or doubles promised beyond one entry for each
// reference and plain secret, what c may list. A source that cannot list at
// all is left out; one that fails fails the list, and the error names it.
func (g *Gate) List(ctx context.Context, c *Caller, l Listing) ([]Item, error) {
	p := g.start(c, string(acl.List))
	p.entry.Name = l.Asked
	err := g.mayList(c, l)
	var items []Item
	if err == nil {
		items, err = g.list(ctx, l)
	}
	if err = p.leave("listed", err); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(items, func(i Item) bool { return !g.Allows(c, acl.List, i.name()) }), nil
}

func (i *Item) name() Name {
	if i.Plain != "" {
		return Name{Plain: i.Plain}
	}
	return Name{Refs: []airflow.Ref{i.Ref}}
}

// mayList refuses a caller whom no rule could allow a single entry: it gets
// "denied", and not an empty list.
func (g *Gate) mayList(c *Caller, l Listing) error {
	if c.Principal != nil && c.Principal.Deployment == g.cfg.Deployment {
		kinds := make([]acl.Kind, 0, len(l.Kinds)+1)
		for _, k := range l.Kinds {
			kinds = append(kinds, acl.Kind(k))
		}
		if l.Plain != "" {
			kinds = append(kinds, acl.Plain)
		}
		if c.Principal.AllowsSome(acl.List, kinds...) {
			return nil
		}
	}
	return &refusal{acl.List, acl.Object{Kind: acl.Plain, ID: l.Asked}}
}

func (g *Gate) list(ctx context.Context, l Listing) ([]Item, error) {
	seen := map[Item]bool{}
	if l.Plain != "" && g.cfg.Own != nil {
		names, err := store.List(ctx, g.cfg.Own, l.Plain)
		if err != nil {
			return nil, fmt.Errorf("listing plain secrets: %w", err)
		}
		for _, name := range names {
			seen[Item{Plain: name}] = true
		}
	}
	for i := range g.sources {
		for _, kind := range l.Kinds {
			refs, err := listSource(ctx, &g.sources[i], kind)
			if err != nil {
				return nil, upstream(g.sources[i].Class, i == g.own,
					fmt.Errorf("listing the %s %s: %w", g.sources[i].Layer, g.sources[i].Class, err))
			}
			for _, ref := range refs {
				seen[Item{Ref: ref}] = true
			}
		}
	}
	items := make([]Item, 0, len(seen))
	for i := range seen {
		items = append(items, i)
	}
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Plain, b.Plain), cmp.Compare(a.Ref.Kind, b.Ref.Kind),
			cmp.Compare(a.Ref.Team, b.Ref.Team), cmp.Compare(a.Ref.ID, b.Ref.ID))
	})
	return items, nil
}

// listSource returns the references of one kind that a source has.
func listSource(ctx context.Context, s *airlock.Source, kind airflow.Kind) ([]airflow.Ref, error) {
	if s.Err != nil {
		return nil, s.Err
	}
	if s.Skip != "" || s.Store == nil || s.Dialect == nil {
		return nil, nil
	}
	prefix, asked := commonPrefix(s.Dialect, kind)
	if !asked {
		return nil, nil
	}
	names, err := store.List(ctx, s.Store, prefix)
	if store.CodeOf(err) == store.Unsupported {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var refs []airflow.Ref
	for _, name := range names {
		for _, ref := range s.Dialect.Refs(name) {
			if ref.Kind == kind {
				refs = append(refs, ref)
			}
		}
	}
	return refs, nil
}

// commonPrefix is what every name of a kind begins with, found by naming a
// few: a source need not list everything it has. It is false where the
// dialect never asks for the kind.
func commonPrefix(d dialect.Dialect, kind airflow.Kind) (string, bool) {
	var names []string
	for _, ref := range []airflow.Ref{{Kind: kind, ID: "a"}, {Kind: kind, ID: "b"}, {Kind: kind, ID: "a", Team: "c"}} {
		names = append(names, d.Names(ref).Names...)
	}
	if len(names) == 0 {
		return "", false
	}
	prefix := names[0]
	for _, name := range names[1:] {
		for !strings.HasPrefix(name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return prefix, true
}
