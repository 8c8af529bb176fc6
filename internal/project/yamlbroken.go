package project

import (
	"errors"
	"strings"
)

// brokenKind is what a file that is no YAML was meant to be; "" where nothing
// in it is of Airflow's settings, or where it is a template of YAML.
func brokenKind(f *File, certain bool) Kind {
	switch {
	case isComposeName(f.Path):
		return Compose
	case strings.Contains(f.Text, "{{"):
		return ""
	case strings.Contains(f.Text, "apiVersion:") && (certain || ofSettings(f.Text)):
		return Manifest
	case certain || ofSettings(f.Text):
		return HelmValues
	}
	return ""
}

// ofSettings tells a text that names what Airflow is configured with.
func ofSettings(text string) bool {
	for _, mark := range []string{"AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_", "secretBackend:", "backend_kwargs:"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

// brokenYAML says where a file stops being YAML, and what to do about the
// mistakes that are made most. The library's own words are not passed on:
// some quote the file.
func (r *reader) brokenYAML(f *File, err error) {
	if errors.Is(err, errAliases) {
		r.problem(Span{File: f}, "", "the file is not read: "+err.Error(), "")
		return
	}
	text := err.Error()
	line := errorLine(err)
	if strings.Contains(text, "did not find expected key") || strings.Contains(text, "did not find expected '-'") {
		line++ // the library counts from 0 here
	}
	at := f.line(line)
	why, hint := "", "line up the keys of one mapping, and the dashes of one list, in one column"
	switch found := at.Text(); {
	case strings.Contains(text, "cannot start any token") && strings.HasPrefix(strings.TrimLeft(found, " "), "\t"):
		why, hint = ": the line begins with a tab", "indent with blanks"
	case strings.HasPrefix(strings.TrimSpace(found), "- ") && strings.Contains(found, "=") && strings.Contains(found, ": "):
		why, hint = ": a colon and a blank make a mapping of the text", "put single quotes around the whole item: - 'NAME={...}'"
	case strings.Contains(text, "cannot start any token"):
		why, hint = ": a value begins with a character that has a meaning of its own", "put single quotes around the value"
	}
	r.problem(at, "", "the file is no YAML"+why+"; it is read up to there only", hint)
}

// errorLine is the line that the YAML library names, 0 where it names none.
func errorLine(err error) int {
	_, rest, _ := strings.Cut(err.Error(), "line ")
	n := 0
	for _, c := range rest {
		if c < '0' || c > '9' || n > 1<<24 {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}
