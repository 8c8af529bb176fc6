package project

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/settings"
)

// requirements reads a requirements file as pip does: a package a line,
// comments, options and lines that go on after a backslash.
func (r *reader) requirements(f *File) {
	for at := 0; at < len(f.Text); {
		start, end := at, at
		for end < len(f.Text) && (f.Text[end] != '\n' || strings.HasSuffix(strings.TrimSuffix(f.Text[at:end], "\r"), `\`)) {
			end++
		}
		at = end + 1
		line := withoutComment(f.Text[start:end])
		word := strings.TrimLeft(line, " \t\r")
		start += len(line) - len(word)
		word = strings.TrimRight(word, " \t\r\\")
		r.requirement(f, word, Span{f, start, start + len(word)})
	}
}

// withoutComment cuts a comment off: it starts the line or stands behind a
// blank.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

var (
	packageName = lazyregexp.New(`^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`)
	separators  = lazyregexp.New(`[-_.]+`)
	wheelName   = lazyregexp.New(`(?:^|/)([A-Za-z0-9._]+)-[0-9][^/]*\.(?:whl|tar\.gz|zip)`)
	eggName     = lazyregexp.New(`#egg=([A-Za-z0-9._-]+)`)
)

// requirement takes up one package. Options, and paths that do not tell a
// package, are passed over.
func (r *reader) requirement(f *File, text string, at Span) {
	bare := strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(text, "-e "), "--editable "))
	if bare == "" || strings.HasPrefix(bare, "-") {
		return
	}
	name := packageName.FindString(bare)
	rest := strings.TrimSpace(strings.TrimPrefix(bare, name))
	if m := eggName.FindStringSubmatch(bare); m != nil {
		name, rest = m[1], ""
	} else if m := wheelName.FindStringSubmatch(bare); m != nil && (strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, ":") || strings.ContainsAny(bare[:1], "./")) {
		name, rest = m[1], ""
	} else if name == "" || rest != "" && !strings.ContainsAny(rest[:1], "[=<>!~;@,( \t") {
		return
	}
	if i := strings.Index(rest, "--hash"); i >= 0 {
		rest = strings.TrimRight(rest[:i], " \t\r\n\\")
	}
	r.project.Requirements = append(r.project.Requirements, Requirement{Name: normal(name), Spec: rest, Span: at})
}

// normal is a package's name as PEP 503 writes it.
func normal(name string) string { return strings.ToLower(separators.ReplaceAllString(name, "-")) }

// installs takes up the packages that a RUN instruction installs.
func (r *reader) installs(f *File, run settings.Instruction) {
	place := func(from, end int) Span { return f.span(run.Of(from, end)) }
	var words []string
	if strings.HasPrefix(run.Text, "[") && json.Unmarshal([]byte(run.Text), &words) == nil {
		c := Command{Span: place(0, len(run.Text))}
		for _, w := range words {
			c.Words = append(c.Words, Word{Text: w, Span: c.Span})
		}
		r.install(f, c)
		return
	}
	for _, c := range shellCommands(run.Text, place) {
		r.install(f, c)
	}
}

// install takes up the packages of a pip install command.
func (r *reader) install(f *File, c Command) {
	at := slices.IndexFunc(c.Words, func(w Word) bool { return w.Text == "install" })
	if at < 1 || !slices.ContainsFunc(c.Words[:at], func(w Word) bool {
		name := w.Text[strings.LastIndexByte(w.Text, '/')+1:]
		return name == "pip" || name == "pip3" || name == "uv"
	}) {
		return
	}
	valued := []string{"-r", "-c", "-i", "-f", "-t", "--requirement", "--constraint", "--index-url", "--extra-index-url", "--find-links", "--target", "--python", "--platform"}
	for i := at + 1; i < len(c.Words); i++ {
		w := c.Words[i]
		if slices.Contains(valued, w.Text) {
			i++
			continue
		}
		r.requirement(f, w.Text, w.Span)
	}
}
