package check

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/project"
)

func astroShellRules() []Rule {
	return []Rule{{
		ID: "astro-shell-quote", Severity: Error, Title: "a text in airflow_settings.yaml breaks out of the command that the astro CLI runs",
		Why: "The astro CLI of early 2026 and before stores each item with a command in the container: bash -c \"airflow variables set NAME 'VALUE'\", and likewise for connections and pools. " +
			"A ' in a text ends the quote, the names of variables and pools have none: bash runs what follows, or fails and nothing is stored. " +
			"The text is then in the list of processes, too. Later versions ask Airflow's REST API instead.",
		Find: findShellQuotes,
	}}
}

// settingsLists are the lists of airflow_settings.yaml, the field that names an
// item of each and the others that go into the command. A name that bare is set
// for stands there outside of quotes.
var settingsLists = []struct {
	list, what, name string
	bare             bool
	fields           []string
}{
	{"variables", "variable", "variable_name", true, []string{"variable_value"}},
	{"connections", "connection", "conn_id", false,
		[]string{"conn_type", "conn_host", "conn_login", "conn_password", "conn_schema", "conn_uri", "conn_extra"}},
	{"pools", "pool", "pool_name", true, []string{"pool_description"}},
}

func findShellQuotes(s *Subject, report Report) {
	for _, f := range s.Project.Files {
		var document yaml.Node
		if f.Kind != project.AstroSettings || yaml.Unmarshal([]byte(f.Text), &document) != nil || len(document.Content) == 0 {
			continue
		}
		settings := member(document.Content[0], "airflow")
		for _, l := range settingsLists {
			list := member(settings, l.list)
			if list == nil || list.Kind != yaml.SequenceNode {
				continue
			}
			for _, item := range list.Content {
				called := ""
				if n := member(item, l.name); n != nil {
					called = fmt.Sprintf("%s %q", l.what, excerpt.Name(n.Value))
				}
				for _, key := range append([]string{l.name}, l.fields...) {
					eachScalar(member(item, key), func(n *yaml.Node) {
						if bad, runs := breaksOut(n.Value, l.bare && key == l.name); bad {
							report(brokenQuote(f, n, called, key, runs))
						}
					})
				}
			}
		}
	}
}

// member is a value of a mapping; nil where there is none.
func member(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, name) {
			return n.Content[i+1]
		}
	}
	return nil
}

// eachScalar goes through the texts of a field. Of aliases it follows those of
// a text, which cannot nest.
func eachScalar(n *yaml.Node, do func(n *yaml.Node)) {
	switch {
	case n == nil:
		return
	case n.Kind == yaml.ScalarNode:
		do(n)
	case n.Kind == yaml.AliasNode && n.Alias.Kind == yaml.ScalarNode:
		do(&yaml.Node{Kind: yaml.AliasNode, Value: n.Alias.Value, Line: n.Line, Column: n.Column})
	}
	for _, inner := range n.Content {
		eachScalar(inner, do)
	}
}

// breaksOut tells whether a text ends the single quotes around it, and whether
// bash then runs a part of it. A bare one has no quotes to end.
func breaksOut(text string, bare bool) (bad, runs bool) {
	quoted := !bare
	for i, c := range text {
		switch {
		case c == '\'':
			quoted, bad = !quoted, true
		case quoted:
		case strings.ContainsRune(";&|\n`", c), c == '$' && strings.HasPrefix(text[i:], "$("), (c == '<' || c == '>') && strings.HasPrefix(text[i+1:], "("):
			return true, true
		}
	}
	return bad, false
}

func brokenQuote(f *project.File, n *yaml.Node, called, key string, runs bool) Finding {
	what := strings.TrimPrefix(called+": "+excerpt.Name(key), ": ")
	finding := Finding{Span: quoteIn(f, n), Severity: Warning, Message: what + " has a ' in it, which ends the quote in the command of an astro CLI of early 2026 or before: bash fails, or another text is stored",
		Fix: "use a later astro CLI, or set it in .env, as AIRFLOW_VAR_NAME or AIRFLOW_CONN_ID"}
	if runs {
		finding.Severity = Error
		finding.Message = what + " is text that bash runs as a command, in the container, with an astro CLI of early 2026 or before"
	}
	return finding
}

// quoteIn is the quotation mark in the text of a node; where it has none, the
// node's first character.
func quoteIn(f *project.File, n *yaml.Node) project.Span {
	start := 0
	for range n.Line - 1 {
		start += strings.IndexByte(f.Text[start:], '\n') + 1
	}
	column := 1
	for i := range f.Text[start:] {
		if column == n.Column {
			start += i
			break
		}
		column++
	}
	from, mark := start, "'"
	if n.Style == yaml.SingleQuotedStyle {
		from, mark = start+1, "''"
	}
	if i := strings.Index(f.Text[from:], mark); n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "'") && i >= 0 {
		return project.Span{File: f, Start: from + i, End: from + i + len(mark)}
	}
	return project.Span{File: f, Start: start, End: start + 1}
}
