package memstore

import (
	"context"
	"maps"
	"time"

	"github.com/airlock-secrets/airlock/store"
)

// Hide implements store.Versioner.
func (s *Store) Hide(ctx context.Context, name, by string, versions ...int64) error {
	return s.change(ctx, "hide", name, versions, func(v *version, now time.Time) {
		if v.readable() {
			v.hidden, v.hiddenBy = now, by
		}
	})
}

// Restore implements store.Versioner.
func (s *Store) Restore(ctx context.Context, name, by string, versions ...int64) error {
	return s.change(ctx, "restore", name, versions, func(v *version, _ time.Time) {
		if v.hiddenBy == by {
			v.hidden, v.hiddenBy = time.Time{}, ""
		}
	})
}

// Destroy implements store.Versioner.
func (s *Store) Destroy(ctx context.Context, name string, versions ...int64) error {
	return s.change(ctx, "destroy", name, versions, func(v *version, _ time.Time) {
		v.payload, v.destroyed = nil, true
	})
}

// SetAttributes implements store.Versioner.
func (s *Store) SetAttributes(ctx context.Context, name, protocol string, attributes map[string]string) error {
	end, err := s.begin(ctx, "set attributes", name)
	if err != nil {
		return err
	}
	defer end()
	r := s.touch(name)
	if r.attributes == nil {
		r.attributes = map[string]map[string]string{}
	}
	r.attributes[protocol] = maps.Clone(attributes)
	return nil
}

// change applies f to the given versions of name, or to the latest when none
// is given; those that are not there are passed over.
func (s *Store) change(ctx context.Context, op, name string, versions []int64, f func(*version, time.Time)) error {
	versions, err := store.DistinctVersions(versions)
	if err != nil {
		return err
	}
	end, err := s.begin(ctx, op, name)
	if err != nil {
		return err
	}
	defer end()
	if s.records[name] == nil {
		return s.fail(op, name, store.NotFound, nil)
	}
	r := s.touch(name)
	if len(versions) == 0 {
		versions = []int64{int64(len(r.versions))}
	}
	for _, number := range versions {
		if v := r.at(number); v != nil {
			f(v, r.updated)
		}
	}
	return nil
}

// touch returns the record of name, made if need be, with the time of its
// last change set to now.
func (s *Store) touch(name string) *record {
	now := time.Now().UTC()
	r := s.records[name]
	if r == nil {
		r = &record{created: now}
		s.records[name] = r
	}
	r.updated = now
	return r
}

// at returns a version, or nil where there is none of that number.
func (r *record) at(number int64) *version {
	if number < 1 || number > int64(len(r.versions)) {
		return nil
	}
	return &r.versions[number-1]
}

// holds reports whether a write on condition of version number may happen.
func (r *record) holds(number int64) bool {
	if r == nil {
		return number == 0
	}
	if number != 0 {
		return number == int64(len(r.versions))
	}
	for i := range r.versions {
		if !r.versions[i].destroyed {
			return false
		}
	}
	return true
}

// describe is the secret of one version without its payload.
func (r *record) describe(number int64) *store.Secret {
	v := r.at(number)
	return &store.Secret{Form: v.form, Version: number, Time: v.created, Attributes: clone(r.attributes)}
}

func clone(attributes map[string]map[string]string) map[string]map[string]string {
	out := maps.Clone(attributes)
	for protocol, of := range out {
		out[protocol] = maps.Clone(of)
	}
	return out
}

// Check that the store is all that it says it is.
var (
	_ store.Store     = (*Store)(nil)
	_ store.Lister    = (*Store)(nil)
	_ store.Writer    = (*Store)(nil)
	_ store.Versioner = (*Store)(nil)
)
