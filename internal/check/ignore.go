package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

// ignore is a comment "airlock:ignore RULE, RULE" at one place. What follows a
// colon, a bracket or " - " is its reason.
type ignore struct {
	file string
	// line is where the comment stands; before is set where it silences the
	// line below it too.
	line   int
	before bool
	rules  []ignoredRule
}

// ignoredRule is a rule id as it stands in a comment.
type ignoredRule struct {
	id           string
	span         project.Span
	line, column int
}

// ignoreComment finds the comment: after # or // where the file has such
// comments, or in <!-- -->.
var ignoreComment = lazyregexp.New(`(?:#|//|<!--)[ \t]*airlock:ignore[ \t]+([^\r\n]*)`)

// ignoreReason is where the rules of a comment end and its reason begins.
var ignoreReason = lazyregexp.New(`-->|[:(]|[ \t]-+[ \t]`)

var ignoreWord = lazyregexp.New(`[^,\s]+`)

// ignores lists the comments of all files.
func ignores(p *project.Project, dags *dagscan.Result) []ignore {
	var all []ignore
	for _, f := range p.Files {
		if f.Kind == project.Process || !strings.Contains(f.Text, "airlock:ignore") {
			continue
		}
		for _, at := range ignoreComment.FindAllStringSubmatchIndex(f.Text, -1) {
			one := ignoreAt(f, at[0], at[2], at[3])
			if f.Kind != project.Document || one.before || f.Text[at[0]] == '<' {
				all = append(all, one) // else a document speaks of such comments
			}
		}
	}
	if dags == nil {
		return all
	}
	for _, found := range dags.Ignores {
		one := ignore{file: found.Place.File, line: found.Place.Line, before: true}
		for _, id := range found.Rules {
			one.rules = append(one.rules, ignoredRule{id: id, line: found.Place.Line, column: found.Place.Column})
		}
		all = append(all, one)
	}
	return all
}

// ignoreAt reads the comment that begins at byte comment, and names its rules
// between from and end.
func ignoreAt(f *project.File, comment, from, end int) ignore {
	line, _ := project.Span{File: f, Start: comment}.Position()
	begin := strings.LastIndexByte(f.Text[:comment], '\n') + 1
	one := ignore{file: f.Path, line: line, before: strings.TrimSpace(f.Text[begin:comment]) == ""}
	list := f.Text[from:end]
	if reason := ignoreReason.FindStringIndex(list); reason != nil {
		list = list[:reason[0]]
	}
	for _, word := range ignoreWord.FindAllStringIndex(list, -1) {
		span := project.Span{File: f, Start: from + word[0], End: from + word[1]}
		line, column := span.Position()
		one.rules = append(one.rules, ignoredRule{id: span.Text(), span: span, line: line, column: column})
	}
	return one
}

// silenced are rules at a line of a file.
type silenced struct {
	file string
	line int
	rule string
}

// withoutIgnored leaves out what comments silence: findings of their line, of
// the line below where they stand alone, and of the statement that begins there.
func withoutIgnored(p *project.Project, dags *dagscan.Result, found []Finding) []Finding {
	all := map[silenced]bool{}
	for _, i := range ignores(p, dags) {
		for _, r := range i.rules {
			all[silenced{i.file, i.line, r.id}] = true
			if i.before {
				all[silenced{i.file, i.line + 1, r.id}] = true
			}
		}
	}
	if len(all) == 0 {
		return found
	}
	begin := statementsOf(p)
	return slices.DeleteFunc(found, func(f Finding) bool {
		return all[silenced{f.File, f.Line, f.Rule}] || all[silenced{f.File, begin.line(f), f.Rule}]
	})
}

// statements are the settings and commands of each file, in the order in which
// they begin.
type statements map[*project.File][]statementSpan

// statementSpan begins and ends at bytes; reach is how far this one or one
// before it goes.
type statementSpan struct{ start, reach int }

func statementsOf(p *project.Project) statements {
	all := statements{}
	add := func(s project.Span) {
		if s.File != nil {
			all[s.File] = append(all[s.File], statementSpan{s.Start, s.End})
		}
	}
	for _, env := range p.Environments {
		for _, s := range env.Settings {
			add(s.Whole)
		}
	}
	for i := range p.Commands {
		add(p.Commands[i].Span)
	}
	for _, list := range all {
		slices.SortFunc(list, func(a, b statementSpan) int { return cmp.Compare(a.start, b.start) })
		for i := 1; i < len(list); i++ {
			list[i].reach = max(list[i].reach, list[i-1].reach)
		}
	}
	return all
}

// line is the line on which the statement begins that a finding is within: a
// value may have several lines, none of which can hold a comment.
func (s statements) line(f Finding) int {
	list := s[f.Span.File]
	// The first that goes beyond the place is the outermost around it.
	i, _ := slices.BinarySearchFunc(list, f.Span.Start+1, func(one statementSpan, at int) int { return cmp.Compare(one.reach, at) })
	if f.Span.File == nil || i == len(list) || list[i].start > f.Span.Start {
		return f.Line
	}
	line, _ := project.Span{File: f.Span.File, Start: list[i].start}.Position()
	return min(line, f.Line)
}
