package project

import (
	"strings"
	"unicode/utf8"
)

// Position is where a span starts. Both count from 1, columns in characters;
// both are 0 for a span without a file.
func (s Span) Position() (line, column int) {
	if s.File == nil || s.Start > len(s.File.Text) {
		return 0, 0
	}
	before := s.File.Text[:s.Start]
	at := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[at:]) + 1
}

// Path is the file's path; "" for a span without a file.
func (s Span) Path() string {
	if s.File == nil {
		return ""
	}
	return s.File.Path
}

// Text is what stands there.
func (s Span) Text() string {
	if s.File == nil || s.Start < 0 || s.End > len(s.File.Text) || s.Start > s.End {
		return ""
	}
	return s.File.Text[s.Start:s.End]
}

// Lookup returns the setting that counts, nil where nothing sets name.
func (e *Environment) Lookup(name string) *Setting {
	for _, s := range e.Settings {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Environ returns the environment as os.Environ would, without what is not
// known.
func (e *Environment) Environ() []string {
	seen := map[string]bool{}
	var list []string
	for _, s := range e.Settings {
		if !seen[s.Name] {
			seen[s.Name] = true
			if s.Known {
				list = append(list, s.Name+"="+s.Value)
			}
		}
	}
	return list
}

// Of returns the piece of the file where bytes from to end of Value stand:
// the whole value where that cannot be told.
func (s *Setting) Of(from, end int) Span {
	if !s.Exact || from < 0 || end > len(s.Value) || from > end {
		return s.Text
	}
	return Span{File: s.Text.File, Start: s.Start + from, End: s.Start + end}
}
