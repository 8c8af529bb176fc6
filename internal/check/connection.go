package check

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/connlint"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

// notDefined is how a connection ends that Airflow cannot read.
const notDefined = "The backend that holds it fails, which Airflow logs at debug level only; the next layer is asked, and where none has it, " +
	"a task fails with AirflowNotFoundException: The conn_id `ID` isn't defined"

func connectionRules() []Rule { return slices.Concat(uriRules(), objectRules(), newlineRules()) }

func uriRules() []Rule {
	return []Rule{{
		ID: string(connlint.NotEncoded), Severity: Error, Title: "a connection URI has a character that ends a part of it too early",
		Why: "In a URI / ? # end the host, [ ] enclose an address, and :// begins it. In a login, a password or a query value they are " +
			"written %2F %3F %23 %5B %5D and %3A%2F%2F.",
		Airflow: "Airflow splits the URI at that character. " + notDefined + "; or it reads, without a word, other fields than were meant.",
		Find:    ofCode(connlint.NotEncoded),
	}, {
		ID: string(connlint.Underscore), Severity: Error, Title: "the type of a connection URI has an underscore",
		Why:     "The scheme of a URI has no underscore. Airflow writes it as a dash and reads the dash as an underscore.",
		Airflow: "Airflow finds no scheme: the connection has an empty type, the name without its first letter is its schema, and a hook that is looked up by type fails with 'Unknown hook type \"\"'.",
		Find:    ofCode(connlint.Underscore),
	}, {
		ID: string(connlint.NoType), Severity: Error, Title: "a connection is neither a JSON object nor a URI with a type",
		Why:     "A connection is a JSON object, or a URI that begins with its type: type://login:password@host:port/schema.",
		Airflow: "Airflow takes the text for a URI and reads a wrong type or none; a hook that is looked up by type fails with 'Unknown hook type'.",
		Find:    ofCode(connlint.NoType),
	}, {
		ID: string(connlint.PartLost), Severity: Warning, Title: "a part of a connection URI gets lost",
		Why:     "A connection has no fragment: what follows a # belongs to none of its fields.",
		Airflow: "Airflow drops everything from the # on and reads the rest.",
		Find:    ofCode(connlint.PartLost),
	}, {
		ID: string(connlint.ForeignPort), Severity: Warning, Title: "a connection has the usual port of another system",
		Why:     "Examples of URIs end in :5432, which is PostgreSQL's port. Other types have others, and some have none.",
		Airflow: "Airflow hands the port to the hook as it is, and the hook uses it in place of its own default.",
		Find:    findForeignPorts,
	}}
}

func objectRules() []Rule {
	return []Rule{{
		ID: string(connlint.BadJSON), Severity: Error, Title: "a connection begins like a JSON object and is none",
		Why:     "A text that begins with { is read as JSON: double quotes only, null, true and false, no comma after the last member.",
		Airflow: "Connection.from_json raises JSONDecodeError. " + notDefined + ".",
		Find:    ofCode(connlint.BadJSON),
	}, {
		ID: string(connlint.BadFields), Severity: Error, Title: "a connection's JSON has names that Airflow does not know, or no type",
		Why: "The members are conn_type, description, host, login, password, schema, port and extra. Only the Secrets Manager backend takes " +
			"other names, such as user, pass, database and engine, and it drops what it does not know; the dbname that RDS writes is not among them.",
		Airflow: "An unknown name raises TypeError: Connection.__attrs_init__() got an unexpected keyword argument. " + notDefined +
			". The Secrets Manager backend drops it instead. Without conn_type the connection has no type, and a hook that is looked up by it fails with 'Unknown hook type \"None\"'.",
		Find: ofCode(connlint.BadFields),
	}, {
		ID: string(connlint.BadExtra), Severity: Error, Title: "the extra field of a connection is no JSON object",
		Why:     "extra is a JSON object, or the text of one. Hooks look for names in it.",
		Airflow: "A task gets the connection and finds none of the names in extra; the scheduler and the API server raise ValueError for an extra that is no JSON object and pass the connection over.",
		Find:    ofCode(connlint.BadExtra),
	}, {
		ID: string(connlint.Whitespace), Severity: Warning, Title: "a line break or tab stands in the middle of a connection URI",
		Why:     "A URI has neither: written %0A and %09 they belong to a value, else they should not be there.",
		Airflow: "Airflow takes tabs and line breaks out wherever they stand: a password that has one loses it.",
		Find:    ofCode(connlint.Whitespace),
	}}
}

// connText is the text of one connection in the project.
type connText struct {
	entry *project.Entry
	// text has a word in place of each <placeholder>, byte for byte as long.
	text string
	// raw is what stands there.
	raw string
	// span is where it stands, exact whether byte for byte.
	span  project.Span
	exact bool
	// service is the store that a command writes it to.
	service string
	// linted is what is wrong with it, nil until a rule asks.
	linted *connlint.Report
}

func (c *connText) lint() *connlint.Report {
	if c.linted == nil {
		c.linted = connlint.Lint(c.text, connlint.Options{ID: c.entry.ID, Service: c.service})
	}
	return c.linted
}

// filledLater is a placeholder.
var filledLater = lazyregexp.New(`<[^<>\s"']+>`)

// connTexts are the connections whose text is in the project.
func connTexts(s *Subject) []*connText {
	return remember(&s.known.connections, func() []*connText { return connTextsOf(s) })
}

func connTextsOf(s *Subject) []*connText {
	var all []*connText
	names := namings(s)
	for i := range s.Project.Entries {
		e := &s.Project.Entries[i]
		if e.Store == "" && e.Kind != airflow.KindConnection || !e.Known {
			continue
		}
		c := &connText{entry: e, raw: e.Text, span: e.Span, service: e.Store}
		switch {
		case e.Text != "":
		case e.Fields["conn_uri"] != "":
			c.raw = e.Fields["conn_uri"]
			c.span = wordOf(e, "conn_uri")
		case e.Fields != nil:
			c.raw = fieldText(e)
		}
		if c.raw == "" || e.Store != "" && !holdsConnection(names, e) || strings.ContainsAny(c.raw[:1], `"'`) {
			continue
		}
		c.text = filledLater.ReplaceAllStringFunc(c.raw, word)
		if strings.Trim(c.text, "x") == "" {
			continue
		}
		c.locate()
		all = append(all, c)
	}
	return all
}

// word stands for a placeholder.
func word(placeholder string) string { return strings.Repeat("x", len(placeholder)) }

// locate finds the text in its span, which may have quotes around it.
func (c *connText) locate() {
	if i := strings.Index(c.span.Text(), c.raw); i >= 0 {
		c.exact = true
		c.span.Start += i
		c.span.End = c.span.Start + len(c.raw)
	}
}

// at is where bytes from to end of the text stand; all of it where that cannot
// be told.
func (c *connText) at(from, end int) project.Span {
	if !c.exact || end > len(c.raw) {
		return c.span
	}
	return project.Span{File: c.span.File, Start: c.span.Start + from, End: c.span.Start + end}
}

// about is where a problem stands. Where the text is made of separate fields,
// it is the field that the problem is about.
func (c *connText) about(p connlint.Problem) project.Span {
	if c.entry.Text != "" || c.exact || c.entry.Fields["conn_uri"] != "" {
		return c.at(p.From, p.End)
	}
	name := strings.Trim(c.text[p.From:p.End], `"`)
	switch p.Code {
	case connlint.BadExtra:
		name = "extra"
	case connlint.ForeignPort:
		name = "port"
	}
	if c.entry.Command != nil {
		return wordOf(c.entry, name)
	}
	key := regexp.MustCompile(`(?:^|[\s{,"'])((?:conn_)?` + regexp.QuoteMeta(name) + `)["']?[ \t]*:`)
	if m := key.FindStringSubmatchIndex(c.span.Text()); m != nil {
		return project.Span{File: c.span.File, Start: c.span.Start + m[2], End: c.span.Start + m[3]}
	}
	return c.span
}

// wordOf is the word of a command that sets a field of a secret.
func wordOf(e *project.Entry, field string) project.Span {
	if e.Command != nil {
		for _, w := range e.Command.Words {
			if strings.HasPrefix(w.Text, field+"=") {
				return w.Span
			}
		}
	}
	return e.Span
}

// connFields are the fields of a connection.
var connFields = []string{"conn_type", "description", "host", "login", "password", "schema", "port", "extra"}

// extraObject is an extra that is an object of its own, not the text of one.
var extraObject = lazyregexp.New(`extra["']?[ \t]*:[ \t]*(?:#[^\n]*)?(?:\{|\r?\n[ \t]+[A-Za-z_"'][^\n:]*:)`)

// fieldText is the JSON that Airflow makes of separate fields; empty where
// they are not those of a connection.
func fieldText(e *project.Entry) string {
	o := pyjson.NewObject()
	names := make([]string, 0, len(e.Fields))
	for name := range e.Fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		value := e.Fields[name]
		switch {
		case e.Store == "" && !slices.Contains(connFields, name):
		case e.Store == "" && name == "extra" && extraObject.MatchString(e.Span.Text()):
		case value != "" || e.Store != "":
			o.Set(name, value)
		}
	}
	if _, ok := o.Get("conn_type"); !ok {
		return ""
	}
	return pyjson.Encode(o)
}

// holdsConnection tells whether what a command writes is a connection.
func holdsConnection(names []*naming, e *project.Entry) bool {
	if e.Fields["conn_uri"] != "" || e.Fields["conn_type"] != "" {
		return true
	}
	known := false
	for _, n := range names {
		if n.Row.Service != e.Store {
			continue
		}
		known = true
		for _, ref := range n.refs(e.Remote) {
			if ref.Kind == airflow.KindConnection {
				return true
			}
		}
	}
	return !known && strings.Contains(e.Remote, "connections")
}

// name is what a connection is called in a message.
func (c *connText) name() string {
	return fmt.Sprintf("connection %q", excerpt.Name(cmp.Or(c.entry.ID, c.entry.Remote)))
}

// ofCode finds the problems of one sort that are more than a remark.
func ofCode(code connlint.Code) func(*Subject, Report) {
	return func(s *Subject, report Report) {
		for _, c := range connTexts(s) {
			r := c.lint()
			var list []connlint.Problem
			for _, p := range r.Problems {
				if p.Code == code && p.Severity != connlint.Note {
					list = append(list, p)
				}
			}
			if len(list) > 0 {
				report(c.finding(r, list))
			}
		}
	}
}

// finding makes one of all problems of a sort.
func (c *connText) finding(r *connlint.Report, list []connlint.Problem) Finding {
	p := list[0]
	f := Finding{Span: c.about(p), Severity: Severity(p.Severity), Message: c.name() + ": " + p.Message, Airflow: p.Airflow + "."}
	if len(list) > 1 {
		f.Message += fmt.Sprintf(" (and %d more)", len(list)-1)
	}
	if p.Code == connlint.NotEncoded {
		if raised := new(airflow.Error); errors.As(r.WorkerErr, &raised) {
			f.Airflow = "Airflow raises " + raised.Type + " while it reads the URI. " + notDefined + "."
		} else if p.Severity == connlint.Error {
			f.Airflow = "Airflow reads other fields than were meant, without a word: the hook gets a wrong host, port, password or schema."
		}
	}
	if r.Suggestion == "" || !slices.ContainsFunc(list, func(p connlint.Problem) bool { return p.Mends }) {
		return f
	}
	if shown := r.MaskedSuggestion(); !strings.ContainsAny(shown, "\r\n") && c.raw == c.text {
		f.Fix = "write " + shown
	}
	if !c.exact || c.span.File.Kind == project.Process || p.Code == connlint.PartLost {
		return f // what follows a # may be meant or left over: only a person knows
	}
	for _, p := range list {
		if p.Mends {
			f.Edits = append(f.Edits, Edit{Span: c.at(p.From, p.End), New: p.Write})
		}
	}
	return f
}

// examplePort is a port after a placeholder of a URI whose type is one too.
var examplePort = lazyregexp.New(`^<[^<>]+>://.*@<[^<>]+>:(5432)(?:/|\?|$)`)

// findForeignPorts also finds the example that has a placeholder for the type
// and PostgreSQL's port all the same.
func findForeignPorts(s *Subject, report Report) {
	ofCode(connlint.ForeignPort)(s, report)
	for _, c := range connTexts(s) {
		if at := examplePort.FindStringSubmatchIndex(c.raw); at != nil {
			report(Finding{Span: c.at(at[2], at[3]), Severity: Note,
				Message: c.name() + ": port 5432 is PostgreSQL's, whatever type is filled in",
				Fix:     "write the port of the type that is filled in, or none"})
		}
	}
}
