package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/spelling"
)

// The ids of the rules about reading itself.
const (
	unreadable    = "unreadable"
	unchecked     = "unchecked"
	unknownIgnore = "unknown-ignore"
)

// livePrefix is how the ids of rules begin that ask the stores: this package
// does not know them.
const livePrefix = "live-"

func readingRules() []Rule {
	return []Rule{
		{
			ID: unreadable, Severity: Warning, Title: "a file could not be read, or not as what it is",
			Why: "What stands in a file that cannot be read, or that breaks the rules of its format, is not checked, and the program that it is meant for will most likely refuse it too.",
			Find: func(s *Subject, report Report) {
				for _, problem := range s.Project.Problems {
					if problem.Rule == "" {
						report(ofProblem(problem))
					}
				}
			},
		},
		{
			ID: unchecked, Severity: Error, Title: "a file was not looked at, because a check would take too long",
			Why: "One check reads at most 128 MiB of 20,000 files, and does a bounded amount of work for the DAGs and for each of them. " +
				"What is left when that is used up is not checked, so the check is not complete.",
			Find: findUnchecked,
		},
		{
			ID: unknownIgnore, Severity: Note, Title: "a comment silences a rule that does not exist",
			Why:  "The id in an airlock:ignore comment is none of a rule: it is misspelt, or the rule is gone. The comment silences nothing.",
			Find: findUnknownIgnores,
		},
	}
}

// findUnchecked reports the DAGs that are left. More than a screen holds are
// counted.
func findUnchecked(s *Subject, report Report) {
	const most = 100
	all := smells(s, dagscan.Unfinished)
	for _, smell := range all[:min(len(all), most)] {
		f := at(smell.Place, "this file was not looked at to its end: "+smell.Text)
		f.Fix = "check a smaller folder, or the rest by itself"
		report(f)
	}
	if len(all) > most {
		report(Finding{Message: fmt.Sprintf("%d more files were not looked at, from %s on", len(all)-most, excerpt.Name(all[most].Place.File))})
	}
}

func ofProblem(p project.Problem) Finding {
	return Finding{Span: p.Span, Message: p.Text, Fix: p.Hint}
}

// problems reports what the readers found, each under the rule that it
// amounts to.
func problems(p *project.Project, rules []Rule) []Finding {
	var found []Finding
	for _, problem := range p.Problems {
		if problem.Rule == "" {
			continue
		}
		at := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == problem.Rule })
		if at < 0 {
			at = slices.IndexFunc(rules, func(r Rule) bool { return r.ID == unreadable })
		}
		found = append(found, complete(ofProblem(problem), rules[at]))
	}
	return found
}

func findUnknownIgnores(s *Subject, report Report) {
	rules := Rules()
	for _, comment := range ignores(s.Project, s.DAGs) {
		for _, name := range comment.rules {
			known := slices.ContainsFunc(rules, func(r Rule) bool { return r.ID == name.id })
			if known || strings.HasPrefix(name.id, livePrefix) {
				continue
			}
			f := Finding{Span: name.span, File: comment.file, Line: name.line, Column: name.column,
				Message: "no rule is called so: " + excerpt.Near(name.id, ruleIDs(rules))}
			if near := nearestRule(name.id, rules); near != "" {
				f.Fix = "airlock:ignore " + near
			}
			report(f)
		}
	}
}

func ruleIDs(rules []Rule) []string {
	ids := make([]string, len(rules))
	for i, r := range rules {
		ids[i] = r.ID
	}
	return ids
}

// nearestRule is the rule that was probably meant; "" where none is near.
func nearestRule(id string, rules []Rule) string {
	const far, most = 3, 60
	best, near := far+1, ""
	if len(id) > most {
		return ""
	}
	for _, r := range rules {
		if d := spelling.Distance(id, r.ID); d < best {
			best, near = d, r.ID
		}
	}
	return near
}
