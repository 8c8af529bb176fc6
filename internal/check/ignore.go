package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/dagscan"
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
var ignoreComment = regexp.MustCompile(`(?:#|//|<!--)[ \t]*airlock:ignore[ \t]+([^\r\n]*)`)

// ignoreReason is where the rules of a comment end and its reason begins.
var ignoreReason = regexp.MustCompile(`-->|[:(]|[ \t]-+[ \t]`)

var ignoreWord = regexp.MustCompile(`[^,\s]+`)

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

// silences tells whether the comment is about a finding: one of its line, of
// the line below it, or of the statement that begins there.
func (i ignore) silences(f Finding, first int) bool {
	if i.file != f.File || !slices.ContainsFunc(i.rules, func(r ignoredRule) bool { return r.id == f.Rule }) {
		return false
	}
	return i.line == f.Line || i.line == first || i.before && (i.line+1 == f.Line || i.line+1 == first)
}

// withoutIgnored leaves out what comments silence.
func withoutIgnored(p *project.Project, dags *dagscan.Result, found []Finding) []Finding {
	all := ignores(p, dags)
	if len(all) == 0 {
		return found
	}
	return slices.DeleteFunc(found, func(f Finding) bool {
		first := statementLine(p, f)
		return slices.ContainsFunc(all, func(i ignore) bool { return i.silences(f, first) })
	})
}

// statementLine is the line on which the statement begins that a finding is
// within: a value may have several lines, none of which can hold a comment.
func statementLine(p *project.Project, f Finding) int {
	if f.Span.File == nil {
		return f.Line
	}
	first := f.Line
	within := func(s project.Span) {
		if s.File == f.Span.File && s.Start <= f.Span.Start && f.Span.Start < s.End {
			if line, _ := s.Position(); line < first {
				first = line
			}
		}
	}
	for _, env := range p.Environments {
		for _, s := range env.Settings {
			within(s.Whole)
		}
	}
	for i := range p.Commands {
		within(p.Commands[i].Span)
	}
	return first
}
