package check

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func shellRules() []Rule {
	return []Rule{
		{
			ID: unquotedJSON, Severity: Error, Title: "a shell takes the quotes out of the kwargs",
			Why:     "A shell, and a Dockerfile's ENV, take double quotes for their own, and a shell cuts at blanks. Only single quotes around the whole object keep it as it is.",
			Airflow: "What is left is not JSON: " + kwargsNotUsed + ".",
			Find:    findUnquotedJSON,
		},
		{
			ID: unfilled, Severity: Error, Title: "a variable in the kwargs is not filled in",
			Why: "Between single quotes neither a shell nor docker compose fills in $NAME. Airflow itself does, with what its own environment has, but it puts no double quotes around the value: " +
				"they must stand in the JSON. A $NAME that the environment does not have stays as it is.",
			Airflow: "Outside of double quotes $NAME is not JSON, filled in or not: " + kwargsNotUsed + ". Within them, and not set, the text $NAME itself is the kwarg.",
			Find:    findUnfilled,
		},
	}
}

// lostQuotes tells whether text is an object whose double quotes are gone.
func lostQuotes(text string) bool {
	return bareObject.MatchString(strings.TrimSpace(text)) && !strings.Contains(text, `"`)
}

var bareObject = lazyregexp.New(`^\{\s*[A-Za-z_][A-Za-z0-9_]*\s*(:|$)`)

func findUnquotedJSON(s *Subject, report Report) {
	for _, b := range broken(s, unquotedJSON) {
		if isProgram(b.Kwargs) {
			continue // the command itself is looked at below
		}
		f := Finding{Span: b.Kwargs.Text, Message: "the double quotes of the kwargs are lost: put single quotes around the whole object", Airflow: consequence(b)}
		raw := strings.TrimSpace(b.Kwargs.Text.Text())
		if decodes(raw) {
			f.Fix = statement(b.Kwargs, raw)
			if !strings.Contains(raw, "'") && b.Kwargs.Text.File.Kind == project.Dockerfile {
				f.Edits = []Edit{{Span: b.Kwargs.Text, New: "'" + raw + "'"}}
			}
		}
		report(f)
	}
	for _, w := range kwargsWords(s) {
		if object, at := w.object(); object != "" && !decodes(w.value) && (lostQuotes(w.value) || !w.word.Quoted || strings.HasPrefix(w.raw, `"`)) {
			report(w.finding(object, at))
		}
	}
}

// kwargsWord is NAME=kwargs in a command.
type kwargsWord struct {
	command *project.Command
	word    project.Word
	name    string
	// value is what the command gets, raw what stands in the file from the
	// value on to the end of the command; start is where.
	value, raw string
	start      int
}

// kwargsWords lists the words of commands that set a backend's kwargs.
func kwargsWords(s *Subject) []kwargsWord {
	var list []kwargsWord
	for i := range s.Project.Commands {
		c := &s.Project.Commands[i]
		seen := map[int]bool{}
		for _, w := range slices.Concat(c.Assigns, c.Words) {
			name, value, ok := strings.Cut(w.Text, "=")
			at := strings.IndexByte(w.Span.Text(), '=')
			if !ok || at < 0 || !slices.Contains(kwargsNames, name) || seen[w.Span.Start] || c.Span.File == nil {
				continue
			}
			seen[w.Span.Start] = true
			start := w.Span.Start + at + 1
			raw := c.Span.File.Text[start:max(start, c.Span.End)]
			list = append(list, kwargsWord{command: c, word: w, name: name, value: value, raw: raw, start: start})
		}
	}
	return list
}

// object is the JSON object that the writer meant, as it stands in the file
// without the quotes of the shell, and where it ends in raw; "" where there is
// none.
func (w kwargsWord) object() (object string, end int) {
	raw := w.raw
	quote := strings.HasPrefix(raw, `"`)
	if quote {
		raw = raw[1:]
	}
	if !strings.HasPrefix(raw, "{") {
		return "", 0
	}
	depth, inText := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
		if depth == 0 && !inText {
			if !decodes(raw[:i+1]) {
				return "", 0
			}
			if end = i + 1; quote {
				if !strings.HasPrefix(raw[end:], `"`) {
					return "", 0
				}
				end += 2
			}
			return raw[:i+1], end
		}
	}
	return "", 0
}

func (w kwargsWord) finding(object string, end int) Finding {
	span := project.Span{File: w.command.Span.File, Start: w.start, End: w.start + end}
	like := project.Setting{Name: w.name, Key: project.Span{File: &project.File{Kind: project.Script}}}
	f := Finding{Span: span, Message: "the shell takes the double quotes out of the kwargs: put single quotes around the whole object", Fix: statement(&like, object)}
	if !strings.Contains(object, "'") {
		f.Edits = []Edit{{Span: span, New: "'" + object + "'"}}
	}
	return f
}

// dollar is a variable as Airflow fills it in (os.path.expandvars).
var dollar = lazyregexp.New(`\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)

// unfilledAt is where a $NAME ends the JSON of a backend's kwargs as they are
// written; -1 where none does.
func unfilledAt(b *Backend) int { return dollarEnds(b.Kwargs.Value) }

func dollarEnds(text string) int {
	_, err := pyjson.Decode(text)
	e, ok := err.(*pyjson.Error)
	if !ok || e.Byte >= len(text) || text[e.Byte] != '$' || dollar.FindStringIndex(text[e.Byte:]) == nil {
		return -1
	}
	return e.Byte
}

func findUnfilled(s *Subject, report Report) {
	for _, b := range broken(s, unfilled) {
		if isProgram(b.Kwargs) {
			continue // the command itself is looked at below
		}
		at := unfilledAt(b)
		name := dollar.FindString(b.Kwargs.Value[at:])
		f := Finding{Span: b.Kwargs.Of(at, at+len(name)), Message: name + " stands in the kwargs without double quotes, and is not JSON", Airflow: consequence(b),
			Fix: `"` + name + `"`}
		if quoted := apply(b.Kwargs.Value, []change{{at, at + len(name), `"` + name + `"`}}); decodes(quoted) {
			f.Edits = editsOf(b.Kwargs, []change{{at, at + len(name), `"` + name + `"`}})
		}
		report(f)
	}
	for _, b := range s.Backends {
		if b.Kwargs != nil && b.Kwargs.Known && b.Warning == nil {
			findUnset(b, report)
		}
	}
	for _, w := range kwargsWords(s) {
		at := dollarEnds(w.value)
		if at < 0 || w.word.Expands {
			continue
		}
		name := dollar.FindString(w.value[at:])
		span := w.word.Span
		if i := strings.Index(span.Text(), name); i >= 0 {
			span.Start, span.End = span.Start+i, span.Start+i+len(name)
		}
		report(Finding{Span: span, Message: "the single quotes keep the shell from filling in " + name + ", and as it stands it is not JSON",
			Fix: `'"$` + strings.Trim(name, "${}") + `"'`})
	}
}

// findUnset finds variables within double quotes that nothing sets.
func findUnset(b *Backend, report Report) {
	text := b.Kwargs.Value
	for _, at := range dollar.FindAllStringIndex(text, -1) {
		name := strings.Trim(text[at[0]:at[1]], "${}")
		if b.Environment.Lookup(name) != nil || !looksLikeVariable(name) {
			continue
		}
		report(Finding{Span: b.Kwargs.Of(at[0], at[1]), Severity: Warning,
			Message: "nothing here sets " + name + ", which the kwargs name",
			Airflow: "Airflow fills in $" + name + " where its environment has it. Where it does not, the kwarg is the text itself.",
			Fix:     name + "=<value>"})
	}
}

// looksLikeVariable tells a variable from a password with a dollar sign in it.
func looksLikeVariable(name string) bool {
	return len(name) > 2 && strings.ToUpper(name) == name && strings.Contains(name, "_")
}
