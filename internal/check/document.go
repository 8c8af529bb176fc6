package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func documentRules() []Rule {
	return []Rule{{
		ID: "path-in-text", Severity: Warning,
		Title: "a document names a path that the backend does not read, or the one of the other kind",
		Why: "Who follows the text creates secrets that Airflow never finds: under the prefix of connections for a variable, with slashes " +
			"where Key Vault has dashes only, or below another prefix than the one configured.",
		Airflow: "The backend asks for prefix and id as it is configured. A secret made as the text says is not found.",
		Find:    findPathInText,
	}}
}

func findPathInText(s *Subject, report Report) {
	all := namings(s)
	if len(all) == 0 {
		return
	}
	for _, t := range documentTokens(s) {
		meant := slices.DeleteFunc(slices.Clone(all), func(n *naming) bool { return !t.about(n.Row.Service) })
		plain, back := fillIn(t.text)
		if i := slices.IndexFunc(meant, func(n *naming) bool { return n.covers(withoutData(n, plain)) }); i >= 0 {
			wrongKindInText(meant[i], t, plain, back, report)
			continue
		}
		if !openEnd.MatchString(t.text) {
			continue
		}
		for _, n := range meant {
			if n.Row.Service == "vault" && !t.names("vault") {
				continue
			}
			want, ok := n.intended(plain)
			if !ok || n.Row.Service == "secretsmanager" && want == "/"+plain {
				continue
			}
			report(Finding{
				Span: t.span, Fix: "`" + back(want) + "`",
				Message: fmt.Sprintf("the text says %s, but the backend of %s asks %s for %s", t.text, place(n.spot()), serviceName(n.Row.Service), back(want)),
			})
			break
		}
	}
}

// openEnd is the end of a path whose id is left open.
var openEnd = lazyregexp.New(`(\*|<[^<>]+>|\{[^{}]+\})$`)

// wrongKindInText reports a sentence about variables that names the path of a
// connection, or the other way round.
func wrongKindInText(n *naming, t docToken, plain string, back func(string) string, report Report) {
	refs := n.refs(withoutData(n, plain))
	if len(refs) != 1 || refs[0].Kind == airflow.KindConfig {
		return
	}
	of, other := airflow.KindVariable, airflow.KindConnection
	if refs[0].Kind == of {
		of, other = other, of
	}
	// other is the kind of the path, of the one that the sentence would have
	// to speak of alone.
	if !t.saysWhere || !t.speaksOf(of) || t.speaksOf(other) || n.remote(of, refs[0].ID) == "" {
		return
	}
	want := back(n.remote(of, refs[0].ID))
	report(Finding{
		Span: t.span, Fix: "`" + want + "`", Severity: Error,
		Message: fmt.Sprintf("the text speaks of a %s, but %s is where the backend of %s looks for a %s", of, t.text, place(n.spot()), other),
	})
}

// withoutData takes the "data" of Vault's API out of a path.
func withoutData(n *naming, name string) string {
	if n.Row.Service != "vault" {
		return name
	}
	return strings.Replace(name, "/data/", "/", 1)
}

// docToken is a word between backquotes in a document, or one that cannot be
// mistaken without.
type docToken struct {
	text, sentence string
	span           project.Span
	// services are those that the sentence names.
	services []string
	// saysWhere is set where the word stands behind "at", "in" and the like.
	saysWhere bool
}

// whereWord ends what stands before the name of a place.
var whereWord = lazyregexp.New(`(?i)\b(at|in|under|below|as|to)\s+(the\s+)?$`)

// inServices are the words, in lower case, by which a text speaks of a service.
var inServices = map[string][]string{
	"ssm":            {"parameter store", "ssm", "systems manager"},
	"secretsmanager": {"secrets manager"},
	"gcp":            {"google", "secret manager", "gcloud", "gcp"},
	"azure":          {"key vault", "azure"},
	"vault":          {"vault", "openbao"},
}

// servicesIn are the services that a sentence names.
func servicesIn(sentence string) []string {
	text := strings.ToLower(sentence)
	var list []string
	for service, words := range inServices {
		in := text
		if service == "vault" {
			in = strings.ReplaceAll(in, "key vault", "")
		}
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(in, word) }) {
			list = append(list, service)
		}
	}
	return list
}

// names tells whether the sentence speaks of a service by its name.
func (t docToken) names(service string) bool { return slices.Contains(t.services, service) }

// about tells whether the sentence may be about a service: it names that, or
// none.
func (t docToken) about(service string) bool { return len(t.services) == 0 || t.names(service) }

var (
	quotedWord  = lazyregexp.New("`[^`\n]*`")
	bareWord    = lazyregexp.New(`(?:^|\s)([A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)+/\*|/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*/\*|Key, Secret, & Certificate Management|SecretsManagerReadWrite)(?:[\s.,;:)]|$)`)
	environment = lazyregexp.New(`(?i)environment variables?`)
	pathWord    = lazyregexp.New(`^[A-Za-z0-9_/.<>{}*-]+$`)
	kindWords   = map[airflow.Kind]*lazyregexp.Regexp{
		airflow.KindVariable:   lazyregexp.New(`(?i)\bvariables?\b`),
		airflow.KindConnection: lazyregexp.New(`(?i)\bconnections?\b`),
	}
)

// speaksOf tells whether the sentence has the word for a kind, outside of
// backquotes.
func (t docToken) speaksOf(kind airflow.Kind) bool {
	prose := environment.ReplaceAllString(quotedWord.ReplaceAllString(t.sentence, ""), "")
	return kindWords[kind].MatchString(prose)
}

// documentTokens are the words of all documents that look like names of
// secrets.
func documentTokens(s *Subject) []docToken {
	const longest = 200
	var list []docToken
	for _, t := range quotedWords(s) {
		if len(t.text) <= longest && strings.ContainsAny(t.text, "/-") && pathWord.MatchString(t.text) {
			list = append(list, t)
		}
	}
	return list
}

// quotedWords are the words between backquotes of all documents, and those
// that a page which lost its backquotes has left: paths that end in /* and
// names of roles.
func quotedWords(s *Subject) []docToken {
	return remember(&s.known.quoted, func() (list []docToken) {
		for _, sentence := range s.sentences() {
			list = append(list, wordsOf(sentence)...)
		}
		return list
	})
}

func wordsOf(sentence project.Span) []docToken {
	text := sentence.Text()
	var list []docToken
	word := func(start, from, end int) {
		list = append(list, docToken{text: text[from:end], sentence: text, saysWhere: whereWord.MatchString(text[max(0, start-20):start]),
			span: project.Span{File: sentence.File, Start: sentence.Start + from, End: sentence.Start + end}})
	}
	blank := text
	if strings.Contains(text, "`") {
		for _, m := range quotedWord.FindAllStringIndex(text, -1) {
			word(m[0], m[0]+1, m[1]-1)
		}
		blank = quotedWord.ReplaceAllStringFunc(text, func(quoted string) string { return strings.Repeat("`", len(quoted)) })
	}
	if strings.Contains(blank, "/*") || strings.Contains(blank, "Manage") {
		for _, m := range bareWord.FindAllStringSubmatchIndex(blank, -1) {
			word(m[2], m[2], m[3])
		}
	}
	if len(list) > 0 {
		services := servicesIn(text)
		for i := range list {
			list[i].services = services
		}
	}
	return list
}

// sentences are those of all documents.
func (s *Subject) sentences() []project.Span {
	return remember(&s.known.prose, func() (list []project.Span) {
		for _, f := range s.Project.Files {
			if f.Kind == project.Document {
				list = append(list, sentences(f)...)
			}
		}
		return list
	})
}

// blockStart is the start of a line that begins a block of its own: a list's
// item, a heading, a row of a table.
var blockStart = lazyregexp.New(`^\s*([-*+]\s|\d+[.)]\s|#|\||>|:::)`)

// sentences are the pieces of a Markdown document's prose, without its code.
func sentences(f *project.File) []project.Span {
	var list []project.Span
	start, at, fenced := -1, 0, false
	end := func(to int) {
		if start >= 0 {
			list = append(list, sentencesOf(project.Span{File: f, Start: start, End: to})...)
		}
		start = -1
	}
	for line := range strings.Lines(f.Text) {
		trimmed := strings.TrimSpace(line)
		isFence := strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~")
		switch {
		case isFence:
			end(at)
			fenced = !fenced
		case fenced:
		case trimmed == "":
			end(at)
		case blockStart.MatchString(line):
			end(at)
			start = at
		case start < 0:
			start = at
		}
		at += len(line)
	}
	end(at)
	return list
}

// sentencesOf splits a paragraph after full stops that blanks follow.
func sentencesOf(block project.Span) []project.Span {
	text := block.Text()
	var list []project.Span
	from, quoted := 0, false
	for i := range len(text) {
		switch {
		case text[i] == '`':
			quoted = !quoted
		case !quoted && i > from && (text[i] == ' ' || text[i] == '\n') && strings.IndexByte(".!?", text[i-1]) >= 0:
			list = append(list, project.Span{File: block.File, Start: block.Start + from, End: block.Start + i})
			from = i + 1
		}
	}
	return append(list, project.Span{File: block.File, Start: block.Start + from, End: block.End})
}
