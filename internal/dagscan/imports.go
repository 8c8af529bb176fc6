package dagscan

import (
	_ "embed"
	"strings"
)

// importList is what Airflow 2 had and 3 has not, a line each: a module or a
// name in one, and what to import instead, where there is something.
// testdata/imports.py writes it.
//
//go:embed imports.txt
var importList string

// moved tells where what an old import named is now.
type moved map[string]string

func newMoved() moved {
	m := moved{}
	for line := range strings.Lines(importList) {
		old, instead, _ := strings.Cut(strings.TrimSpace(line), " ")
		m[old] = instead
	}
	return m
}

// smell is what is wrong with an import, nil where nothing is.
func (m moved) smell(i imported) *Smell {
	full := i.module
	if i.name != "" && i.name != "*" {
		full += "." + i.name
	}
	found := false
	for name := full; strings.Contains(name, "."); name = name[:strings.LastIndexByte(name, '.')] {
		if _, ok := m[name]; ok {
			found = true
			break
		}
	}
	if !found {
		return nil
	}
	return &Smell{What: OldImport, Text: full, Instead: m[full], Import: i.atImport, Place: i.place}
}
