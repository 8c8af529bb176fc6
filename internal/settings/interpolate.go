package settings

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
)

// mostDepth is ConfigParser's MAX_INTERPOLATION_DEPTH.
const mostDepth = 10

// get returns the option with its % references filled in from its section and
// from [DEFAULT], as ConfigParser's BasicInterpolation does, the line it
// stands in, and whether the file has it.
func (f *configFile) get(section, key string) (value string, line int, ok bool, err error) {
	return f.spend(section, key, &budget{mostExpanded})
}

// spend is get from a budget that more than one option may share.
func (f *configFile) spend(section, key string, left *budget) (value string, line int, ok bool, err error) {
	raw, ok := f.raw(section, key)
	if !ok {
		return "", 0, false, nil
	}
	if !strings.Contains(raw.text, "%") { // it is no more than what the file has
		return raw.text, raw.line, true, nil
	}
	i := interpolation{file: f, home: airflow.OptionHome{Section: section, Key: key}, left: left}
	if err := i.some(raw.text, 1); err != nil {
		return "", raw.line, true, err
	}
	return i.out.String(), raw.line, true, nil
}

type interpolation struct {
	file *configFile
	home airflow.OptionHome
	out  strings.Builder
	left *budget
}

func (i *interpolation) some(rest string, depth int) error {
	if depth > mostDepth {
		return &Error{Type: interpolationDepth, Message: fmt.Sprintf(
			"the references of option %q in section %q do not end after %d steps", i.home.Key, i.home.Section, mostDepth)}
	}
	if !i.left.spend(rest) {
		return i.tooLong()
	}
	for {
		before, after, found := strings.Cut(rest, "%")
		i.out.WriteString(before)
		switch {
		case !found:
			return nil
		case strings.HasPrefix(after, "%"):
			i.out.WriteByte('%')
			rest = after[1:]
		case strings.HasPrefix(after, "("):
			name, tail, ok := reference(after)
			if !ok {
				return syntaxError("bad interpolation variable reference", "%"+after)
			}
			if err := i.reference(name, depth); err != nil {
				return err
			}
			rest = tail
		default:
			return syntaxError("'%' must be followed by '%' or '(', found:", "%"+after)
		}
	}
}

// reference splits "(name)s..." after a percent sign.
func reference(after string) (name, tail string, ok bool) {
	name, tail, ok = strings.Cut(after[1:], ")")
	if !ok || name == "" || !strings.HasPrefix(tail, "s") {
		return "", "", false
	}
	return name, tail[1:], true
}

func (i *interpolation) reference(name string, depth int) error {
	v, ok := i.file.raw(i.home.Section, name)
	if !ok {
		return &Error{Type: interpolationMissing, Message: fmt.Sprintf(
			"option %q in section %q refers to an option that is not there", i.home.Key, i.home.Section)}
	}
	if strings.Contains(v.text, "%") {
		return i.some(v.text, depth+1)
	}
	if !i.left.spend(v.text) {
		return i.tooLong()
	}
	i.out.WriteString(v.text)
	return nil
}

// tooLong is airlock's own: ConfigParser would fill the memory.
func (i *interpolation) tooLong() error {
	return &Error{Type: interpolationDepth, Message: fmt.Sprintf(
		"the references before and in option %q of section %q make more than %d MiB of text", i.home.Key, i.home.Section, mostExpanded>>20)}
}

// syntaxError is configparser's InterpolationSyntaxError, whose text goes on
// with the rest of the value.
func syntaxError(what, rest string) error {
	return &Error{
		Type:     interpolationSyntax,
		Message:  what + " (the value is not shown)",
		original: what + " " + pyRepr(rest),
	}
}

// pyRepr is Python's repr() for the text of an error.
func pyRepr(s string) string {
	quote := `'`
	if strings.Contains(s, `'`) && !strings.Contains(s, `"`) {
		quote = `"`
	}
	return quote + strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + quote
}
