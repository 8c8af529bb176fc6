package check

import (
	"errors"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/config"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

func airlockRules() []Rule {
	return []Rule{{
		ID: "airlock-config", Severity: Error, Title: "airlock.yaml is not right",
		Why:  "What `airlock config validate` finds without constructing anything: unknown keys, values of the wrong type, sources that Airflow's class would refuse, and keys that count only in a file that `--config` names.",
		Find: findAirlock,
	}}
}

func findAirlock(s *Subject, report Report) {
	for _, f := range s.Project.Files {
		if f.Kind == project.AirlockConfig {
			findInAirlock(s.Project, f, report)
		}
	}
}

func findInAirlock(p *project.Project, f *project.File, report Report) {
	path, load := filepath.Join(p.Dir, filepath.FromSlash(f.Path)), config.LoadOwn
	if path == p.Config {
		load = config.Load
	}
	read, err := load(path, f.Path, expander(p))
	var bad config.Problems
	if err != nil && !errors.As(err, &bad) {
		report(Finding{Span: project.Span{File: f}, Message: "airlock does not read the file: " + err.Error(), Fix: store.Hint(err)})
		return
	}
	for _, warning := range read.Warnings {
		report(Finding{Span: project.Span{File: f}, Severity: Warning, Message: warning, Fix: "chmod 600 " + quotedPath(f.Path)})
	}
	for i := range read.Sources {
		if err := refusedSource(&read.Sources[i]); err != nil {
			bad = append(bad, read.ProblemOf(i, err))
		}
	}
	for _, problem := range bad {
		message := problem.Text
		if problem.Path != "" {
			message = problem.Path + ": " + message
		}
		severity := Error
		if problem.Unnamed && f.Path != config.FileName { // it may be there to be named
			severity = Warning
		}
		report(Finding{Span: position(f, problem.Position), Severity: severity, Message: message, Fix: problem.Hint})
	}
}

// refusedSource is why Airflow's class refuses a source that is well written.
func refusedSource(s *config.Source) error {
	if !s.Valid() || s.Class == "" {
		return nil
	}
	found, err := stores.Known().Find(s.Class)
	if err != nil || found.Row.Check == nil {
		return err
	}
	verdict := found.Row.Check(s.Kwargs.Object().Clone(), stores.Env{Getenv: anyToken})
	if verdict.Raised != nil {
		return verdict.Raised
	}
	return verdict.Broken
}

// anyToken stands for an environment that may hold a token.
func anyToken(name string) (string, bool) { return "unknown", name == "VAULT_TOKEN" }

// expander fills in the variables that the project itself sets.
func expander(p *project.Project) func(string) (string, error) {
	return func(text string) (string, error) {
		return airflow.ExpandVars(text, func(name string) (string, bool) {
			for _, env := range p.Environments {
				if s := env.Lookup(name); s != nil && s.Known {
					return s.Value, true
				}
			}
			return "", false
		}, nil)
	}
}

// position is a place in a file, whose columns count characters.
func position(f *project.File, at config.Position) project.Span {
	start := 0
	for range at.Line - 1 {
		i := strings.IndexByte(f.Text[start:], '\n')
		if i < 0 {
			break
		}
		start += i + 1
	}
	for range at.Column - 1 {
		if start >= len(f.Text) || f.Text[start] == '\n' {
			break
		}
		_, size := utf8.DecodeRuneInString(f.Text[start:])
		start += size
	}
	return project.Span{File: f, Start: start, End: start}
}
