// Package connlint looks at the text of one connection, a URI or a JSON
// object: what its writer meant, what Airflow makes of it, and which characters
// stand in between. It asks nobody and keeps nothing.
package connlint

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/airflow"
)

// Code names one sort of problem. It is the id of the rule that reports it.
type Code string

// The codes.
const (
	NotEncoded   Code = "uri-not-encoded"
	Underscore   Code = "uri-scheme-underscore"
	NoType       Code = "uri-no-type"
	PartLost     Code = "uri-part-lost"
	ForeignPort  Code = "uri-port-of-other-type"
	BadJSON      Code = "connection-json"
	BadFields    Code = "connection-json-fields"
	BadExtra     Code = "connection-extra"
	Whitespace   Code = "connection-whitespace"
	ReadingsVary Code = "connection-readings"
)

// Severity is how bad a problem is.
type Severity string

// The severities: an Error does not work, a Warning works otherwise than it
// looks, a Note is worth knowing.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Problem is one thing that is wrong with a text.
type Problem struct {
	Code     Code
	Severity Severity
	// From and End are the bytes of the text that it is about: the whole text
	// where no piece of it is to blame.
	From, End int
	// Message says what is wrong, Airflow what Airflow does with it. Neither
	// holds a part of a value.
	Message, Airflow string
	// Mends is set where Write in place of the piece gives what was meant.
	Mends bool
	Write string
}

// Form is how a connection is written.
type Form string

// The forms.
const (
	URI    Form = "uri"
	Object Form = "json"
)

// Options say where the text is kept.
type Options struct {
	// ID is the connection's, for Airflow's own checks of it.
	ID string
	// Service is the store that holds it: "secretsmanager" has names of its
	// own for the members of a JSON object. Empty means any other place.
	Service string
}

// Report is what there is to say about one text.
type Report struct {
	Text string
	Form Form
	// Problems stand in the order of the text.
	Problems []Problem
	// Worker is what a task gets, Server what the scheduler, the API server
	// and the command line get; nil where that fails, with WorkerErr and
	// ServerErr then.
	Worker, Server       *airflow.Connection
	WorkerErr, ServerErr error
	// Suggestion is the text with all that can be mended mended; empty where
	// there is nothing to mend.
	Suggestion string

	// hidden are the pieces that Masked does not show.
	hidden []piece
	// broken is set where Airflow splits the text elsewhere than its writer.
	broken bool
}

// piece is a part of a text: bytes from to end.
type piece struct{ from, end int }

func (p piece) of(text string) string { return text[p.from:p.end] }
func (p piece) empty() bool           { return p.end <= p.from }

// Lint looks at a text as a store or the environment holds it.
func Lint(text string, o Options) *Report {
	r := &Report{Text: text, Form: URI}
	body := trimmed(text)
	if strings.HasPrefix(body.of(text), "{") {
		r.Form = Object
	}
	r.read(o)
	switch {
	case body.empty():
		r.add(Problem{Code: NoType, Severity: Error, End: len(text), Message: "the connection is blank",
			Airflow: `an empty value counts as "not here"; one of blanks only is an IndexError`})
		return r
	case r.Form == Object:
		r.object(body, o)
	default:
		r.uri(body)
	}
	r.surroundings(body)
	r.unexplained()
	r.suggest(o)
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return cmp.Compare(a.From, b.From) })
	return r
}

// Worst is the gravest severity among the problems; empty where there is
// none.
func (r *Report) Worst() Severity {
	worst := Severity("")
	for _, p := range r.Problems {
		switch {
		case p.Severity == Error, worst == "", worst == Note:
			worst = p.Severity
		}
		if worst == Error {
			break
		}
	}
	return worst
}

func (r *Report) add(p Problem) { r.Problems = append(r.Problems, p) }

// read parses the text as Airflow's two classes do.
func (r *Report) read(o Options) {
	r.Worker, r.WorkerErr = parse(r.Text, o, airflow.SDK)
	r.Server, r.ServerErr = parse(r.Text, o, airflow.ORM)
}

func parse(text string, o Options, as airflow.Reading) (*airflow.Connection, error) {
	if o.Service == ServiceSecretsManager && strings.HasPrefix(trimmed(text).of(text), "{") {
		renamed, err := renamedFields(text)
		if err != nil {
			return nil, err
		}
		text = renamed
	}
	return airflow.ParseConnection(o.ID, text, as)
}

// unexplained reports a failure of Airflow's that no problem accounts for.
func (r *Report) unexplained() {
	failure := r.WorkerErr
	if failure == nil {
		failure = r.ServerErr
	}
	if failure == nil || slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Severity == Error }) {
		return
	}
	code := NotEncoded
	if r.Form == Object {
		code = BadFields
	}
	r.add(Problem{Code: code, Severity: Error, End: len(r.Text), Message: failure.Error(), Airflow: raises(failure)})
}

// raises names the exception of an error of package airflow.
func raises(err error) string {
	if e, ok := err.(*airflow.Error); ok {
		return "Airflow raises a " + e.Type + " and passes the connection over"
	}
	return ""
}

// surroundings reports blanks around the text, which Airflow strips now and
// did not always.
func (r *Report) surroundings(body piece) {
	for _, p := range []piece{{0, body.from}, {body.end, len(r.Text)}} {
		if !p.empty() {
			r.add(Problem{Code: Whitespace, Severity: Note, From: p.from, End: p.end, Mends: true,
				Message: "white space stands around the connection",
				Airflow: "Airflow strips it"})
		}
	}
}

// suggest applies every mending, and takes them all back where the result
// still is not what Airflow reads.
func (r *Report) suggest(o Options) {
	mended := r.mend()
	if mended == r.Text {
		return
	}
	if _, err := parse(mended, o, airflow.SDK); err != nil {
		for i := range r.Problems {
			r.Problems[i].Mends = false
		}
		return
	}
	r.Suggestion = mended
}

// mend returns the text with all the mendings.
func (r *Report) mend() string {
	list := slices.Clone(r.Problems)
	slices.SortStableFunc(list, func(a, b Problem) int { return cmp.Compare(a.From, b.From) })
	var b strings.Builder
	at := 0
	for _, p := range list {
		if p.Mends && p.From >= at {
			b.WriteString(r.Text[at:p.From] + p.Write)
			at = p.End
		}
	}
	return b.String() + r.Text[at:]
}

// trimmed is the text without the white space that Airflow strips.
func trimmed(text string) piece {
	blank := func(r rune) bool { return unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F }
	start := len(text) - len(strings.TrimLeftFunc(text, blank))
	return piece{start, start + len(strings.TrimFunc(text, blank))}
}
