package stores

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/spelling"
)

// advice says what to write instead of a path that leads nowhere.
func (t Table) advice(class string) string {
	bare := strings.TrimFunc(class, func(r rune) bool { return unicode.IsSpace(r) || r == '"' || r == '\'' })
	if bare != class && t.has(bare) {
		what := "the blanks around it are"
		if strings.ContainsAny(class, `"'`) {
			what = "the quotes around it are"
		}
		return fmt.Sprintf("%s part of the value, as Airflow reads it: write %s", what, bare)
	}
	if near := t.nearest(bare); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "airlock knows: " + strings.Join(t.classes(), ", ")
}

// Shown is a class as a message shows it: see [excerpt.Class].
func (t Table) Shown(class string) string {
	var known []string
	for _, row := range t {
		known = append(append(known, row.Class), row.Old...)
	}
	return excerpt.Class(class, known)
}

// Kwargs are the names of the kwargs of all classes, sorted.
var Kwargs = sync.OnceValue(func() []string {
	var all []string
	for _, row := range Known() {
		all = append(all, row.Kwargs...)
	}
	slices.Sort(all)
	return slices.Compact(all)
})

func (t Table) has(class string) bool {
	_, err := t.Find(class)
	return err == nil
}

func (t Table) classes() []string {
	paths := make([]string, len(t))
	for i, row := range t {
		paths[i] = row.Class
	}
	return paths
}

// nearest returns the class that the writer of path may have meant: one whose
// path, or whose last part, differs by few letters; "" where none is near.
func (t Table) nearest(path string) string {
	const longest = 200 // a longer path is no typing error
	if len(path) > longest {
		return ""
	}
	best, found := 1<<30, ""
	lower := strings.ToLower(path)
	for _, row := range t {
		for _, known := range append([]string{row.Class}, row.Old...) {
			d := 1
			if last(path) != last(known) {
				if longer := len(lower) - len(known); max(longer, -longer) > len(known)/5 {
					continue // at least so many letters differ
				}
				d = spelling.Distance(lower, strings.ToLower(known))
			} else if lower == strings.ToLower(known) {
				d = 0
			}
			if d < best && d <= len(known)/5 {
				best, found = d, row.Class
			}
		}
	}
	return found
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
