package settings

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/store"
)

// ConfigOption is an option of an airflow.cfg and where it stands.
type ConfigOption struct {
	Home airflow.OptionHome
	// Value has its % references filled in; it is not Known where Airflow
	// cannot do so.
	Value string
	Known bool
	// Key, Text and Whole are the name, the value and the lines of both.
	Key, Text, Whole Range
	// Err is why the references cannot be filled in. It holds no value.
	Err error
}

// ReadConfig reads the text of an airflow.cfg, without a byte order mark, as
// Airflow does: the options of its sections in the order of their lines, those
// of [DEFAULT] only where another refers to them. The error is a *store.Error:
// Airflow does not start with such a file.
func ReadConfig(path, text string) ([]ConfigOption, error) {
	file, err := parseConfig(path, text, false)
	if err != nil {
		return nil, err
	}
	starts := lineStarts(text)
	var all []ConfigOption
	for section, options := range file.sections {
		for key, raw := range options {
			o := ConfigOption{Home: airflow.OptionHome{Section: section, Key: key}}
			o.place(text, starts, raw)
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b ConfigOption) int { return cmp.Compare(a.Whole.Start, b.Whole.Start) })
	left := budget{mostExpanded} // for all: thousands of options can refer to one
	for i := range all {
		o := &all[i]
		if o.Value, _, _, o.Err = file.spend(o.Home.Section, o.Home.Key, &left); o.Err != nil {
			o.Value = ""
		}
		o.Known = o.Err == nil
	}
	return all, nil
}

func (o *ConfigOption) place(text string, starts []int, raw configValue) {
	first, end := starts[raw.line-1], len(text)
	if raw.last < len(starts) {
		end = starts[raw.last]
	}
	whole := strings.TrimRightFunc(text[first:end], pySpace)
	bare := strings.TrimLeftFunc(whole, pySpace)
	at := first + len(whole) - len(bare)
	o.Whole = Range{at, first + len(whole)}
	o.Key = Range{at, at + len(o.Home.Key)}
	sep := strings.IndexAny(bare, "=:")
	value := strings.TrimLeftFunc(bare[sep+1:], pySpace)
	o.Text = Range{o.Whole.End - len(value), o.Whole.End}
}

// lineStarts has the byte at which each line starts, as Python's universal
// newlines end them.
func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' || text[i] == '\r' && !strings.HasPrefix(text[i+1:], "\n") {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// LineOf is the line of an error of [ReadConfig], 0 where it tells none, and
// what is wrong there.
func LineOf(err error) (line int, reason string) {
	var failed *store.Error
	if !errors.As(err, &failed) {
		return 0, err.Error()
	}
	reason = failed.Err.Error()
	if i := strings.LastIndexByte(failed.Name, ':'); i >= 0 {
		for _, c := range failed.Name[i+1:] {
			if c < '0' || c > '9' {
				return 0, reason
			}
			line = line*10 + int(c-'0')
		}
	}
	return line, reason
}
