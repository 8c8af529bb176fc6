package project

import (
	"slices"
	"sort"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

var fence = lazyregexp.New("^[ \t]*(`{3,}|~{3,})[ \t]*(?:\\{?\\.?)([A-Za-z]*)")

// document reads the fenced blocks of Markdown that are shell or policies.
func (r *reader) document(f *File) {
	for _, b := range fencedBlocks(f.Text) {
		switch strings.ToLower(b.language) {
		case "sh", "bash", "shell", "zsh":
			r.commands(shellCommands(b.text(f.Text, false), b.placer(f)))
		case "console", "terminal", "shellsession":
			r.commands(shellCommands(b.text(f.Text, true), b.placer(f)))
		case "hcl":
			if text := b.text(f.Text, false); looksLikeVaultPolicy(text) {
				r.vaultPolicy(text, b.placer(f))
			}
		case "json":
			r.cloudPolicy(b.text(f.Text, false), b.placer(f))
		}
	}
}

// block is a fenced block: its lines without the blanks in front that the
// fence has too, as a list around it makes them.
type block struct {
	language string
	lines    []line
}

// line is bytes start to end of a file, with its newline.
type line struct{ start, end int }

func fencedBlocks(text string) []block {
	var all []block
	var open *block
	var mark string
	indent := 0
	for _, l := range linesOf(text) {
		content := text[l.start:l.end]
		m := fence.FindStringSubmatch(content)
		switch {
		case open == nil && m != nil:
			open, mark = &block{language: m[2]}, m[1]
			indent = len(content) - len(strings.TrimLeft(content, " \t"))
		case open != nil && strings.HasPrefix(strings.TrimSpace(content), mark) && strings.Trim(strings.TrimSpace(content), mark[:1]) == "":
			all = append(all, *open)
			open = nil
		case open != nil:
			bare := strings.TrimLeft(content, " \t")
			l.start += min(indent, len(content)-len(bare))
			open.lines = append(open.lines, l)
		}
	}
	return all
}

func linesOf(text string) []line {
	var all []line
	starts := lineStartsOf(text)
	for i, start := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		all = append(all, line{start, end})
	}
	return all
}

// text is what stands in the block. A prompt counts as blanks; in a block
// that shows a session, lines without a prompt are what commands printed.
func (b block) text(file string, session bool) string {
	var out strings.Builder
	prompts := slices.ContainsFunc(b.lines, func(l line) bool { return prompt(file[l.start:l.end]) > 0 })
	continued := false
	for _, l := range b.lines {
		content := file[l.start:l.end]
		n := prompt(content)
		if session && prompts && n == 0 && !continued {
			n = len(strings.TrimRight(content, "\r\n"))
		}
		continued = strings.HasSuffix(strings.TrimRight(content, " \t\r\n"), `\`) && n < len(content)-1
		out.WriteString(strings.Repeat(" ", n))
		out.WriteString(content[n:])
	}
	return out.String()
}

// prompt is the length of a prompt at the start of a line.
func prompt(line string) int {
	for _, p := range []string{"$ ", "% ", "> $ "} {
		if strings.HasPrefix(line, p) {
			return len(p)
		}
	}
	return 0
}

// placer maps the block's text back to the file.
func (b block) placer(f *File) placer {
	var before []int // the length of the block's text before each line
	size := 0
	for _, l := range b.lines {
		before = append(before, size)
		size += l.end - l.start
	}
	at := func(n int) int {
		i := sort.SearchInts(before, n+1) - 1
		if i < 0 {
			return len(f.Text)
		}
		return min(b.lines[i].start+n-before[i], b.lines[i].end)
	}
	return func(from, end int) Span {
		if end <= from {
			return Span{f, at(from), at(from)}
		}
		return Span{f, at(from), at(end-1) + 1}
	}
}

// commands takes commands up; [reader.finish] looks at what they write.
func (r *reader) commands(list []Command) {
	r.project.Commands = append(r.project.Commands, list...)
}

// exports makes an environment of what a script exports for Airflow.
func (r *reader) exports(f *File, list []Command) {
	var settings []*Setting
	airflow := false
	for _, c := range list {
		if len(c.Words) != 1 || c.Words[0].Text != "export" {
			continue
		}
		for _, w := range c.Assigns {
			name, value, ok := strings.Cut(w.Text, "=")
			if !ok {
				continue
			}
			airflow = airflow || strings.HasPrefix(name, "AIRFLOW_")
			s := &Setting{Name: name, Value: value, Known: !w.Expands, Whole: w.Span}
			if w.Expands {
				s.Value = ""
			}
			s.Key = Span{f, w.Span.Start, w.Span.Start + len(name)}
			s.Text = Span{f, min(s.Key.End+1, w.Span.End), w.Span.End}
			s.locate(true)
			settings = append(settings, s)
		}
	}
	slices.Reverse(settings)
	if airflow {
		r.environment(f.Path, Script, settings, false)
	}
}
