package awsconn

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/route"
)

// section is one section of a shared file: option -> value. Options are in
// lower case; a nested value is lines of "name = value" below an empty one.
type section map[string]string

// nested reads the sub-options of an option (botocore's _parse_nested).
func (s section) nested(option string) section {
	sub := section{}
	for line := range strings.SplitSeq(s[option], "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			sub[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return sub
}

// parseINI reads a file of ~/.aws as Python's RawConfigParser does: sections
// keep their names, "=" or ":" separates, indented lines continue a value,
// "#" and ";" begin a comment only at the start of a line, and the same
// section or option twice is an error.
func parseINI(text string) (map[string]section, error) {
	p := iniParser{sections: map[string]section{}}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	p.flush()
	return p.sections, nil
}

type iniParser struct {
	sections map[string]section
	current  section
	option   string   // the option that may go on; "" for none
	value    []string // its lines
	indent   int      // of the line that began the option
}

func (p *iniParser) flush() {
	if p.option != "" {
		p.current[p.option] = strings.TrimRightFunc(strings.Join(p.value, "\n"), pySpace)
	}
	p.option, p.value = "", nil
}

func (p *iniParser) line(line string) error {
	trimmed := strings.TrimFunc(line, pySpace)
	indent := utf8.RuneCountInString(line) - utf8.RuneCountInString(strings.TrimLeftFunc(line, pySpace))
	switch {
	case strings.HasPrefix(trimmed, "#"), strings.HasPrefix(trimmed, ";"):
		return nil
	case trimmed == "":
		if p.option != "" {
			p.value = append(p.value, "")
		}
		return nil
	case p.option != "" && indent > p.indent:
		p.value = append(p.value, trimmed)
		return nil
	}
	p.flush()
	p.indent = indent
	if end := strings.LastIndexByte(trimmed, ']'); trimmed[0] == '[' && end > 1 {
		return p.begin(trimmed[1:end])
	}
	return p.start(trimmed)
}

func (p *iniParser) begin(name string) error {
	if _, twice := p.sections[name]; twice {
		return errors.New("a section comes twice")
	}
	p.current = section{}
	p.sections[name] = p.current
	return nil
}

func (p *iniParser) start(line string) error {
	if p.current == nil {
		return errors.New("there is no section above")
	}
	at := strings.IndexAny(line, "=:")
	if at <= 0 {
		return errors.New("it is neither a section nor an option")
	}
	p.option = strings.ToLower(strings.TrimFunc(line[:at], pySpace))
	if _, twice := p.current[p.option]; twice {
		return errors.New("an option comes twice")
	}
	p.current[p.option] = ""
	p.value = []string{strings.TrimFunc(line[at+1:], pySpace)}
	return nil
}

// pySpace is Python's str.isspace: Unicode's blanks and the four separators
// of ASCII.
func pySpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// files are the shared configuration and credentials of a user.
type files struct {
	profiles, services map[string]section
	// credentials are the sections of the credentials file by themselves,
	// config those of the configuration file.
	credentials, config map[string]section
	configPath          string
	credentialsPath     string
	// withheld is why a file was not read that a confined connection may not.
	withheld error
}

// Where the files are that no variable names.
const usualConfig, usualCredentials = "~/.aws/config", "~/.aws/credentials"

// load reads both files (botocore.session.Session.full_config); a file that is
// not there is empty.
func load(env Env) (*files, error) {
	f := &files{profiles: map[string]section{}, services: map[string]section{}, config: map[string]section{}}
	f.configPath = either(env.get("AWS_CONFIG_FILE"), usualConfig)
	f.credentialsPath = either(env.get("AWS_SHARED_CREDENTIALS_FILE"), usualCredentials)
	sections, err := f.read(env, f.configPath)
	if err != nil {
		return nil, err
	}
	for name, s := range sections {
		kind, name := sectionName(name)
		switch kind {
		case "profile":
			f.config[name], f.profiles[name] = s, s.clone()
		case "services":
			f.services[name] = s
		}
	}
	if f.credentials, err = f.read(env, f.credentialsPath); err != nil {
		return nil, err
	}
	for name, s := range f.credentials {
		if f.profiles[name] == nil {
			f.profiles[name] = section{}
		}
		for option, value := range s {
			f.profiles[name][option] = value
		}
	}
	return f, nil
}

func (s section) clone() section {
	c := make(section, len(s))
	for option, value := range s {
		c[option] = value
	}
	return c
}

func (f *files) read(env Env, path string) (map[string]section, error) {
	text, err := env.read(path)
	if errors.Is(err, route.ErrWithheld) {
		f.withheld = err
	}
	if err != nil {
		return nil, nil // to botocore it is not there
	}
	sections, err := parseINI(text)
	if err != nil {
		return nil, failed("ConfigParseError", fmt.Sprintf("Unable to parse config file: %s", env.path(path)),
			"correct the file: "+err.Error())
	}
	return sections, nil
}

// sectionName splits "profile NAME" and "services NAME"; default is a profile.
func sectionName(name string) (kind, rest string) {
	kind, rest, ok := strings.Cut(strings.TrimSpace(name), " ")
	if !ok {
		if kind, rest, ok = strings.Cut(name, "\t"); !ok {
			if name == "default" {
				return "profile", name
			}
			return "", name
		}
	}
	return kind, strings.Trim(strings.TrimSpace(rest), `"'`)
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
