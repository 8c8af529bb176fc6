package check

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func lineRules() []Rule {
	return []Rule{
		{
			ID: placeholder, Severity: Error, Title: "a placeholder is left in",
			Why:     "A guide writes <your-vault-url> where one's own value belongs.",
			Airflow: "The placeholder is used as it stands: where it is no JSON, " + kwargsNotUsed + "; else it is used as the address, the name or the credential that it stands for.",
			Find:    findPlaceholders,
		},
		{
			ID: commentOnLine, Severity: Error, Title: "a comment stands on the line of a value",
			Why:     "A Dockerfile's comments start a line, and so do those of airflow.cfg; the process environment has none. What follows a value is a part of it, or more of the instruction.",
			Airflow: "docker build refuses an ENV line whose comment is read as further NAME=value pairs. Where the comment becomes a part of the value, a class cannot be loaded (" + classNotLoaded + "), and for kwargs " + kwargsNotUsed + ".",
			Find:    findComments,
		},
		{
			ID: refusedLine, Severity: Error, Title: "a line is refused by the program that it is for",
			Why:  "docker, docker compose or Airflow stops at this line, or passes over it: what it sets is not set.",
			Find: func(*Subject, Report) {}, // the readers find it
		},
	}
}

// angled is a placeholder as guides write it.
var angled = lazyregexp.New(`<[A-Za-z][A-Za-z0-9 _.'/-]{0,58}>`)

// standIn is a value that stands in for another.
var standIn = lazyregexp.New(`^(?i:your[-_][a-z][a-z_-]*|change[-_]?me|replace[-_]?me|todo|x{4,})$`)

func findPlaceholders(s *Subject, report Report) {
	for _, p := range settings(s) {
		if !p.Known || !concerns(p.Name) {
			continue
		}
		if strings.HasPrefix(p.Name, "AIRFLOW_VAR_") && !strings.HasPrefix(p.Value, "<your") {
			continue
		}
		for _, at := range placeholders(p.Value) {
			name := called(p.Setting)
			airflow := "It is used as it stands, in place of what it stands for."
			if b := backendOf(s, p.Setting); b != nil && s.mistake(b) == placeholder {
				airflow = consequence(b)
			}
			if kwarg := kwargAt(p.Value, at[0]); kwarg != "" && slices.Contains(kwargsNames, p.Name) {
				name = "the kwarg " + kwarg
			}
			report(Finding{Span: p.Of(at[0], at[1]), Message: "a placeholder is left in " + name, Airflow: airflow, Fix: replaceIt(name)})
		}
	}
	for i := range s.Project.Commands {
		c := &s.Project.Commands[i]
		if c.Span.File == nil || c.Span.File.Kind != project.Script || len(c.Words) == 0 || !slices.Contains(storeTools, c.Words[0].Text) {
			continue
		}
		if at := angled.FindStringIndex(c.Span.Text()); at != nil {
			report(Finding{Span: project.Span{File: c.Span.File, Start: c.Span.Start + at[0], End: c.Span.Start + at[1]}, Severity: Warning,
				Message: "a placeholder is left in a command", Airflow: "Airflow does not see it: the shell reads < and > as redirections.", Fix: replaceIt("the command")})
		}
	}
	findOpenIDs(s, report)
}

// findOpenIDs reports the placeholders that DAGs ask for.
func findOpenIDs(s *Subject, report Report) {
	if s.DAGs == nil {
		return
	}
	for _, u := range s.DAGs.Uses {
		if angled.MatchString(u.ID) {
			report(Finding{File: u.Place.File, Line: u.Place.Line, Column: u.Place.Column, Message: "a placeholder is left in the id of a " + string(u.Kind),
				Airflow: "Airflow asks every layer for the id as it stands, and none has it.", Fix: "write the id of a " + string(u.Kind) + " that there is"})
		}
	}
}

// backendOf is the backend whose kwargs a setting holds; nil for another.
func backendOf(s *Subject, one *project.Setting) *Backend {
	for _, b := range s.Backends {
		if b.Kwargs == one {
			return b
		}
	}
	return nil
}

// storeTools are the commands that write to a store.
var storeTools = []string{"vault", "bao", "aws", "gcloud", "az", "astro", "kubectl"}

func replaceIt(name string) string {
	if name == "the kwarg gcp_keyfile_dict" {
		return "put the content of the key file there, an object without quotes around it, on one line"
	}
	return "put your own value into " + name
}

// placeholders are those of a value.
func placeholders(value string) [][]int {
	if standIn.MatchString(value) {
		return [][]int{{0, len(value)}}
	}
	all := angled.FindAllStringIndex(value, -1)
	for _, at := range jsonText.FindAllStringSubmatchIndex(value, -1) {
		if standIn.MatchString(value[at[2]:at[3]]) {
			all = append(all, []int{at[2], at[3]})
		}
	}
	return all
}

// jsonText is a member of an object that is a plain text.
var jsonText = lazyregexp.New(`:\s*"([^"\\]*)"`)

// jsonName is the name of a member.
var jsonName = lazyregexp.New(`"([A-Za-z_][A-Za-z0-9_]*)"\s*:`)

// kwargAt is the member of an object that a byte of its text is within.
func kwargAt(text string, at int) string {
	name := ""
	for _, m := range jsonName.FindAllStringSubmatchIndex(text[:at], -1) {
		name = text[m[2]:m[3]]
	}
	return name
}

// tail is where a comment begins, with the blanks before it; -1 where there
// is none.
func tail(value string) int {
	at := comment.FindStringIndex(value)
	if at == nil {
		return -1
	}
	return at[0]
}

// comment follows what may be the end of a class or of an object.
var comment = lazyregexp.New(`[ \t]+#[^"{}]*$`)

func findComments(s *Subject, report Report) {
	for _, b := range broken(s, commentOnLine) {
		report(commentFinding(b.Kwargs, "the comment after the kwargs is a part of them", consequence(b)))
	}
	for _, p := range settings(s) {
		if !p.Known || tail(p.Value) < 0 {
			continue
		}
		switch {
		case slices.Contains(classNames, p.Name):
			report(commentFinding(p.Setting, "the comment after the class is a part of its path",
				"The path cannot be loaded: Airflow raises AirflowConfigException (The object could not be loaded. ...) and does not start"))
		case isCloud(p.Name), isKwarg(p.Name):
			report(commentFinding(p.Setting, "the comment after "+called(p.Setting)+" is a part of its value", "The value is used with the comment"))
		}
	}
}

func commentFinding(s *project.Setting, message, airflow string) Finding {
	at := tail(s.Value)
	if at < 0 { // a variable in the value brings it
		return Finding{Span: s.Text, Message: message, Airflow: airflow, Fix: "take the comment out of the variable that the value names"}
	}
	f := Finding{Span: s.Text, Message: message, Airflow: airflow, Fix: statement(s, s.Value[:at])}
	if s.Exact {
		f.Span = s.Of(strings.IndexByte(s.Value[at:], '#')+at, len(s.Value))
		comment := strings.TrimLeft(s.Value[at:], " \t")
		start := s.Whole.Start
		if kind := s.Text.File.Kind; kind == project.AirflowConfig && !strings.Contains(s.Whole.Text(), "\n") {
			f.Edits = []Edit{{Span: project.Span{File: s.Text.File, Start: start, End: start}, New: comment + "\n"}, {Span: s.Of(at, len(s.Value))}}
		}
	}
	return f
}
