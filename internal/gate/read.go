package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/store"
)

// Answer is what a read found.
type Answer struct {
	// Ref is what was found; nil for a plain secret.
	Ref *airflow.Ref
	// Value is what it means to Airflow. It is empty for a plain secret, for
	// an old version of another store's, and for a secret that holds nothing
	// Airflow would take.
	Value dialect.Value
	// HasValue says that Value is set: a variable may hold null.
	HasValue bool
	// Secret is what it was decoded from. It must not be changed.
	Secret *store.Secret
	// Version is at least 1, also where the store numbers nothing.
	Version int64
	// Dialect is how its source reads secrets; nil for a plain secret.
	Dialect dialect.Dialect
	// Own says that the own store holds it.
	Own bool
}

// HiddenError is wrapped by the NotFound of a version that is there but
// cannot be read: hidden or destroyed.
type HiddenError struct {
	Version    store.VersionInfo
	Attributes map[string]map[string]string
}

// Error says which version.
func (e *HiddenError) Error() string { return fmt.Sprintf("version %d is deleted", e.Version.Version) }

// Read returns the latest version, or the given one where it is not 0, of
// what n stands for. Where n has two readings and both have a secret the
// error is Conflict, never a pick. Errors of the sources are *UpstreamError.
func (g *Gate) Read(ctx context.Context, c *Caller, n Name, version int64) (*Answer, error) {
	p, err := g.enter(c, acl.Read, &n)
	p.entry.Version = version
	var a *Answer
	if err == nil {
		a, err = g.read(ctx, p, n, version)
	}
	if err = p.leave("found", err); err != nil {
		return nil, err
	}
	return a, nil
}

func (g *Gate) read(ctx context.Context, p *pass, n Name, version int64) (*Answer, error) {
	if len(n.Refs) == 0 {
		if g.cfg.Own == nil {
			return nil, &store.Error{Op: "read", Name: n.Plain, Code: store.NotFound, Absent: true}
		}
		p.from(-1)
		return g.readOwn(ctx, n.Plain, nil, version)
	}
	h, err := g.find(ctx, n.Refs)
	if err != nil {
		return nil, err
	}
	switch {
	case h == nil:
		return g.readUnresolved(ctx, p, n.Refs, version, nil)
	case h.unread != nil:
		return g.readUnresolved(ctx, p, n.Refs, version, h)
	}
	p.aboutRef(h.ref)
	p.from(h.source)
	p.stale(h.res.Secret)
	if h.source == g.own && version > 0 && h.res.Secret.Version != version {
		return g.readOwnRef(ctx, h.ref, version)
	}
	a := &Answer{Ref: &h.ref, Value: h.res.Value, HasValue: true, Secret: h.res.Secret,
		Version: max(h.res.Secret.Version, 1), Dialect: g.sources[h.source].Dialect, Own: h.source == g.own}
	if version > 0 && version != a.Version {
		return nil, &store.Error{Op: "read", Name: h.ref.ID, Code: store.NotFound, Absent: true,
			Err: fmt.Errorf("its store gives only version %d", a.Version)}
	}
	return a, nil
}

// hit is a reference that the resolver found.
type hit struct {
	ref    airflow.Ref
	source int
	name   string // where the source keeps it
	res    *airlock.Result
	// unread is a secret that Airflow has no value for, and no layer another;
	// res is of no use then.
	unread *store.Secret
}

// find resolves every candidate. It returns nil where all are missing, and the
// failure where one failed: what cannot be ruled out is not passed over.
func (g *Gate) find(ctx context.Context, refs []airflow.Ref) (*hit, error) {
	var found *hit
	for _, ref := range refs {
		h, err := g.resolve(ctx, g.cfg.Resolver, ref)
		if err != nil {
			return nil, err
		}
		switch {
		case h == nil:
		case found == nil, found.unread != nil && h.unread == nil:
			found = h
		case h.unread != nil && found.unread == nil:
		case found.source == h.source && found.name == h.name:
			// Two readings of one and the same secret.
		default:
			return nil, &store.Error{Op: "read", Name: h.ref.ID, Code: store.Conflict,
				Err:  fmt.Errorf("the name stands for %s and for %s", clip(found.ref), clip(h.ref)),
				Hint: "remove or rename one of them"}
		}
	}
	return found, nil
}

func (g *Gate) resolve(ctx context.Context, r *airlock.Resolver, ref airflow.Ref) (*hit, error) {
	res, err := r.Lookup(ctx, ref, &airlock.LookupOptions{Serialized: true})
	var none *airlock.NotFoundError
	switch {
	case err == nil:
		h := &hit{ref: ref, source: res.Winner, res: res}
		if names := res.Attempts[res.Winner].Names; len(names) > 0 {
			h.name = names[len(names)-1]
		}
		if g.fellBack(h) {
			return nil, nil
		}
		return h, nil
	case errors.As(err, &none):
		return g.unread(ref, res), nil
	}
	return nil, upstream("", g.ownFailed(res), err)
}

// ownFailed reports whether it is the own store that failed, and nothing else.
func (g *Gate) ownFailed(res *airlock.Result) bool {
	failed := false
	for i, a := range res.Attempts {
		if a.Err != nil && i != g.own {
			return false
		}
		failed = failed || a.Err != nil
	}
	return failed
}

// unread is the first secret of another store that is there without a value.
func (g *Gate) unread(ref airflow.Ref, res *airlock.Result) *hit {
	if res == nil {
		return nil
	}
	for i, a := range res.Attempts {
		if a.Unread != nil && i != g.own && len(a.Names) > 0 {
			h := &hit{ref: ref, source: i, name: a.Names[len(a.Names)-1], unread: a.Unread}
			if !g.fellBack(h) {
				return h
			}
		}
	}
	return nil
}

// fellBack reports whether a source answered for a team with what belongs to
// none. A protocol's name is exact: falling back is for the client to do.
func (g *Gate) fellBack(h *hit) bool {
	if h.ref.Team == "" {
		return false
	}
	s := &g.sources[h.source]
	return !slices.ContainsFunc(dialect.Exact(s.Dialect, h.ref), func(name string) bool {
		return h.name == store.Locate(s.Store, name)
	})
}

func clip(r airflow.Ref) airflow.Ref {
	return airflow.Ref{Kind: r.Kind, ID: store.Clip(r.ID), Team: store.Clip(r.Team)}
}

// readUnresolved answers for references that Airflow has no value for: the
// own store may still hold a secret that means nothing to Airflow, an older
// version, or one that is hidden, which protocols tell apart from nothing. What
// another store has without a value, unread, is for them to show too.
func (g *Gate) readUnresolved(ctx context.Context, p *pass, refs []airflow.Ref, version int64, unread *hit) (*Answer, error) {
	if unread != nil && (version == 0 || version == max(unread.unread.Version, 1)) {
		p.aboutRef(unread.ref)
		p.from(unread.source)
		p.stale(unread.unread)
		return &Answer{Ref: &unread.ref, Secret: unread.unread, Version: max(unread.unread.Version, 1),
			Dialect: g.sources[unread.source].Dialect}, nil
	}
	missing := &store.Error{Op: "read", Name: refs[0].ID, Code: store.NotFound, Absent: true}
	if g.own < 0 {
		return nil, missing
	}
	var last error = missing
	for _, ref := range refs {
		a, err := g.readOwnRef(ctx, ref, version)
		if err == nil {
			p.aboutRef(ref)
			p.from(g.own)
			return a, nil
		}
		var hidden *HiddenError
		if store.CodeOf(err) != store.NotFound || errors.As(err, &hidden) {
			last = err
		}
	}
	return nil, last
}

func (g *Gate) readOwnRef(ctx context.Context, ref airflow.Ref, version int64) (*Answer, error) {
	name, err := g.ownName(ref)
	if err != nil {
		return nil, err
	}
	return g.readOwn(ctx, name, &ref, version)
}

// readOwn reads one version of the own store.
func (g *Gate) readOwn(ctx context.Context, name string, ref *airflow.Ref, version int64) (*Answer, error) {
	s, err := g.ownVersion(ctx, name, version)
	if store.CodeOf(err) == store.NotFound {
		return nil, g.hidden(ctx, name, version, err)
	}
	if err != nil {
		return nil, err
	}
	a := &Answer{Ref: ref, Secret: s, Version: max(s.Version, 1), Own: true}
	if ref != nil {
		a.Dialect = g.cfg.OwnDialect
		if v, err := g.cfg.OwnDialect.Decode(*ref, s); err == nil {
			a.Value, a.HasValue = v, true
		}
	}
	return a, nil
}

func (g *Gate) ownVersion(ctx context.Context, name string, version int64) (*store.Secret, error) {
	if version == 0 {
		return g.cfg.Own.Get(ctx, name)
	}
	v, err := store.Versions(g.cfg.Own)
	if err != nil {
		return nil, err
	}
	return v.GetVersion(ctx, name, version)
}

// hidden adds to a NotFound what there is of the version.
func (g *Gate) hidden(ctx context.Context, name string, version int64, missing error) error {
	v, err := store.Versions(g.cfg.Own)
	if err != nil {
		return missing
	}
	r, err := v.Record(ctx, name)
	if err != nil {
		if store.CodeOf(err) == store.NotFound {
			return missing
		}
		return err
	}
	if version == 0 {
		version = r.Latest
	}
	for _, info := range r.Versions {
		if info.Version == version && (info.Destroyed || !info.Hidden.IsZero()) {
			return &store.Error{Op: "read", Name: name, Code: store.NotFound, Absent: true,
				Err: &HiddenError{Version: info, Attributes: r.Attributes}}
		}
	}
	return missing
}

// Describe returns the record of what n stands for, without any payload. A
// secret of a store that keeps no versions has one.
func (g *Gate) Describe(ctx context.Context, c *Caller, n Name) (*store.Record, error) {
	p, err := g.enter(c, acl.Read, &n)
	p.entry.Action = "describe"
	var r *store.Record
	if err == nil {
		r, err = g.describe(ctx, p, n)
	}
	if err = p.leave("found", err); err != nil {
		return nil, err
	}
	return r, nil
}

func (g *Gate) describe(ctx context.Context, p *pass, n Name) (*store.Record, error) {
	if len(n.Refs) == 0 {
		p.from(-1)
		return g.record(ctx, n.Plain)
	}
	h, err := g.find(ctx, n.Refs)
	switch {
	case err != nil:
		return nil, err
	case h != nil && h.source != g.own:
		p.aboutRef(h.ref)
		p.from(h.source)
		s := h.unread
		if s == nil {
			s = h.res.Secret
		}
		p.stale(s)
		return foreign(h.ref, s), nil
	}
	refs := n.Refs
	if h != nil {
		refs = []airflow.Ref{h.ref}
	}
	var missing error
	for _, ref := range refs {
		name, err := g.ownName(ref)
		if err != nil {
			return nil, err
		}
		r, err := g.record(ctx, name)
		if err == nil {
			p.aboutRef(ref)
			p.from(g.own)
			return r, nil
		}
		missing = err
	}
	return nil, missing
}

func foreign(ref airflow.Ref, s *store.Secret) *store.Record {
	version := max(s.Version, 1)
	return &store.Record{Name: ref.ID, Latest: version, Created: s.Time, Updated: s.Time,
		Versions: []store.VersionInfo{{Version: version, Created: s.Time}}}
}

// record reads from the own store; NotFound where there is no such store.
func (g *Gate) record(ctx context.Context, name string) (*store.Record, error) {
	if g.cfg.Own == nil {
		return nil, &store.Error{Op: "read", Name: name, Code: store.NotFound, Absent: true}
	}
	v, err := store.Versions(g.cfg.Own)
	if err == nil {
		return v.Record(ctx, name)
	}
	s, err := g.cfg.Own.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	return &store.Record{Name: name, Latest: max(s.Version, 1), Created: s.Time, Updated: s.Time,
		Versions: []store.VersionInfo{{Version: max(s.Version, 1), Created: s.Time}}, Attributes: s.Attributes}, nil
}
