package settings

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// configFile is an airflow.cfg as Python's ConfigParser holds it: strict, with
// Airflow's change that names of options keep their case. As options are
// looked up in lower case, one written in upper case is never found.
type configFile struct {
	path string
	// trusted files may have their commands run.
	trusted  bool
	sections map[string]map[string]configValue // :: section -> option -> value
	defaults map[string]configValue            // of [DEFAULT], for every section
}

// configValue is an option's text before interpolation.
type configValue struct {
	text string
	line int
	last int // line, where the value goes on
}

const defaultSection = "DEFAULT"

// parseConfig reads the text of an airflow.cfg by the rules of Python 3.11's
// ConfigParser._read.
func parseConfig(path, text string, bom bool) (*configFile, error) {
	if bom {
		return nil, configError(path, 1, missingSection, "the file starts with a byte order mark, which Airflow does not accept",
			"save it as UTF-8 without a byte order mark")
	}
	if !utf8.ValidString(text) {
		return nil, configError(path, 0, unicodeDecode, "the file is not UTF-8 text", "save it as UTF-8")
	}
	p := cfgParser{
		file: &configFile{path: path, sections: map[string]map[string]configValue{}, defaults: map[string]configValue{}},
		seen: map[airflow.OptionHome]bool{},
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(i+1, line); err != nil {
			return nil, err
		}
	}
	p.flush()
	if p.bad != nil {
		return nil, p.bad
	}
	return p.file, nil
}

type cfgParser struct {
	file *configFile
	seen map[airflow.OptionHome]bool // options and, with an empty key, sections
	bad  error                       // the first line that is no option, reported at the end

	section string
	current map[string]configValue // nil before the first section
	option  string                 // the option that an indented line continues
	value   []string
	at      int
	last    int
	indent  int
}

func (p *cfgParser) line(number int, line string) error {
	value := strings.TrimFunc(line, pySpace)
	if strings.HasPrefix(value, "#") || strings.HasPrefix(value, ";") {
		return nil
	}
	if value == "" {
		if p.option != "" {
			p.value = append(p.value, "")
		}
		return nil
	}
	indent := utf8.RuneCountInString(line) - utf8.RuneCountInString(strings.TrimLeftFunc(line, pySpace))
	if p.option != "" && indent > p.indent {
		p.value = append(p.value, value)
		p.last = number
		return nil
	}
	p.indent = indent
	if header, ok := sectionHeader(value); ok {
		return p.header(number, header)
	}
	if p.current == nil {
		return configError(p.file.path, number, missingSection, "an option stands before the first [section]", "put a section's header above it")
	}
	return p.assignment(number, value)
}

// sectionHeader takes the text between the first [ and the last ].
func sectionHeader(value string) (string, bool) {
	end := strings.LastIndexByte(value, ']')
	if value[0] != '[' || end < 2 {
		return "", false
	}
	return value[1:end], true
}

func (p *cfgParser) header(number int, name string) error {
	p.flush()
	p.section = name
	if name == defaultSection {
		p.current = p.file.defaults
		return nil
	}
	if p.seen[airflow.OptionHome{Section: name}] {
		return configError(p.file.path, number, duplicateSection, fmt.Sprintf("section %q is here a second time", excerpt.Name(name)),
			"move its options under the first one")
	}
	p.seen[airflow.OptionHome{Section: name}] = true
	p.current = map[string]configValue{}
	p.file.sections[name] = p.current
	return nil
}

func (p *cfgParser) assignment(number int, line string) error {
	p.flush()
	i := strings.IndexAny(line, "=:")
	if i <= 0 {
		if p.bad == nil {
			p.bad = configError(p.file.path, number, parsingError, "the line is neither an option nor a section",
				"write option = value, and indent the further lines of a value")
		}
		return nil
	}
	name := strings.TrimRightFunc(line[:i], pySpace)
	home := airflow.OptionHome{Section: p.section, Key: name}
	if p.seen[home] {
		return configError(p.file.path, number, duplicateOption,
			fmt.Sprintf("option %q of section %q is here a second time", excerpt.Name(name), excerpt.Name(p.section)), "remove one of the two")
	}
	p.seen[home] = true
	p.option, p.at, p.last = name, number, number
	p.value = []string{strings.TrimFunc(line[i+1:], pySpace)}
	return nil
}

// flush ends the current option: blank lines at its end are not part of it.
func (p *cfgParser) flush() {
	if p.option != "" {
		text := strings.TrimRightFunc(strings.Join(p.value, "\n"), pySpace)
		p.current[p.option] = configValue{text, p.at, p.last}
	}
	p.option, p.value = "", nil
}

// raw returns the option as the file has it, or as [DEFAULT] has it for a
// section that is there (ConfigParser.has_option).
func (f *configFile) raw(section, key string) (configValue, bool) {
	if f == nil {
		return configValue{}, false
	}
	options, ok := f.sections[section]
	if !ok {
		return configValue{}, false
	}
	if v, ok := options[key]; ok {
		return v, true
	}
	v, ok := f.defaults[key]
	return v, ok
}

func configError(path string, line int, kind, message, hint string) error {
	return fileError(path, line, hint, &Error{Type: kind, Message: message})
}

// pySpace is Python's str.isspace: Unicode's blanks and the four separators
// of ASCII.
func pySpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }
