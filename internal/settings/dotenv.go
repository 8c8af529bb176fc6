package settings

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
)

// entry is one variable of a file.
type entry struct {
	name, value string
	line        int
}

// parseDotEnv reads the text of a .env file as docker compose does, which is
// what `astro dev start` hands it to. The values are compose's own work; only
// the lines are found here, because its reader does not tell them. Variables
// in values are looked up in the process first, then above in the file.
func parseDotEnv(path, text string, process lookup) ([]entry, []Note, error) {
	var entries []entry
	var notes []Note
	for _, s := range ReadDotEnv(text, process) {
		switch {
		case s.Refused != "":
			return nil, nil, fileError(path, s.Line, s.Hint, errors.New(s.Refused))
		case !s.Set:
			continue
		}
		entries = append(entries, entry{s.Name, s.Value, s.Line})
		if !s.Known {
			notes = append(notes, Note{
				Origin: Origin{Place: DotEnv, File: path, Line: s.Line, Name: s.Name},
				Text: "a $ in the value of " + s.Name + " names no variable that is set: it is read as empty, as docker compose does; " +
					"write $$ for a dollar sign or put the value in single quotes",
			})
		}
	}
	return entries, notes, nil
}

// ReadDotEnv reads the text of a .env file as docker compose does, statement
// by statement: one that compose refuses is returned as Refused, and does not
// keep the others from being read. Variables in values are looked up in the
// process first, then above in the file.
func ReadDotEnv(text string, process func(name string) (string, bool)) []Statement {
	p := dotenvParser{process: process, seen: map[string]string{}, left: budget{mostExpanded}}
	var all []Statement
	for _, s := range dotenvStatements(text) {
		all = append(all, p.read(s))
		if p.left.left < 0 {
			break
		}
	}
	return all
}

type lookup func(name string) (string, bool)

type dotenvParser struct {
	process lookup
	seen    map[string]string
	left    budget
}

func (p *dotenvParser) read(s statement) Statement {
	got := s.place()
	got.Known = true
	values, err := dotenv.UnmarshalWithLookup(s.text, func(name string) (string, bool) {
		v, ok := p.process(name)
		if !ok {
			v, ok = p.seen[name]
		}
		if !p.left.spend(v) {
			return "", true
		}
		if !ok && !hasOperator(s.text, name) {
			// Compose prints the name, which may be a piece of a password:
			// answer empty, as it does, and note it without the name.
			got.Known = false
			return "", !s.inherited
		}
		return v, ok
	})
	if p.left.left < 0 {
		got.Refused = "variables in values make the file too large"
		return got
	}
	if err != nil {
		got.Refused, got.Hint = dotenvReason(s, err)
		return got
	}
	for name, value := range values {
		if name == "" {
			continue // a last line without "=", which compose drops too
		}
		p.seen[name] = value
		got.Name, got.Value, got.Set = name, value, true
	}
	return got
}

// hasOperator reports whether text asks for name with a default or the like
// (${name:-x}), where being unset matters.
func hasOperator(text, name string) bool {
	for _, op := range []string{":", "-", "+", "?"} {
		if strings.Contains(text, "{"+name+op) {
			return true
		}
	}
	return false
}

// dotenvReason says in our words why compose refuses a statement: its own
// words quote the line.
func dotenvReason(s statement, err error) (reason, hint string) {
	var invalid *template.InvalidTemplateError
	var required *template.MissingRequiredError
	switch {
	case errors.As(err, &invalid):
		return "a $ in the value starts no variable",
			"write $$ for a dollar sign, or put the value in single quotes"
	case errors.As(err, &required):
		return "a variable that the value requires (${...?}) is not set", "set it, or give it a default with ${...:-}"
	case strings.Contains(err.Error(), "unterminated quoted value"):
		return "the value's quote is not closed", "close the quote"
	case strings.HasPrefix(strings.ToUpper(s.text), "ENV "):
		return "a space in the variable's name", "this is a Dockerfile line: leave out the word ENV"
	case strings.Contains(err.Error(), "contain a space"):
		return "a space in the variable's name", "write NAME=value, with no space before ="
	}
	return "the variable's name holds a character that docker compose refuses",
		"write NAME=value; a name holds letters, digits, _ . - [ ]"
}

// statement is a piece of a .env file that compose reads as one variable.
type statement struct {
	line  int // of its first character
	start int // byte
	text  string
	// inherited statements are a name alone: its value is the process's.
	inherited bool
}

var exportWord = regexp.MustCompile(`^export\s+`)

// dotenvStatements cuts text where compose's reader does. A statement that
// compose would refuse runs to the end of its line, or of the text when a
// quote stays open.
func dotenvStatements(text string) []statement {
	var all []statement
	line, start := 1, 0
	for {
		skip := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsSpace(r) })
		if skip < 0 {
			return all
		}
		line += strings.Count(text[:skip], "\n")
		start += skip
		text = text[skip:]
		if text[0] == '#' {
			end := strings.IndexByte(text, '\n')
			if end < 0 {
				return all
			}
			start += end
			text = text[end:]
			continue
		}
		end, inherited := statementEnd(text)
		all = append(all, statement{line, start, text[:end], inherited})
		line += strings.Count(text[:end], "\n")
		start += end
		text = text[end:]
	}
}

// statementEnd returns where the statement at the start of text ends, past
// its newline unless the value is in quotes.
func statementEnd(text string) (end int, inherited bool) {
	at := len(exportWord.FindString(text))
	for at < len(text) {
		r, width := utf8.DecodeRuneInString(text[at:])
		at += width
		switch {
		case r == '\n':
			return at, true
		case r == '=' || r == ':':
			return at + valueEnd(text[at:]), false
		case !nameRune(r):
			return at + lineEnd(text[at:]), false
		}
	}
	return len(text), false
}

func nameRune(r rune) bool {
	return inlineSpace(r) || strings.ContainsRune("_.-[]", r) || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// inlineSpace is blank space that does not end a line, as compose counts it.
func inlineSpace(r rune) bool { return strings.ContainsRune("\t\v\f\r \u0085\u00a0", r) }

func lineEnd(text string) int {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		return i + 1
	}
	return len(text)
}

func valueEnd(text string) int {
	value := strings.TrimLeftFunc(text, inlineSpace)
	start := len(text) - len(value)
	if value == "" || value[0] != '"' && value[0] != '\'' {
		return start + lineEnd(value)
	}
	escaped := false
	for i := 1; i < len(value); i++ {
		switch {
		case escaped:
			escaped = false
		case value[i] == '\\':
			escaped = true
		case value[i] == value[0]:
			return start + i + 1
		}
	}
	return len(text)
}
