package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/store"
)

// Position is a place in the file. Both count from 1; 0 is unknown.
type Position struct{ Line, Column int }

// located is where a mapping of the file and its keys stand.
type located struct {
	self Position
	keys map[string]Position
	bad  bool
}

func (l *located) locate(self Position, keys map[string]Position) { l.self, l.keys = self, keys }
func (l *located) spoil()                                         { l.bad = true }

// At returns where a key stands, or where the mapping begins if it has none.
func (l *located) At(key string) Position {
	if p, ok := l.keys[key]; ok {
		return p
	}
	return l.self
}

// Valid reports whether nothing is wrong with the mapping itself.
func (l *located) Valid() bool { return !l.bad }

// Problem is one thing that is wrong with the file. It holds no value of it.
type Problem struct {
	// File is the path as it was given.
	File string
	Position
	// Path is the key: "sources[0].kwargs"; empty for the whole file.
	Path string
	// Text says what is wrong, Hint what to do about it.
	Text, Hint string
	// Unnamed says that it is right in a file that --config names.
	Unnamed bool
}

// Where is "airlock.yaml:4:5".
func (p *Problem) Where() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Error is "airlock.yaml:4:5: sources[0].clas: unknown key".
func (p *Problem) Error() string {
	if p.Path == "" {
		return p.Where() + ": " + p.Text
	}
	return p.Where() + ": " + p.Path + ": " + p.Text
}

// Unwrap gives a store error of code Invalid with the hint.
func (p *Problem) Unwrap() error {
	return &store.Error{Op: "read settings", Name: p.Where(), Code: store.Invalid, Hint: p.Hint, Err: errors.New(p.Text)}
}

// Problems is all that is wrong with a file, in the order of its lines.
type Problems []*Problem

// Error tells the first and how many more there are.
func (ps Problems) Error() string {
	if len(ps) == 1 {
		return ps[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s (and %d more: `airlock config validate` tells all)", ps[0].Error(), len(ps)-1)
	return b.String()
}

// Sort puts the problems into the order of the file's lines.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Unwrap gives every problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}
