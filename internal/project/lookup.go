package project

import "github.com/airlock-secrets/airlock/internal/lazyregexp"

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
	if e.byName != nil && e.named == len(e.Settings) {
		return e.byName[name]
	}
	for _, s := range e.Settings {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// index remembers which settings count, for [Environment.Lookup], and whether
// one of them stands in a file that takes variables from elsewhere.
func (e *Environment) index(open map[*File]bool) {
	e.named, e.byName = len(e.Settings), make(map[string]*Setting, len(e.Settings))
	for _, s := range e.Settings {
		if e.byName[s.Name] == nil {
			e.byName[s.Name] = s
		}
		e.Open = e.Open || open[s.Whole.File]
	}
}

// wholesale is how manifests, charts and compose files take variables from
// elsewhere.
var wholesale = lazyregexp.New(`(?m)^[^#\n]*\b(envFrom|extraEnvFrom|env_file)\s*:`)

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
