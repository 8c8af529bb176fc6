package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/airlock-secrets/airlock/internal/project"
)

// Change is what the fixes of findings make of one file.
type Change struct {
	File *project.File
	// New is the text that the file gets in place of File.Text.
	New string
	// Findings are those that are fixed, in the order of the file.
	Findings []Finding

	edits []udiff.Edit
}

// Changes gathers the edits of all findings that have some, file by file,
// sorted by path. A finding's edits are made all or none: where one of them
// touches what an earlier finding changes, the finding is left for another
// run.
func Changes(found []Finding) []*Change {
	var all []*Change
	for _, f := range found {
		if !fits(all, f) {
			continue
		}
		for _, e := range f.Edits {
			all = addEdit(all, f, e)
		}
	}
	slices.SortFunc(all, func(a, b *Change) int { return cmp.Compare(a.File.Path, b.File.Path) })
	for _, c := range all {
		slices.SortFunc(c.edits, func(a, b udiff.Edit) int { return cmp.Or(a.Start-b.Start, a.End-b.End) })
		c.New, _ = udiff.Apply(c.File.Text, c.edits) // fits has seen to it that they can be applied
	}
	return all
}

// fits tells whether all edits of a finding can be made beside those that are
// there.
func fits(all []*Change, f Finding) bool {
	for i, e := range f.Edits {
		s := e.Span
		if s.File == nil || s.File.Kind == project.Process || s.Start < 0 || s.Start > s.End || s.End > len(s.File.Text) {
			return false
		}
		for _, other := range f.Edits[:i] {
			if other.Span.File == s.File && touch(other.Span.Start, other.Span.End, s) {
				return false
			}
		}
		for _, c := range all {
			if c.File == s.File && slices.ContainsFunc(c.edits, func(o udiff.Edit) bool {
				return touch(o.Start, o.End, s) && (udiff.Edit{Start: s.Start, End: s.End, New: e.New} != o)
			}) {
				return false
			}
		}
	}
	return len(f.Edits) > 0
}

func touch(start, end int, s project.Span) bool { return start <= s.End && s.Start <= end }

// addEdit adds one edit of a finding. An edit that is there already is shared.
func addEdit(all []*Change, f Finding, e Edit) []*Change {
	at := slices.IndexFunc(all, func(c *Change) bool { return c.File == e.Span.File })
	if at < 0 {
		at, all = len(all), append(all, &Change{File: e.Span.File})
	}
	c, made := all[at], udiff.Edit{Start: e.Span.Start, End: e.Span.End, New: e.New}
	if !slices.Contains(c.edits, made) {
		c.edits = append(c.edits, made)
	}
	if n := len(c.Findings); n == 0 || !same(c.Findings[n-1], f) {
		c.Findings = append(c.Findings, f)
	}
	return all
}

// Diff is the change as a unified diff, with *** in place of whatever may be a
// secret.
func (c *Change) Diff() (string, error) {
	// Lines around a change may be the middle of a value of several lines,
	// in which nothing tells what is secret.
	const context = 0
	text, err := udiff.ToUnified("a/"+c.File.Path, "b/"+c.File.Path, c.File.Text, c.edits, context)
	if err != nil {
		return "", fmt.Errorf("comparing %s: %w", c.File.Path, err)
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if kept := strings.HasPrefix(line, "--- a/") || strings.HasPrefix(line, "+++ b/") || strings.HasPrefix(line, "@@ "); kept {
			b.WriteString(line)
			continue
		}
		b.WriteString(line[:1] + Masked(c.File.Kind, line[1:]))
	}
	return b.String(), nil
}

// showsSecret tells whether the new text of an edit would show what [Masked]
// hides, judged by the lines it stands in.
func showsSecret(e Edit) bool {
	text := e.Span.File.Text
	begin := strings.LastIndexByte(text[:e.Span.Start], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[e.Span.End:], '\n'); i >= 0 {
		end = e.Span.End + i
	}
	from := e.Span.Start - begin
	changed := text[begin:e.Span.Start] + e.New + text[e.Span.End:end]
	at := 0
	for line := range strings.Lines(changed) {
		for _, s := range hidden(e.Span.File.Kind, line) {
			if at+s.start < from+len(e.New) && from < at+s.end {
				return true
			}
		}
		at += len(line)
	}
	return false
}
