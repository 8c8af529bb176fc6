package cli

import (
	"strings"

	"github.com/airlock-secrets/airlock/internal/check"
)

// paint colours text for one stream: only where that stream is a terminal,
// which is not dumb, and NO_COLOR (https://no-color.org) is empty.
type paint bool

func (a *app) paint(stream any) paint {
	return paint(terminal(stream) && a.getenv("NO_COLOR") == "" && !a.plainTerminal())
}

// The colours, as select graphic rendition (ECMA-48, 8.3.117).
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (p paint) in(colour, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// severity colours the word.
func (p paint) severity(s check.Severity, text string) string {
	switch s {
	case check.Error:
		return p.in(bold+";"+red, text)
	case check.Warning:
		return p.in(bold+";"+yellow, text)
	case check.Note:
		return p.in(bold+";"+cyan, text)
	}
	return text
}

// said colours the head of a message of this program.
func (p paint) said(line string) string {
	for head, colour := range map[string]string{"airlock:": bold, "hint:": cyan} {
		if rest, ok := strings.CutPrefix(line, head); ok {
			return p.in(colour, head) + rest
		}
	}
	return line
}

// diff colours a unified diff.
func (p paint) diff(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimSuffix(line, "\n")
		colour := ""
		switch {
		case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
			colour = bold
		case strings.HasPrefix(line, "@@"):
			colour = cyan
		case strings.HasPrefix(line, "-"):
			colour = red
		case strings.HasPrefix(line, "+"):
			colour = green
		}
		if colour != "" {
			body = p.in(colour, body)
		}
		b.WriteString(body + line[len(strings.TrimSuffix(line, "\n")):])
	}
	return b.String()
}
