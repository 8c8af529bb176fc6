package store

import "context"

// Merger is a Store of objects that can replace one member of a secret and
// keep what else the secret holds.
type Merger interface {
	// Merge makes s, an object of one member, part of what name holds. Where
	// nothing is there, or nothing that may be read, it is Put without
	// options; where another writes in between, the error is Conflict.
	Merge(ctx context.Context, name string, s *Secret) (*Secret, error)
}

// Merge calls s.Merge, or Put where s cannot merge.
func Merge(ctx context.Context, s Store, name string, secret *Secret) (*Secret, error) {
	if m, ok := s.(Merger); ok {
		return m.Merge(ctx, name, secret)
	}
	return Put(ctx, s, name, secret, nil)
}
