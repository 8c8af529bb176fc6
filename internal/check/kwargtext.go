package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// calledParameter is what follows a word that a document calls a kwarg.
var calledParameter = lazyregexp.New("^`?\\s+(param|parameter|kwarg|argument)s?\\b")

// findUnknownInText reports kwargs that a document tells to add, and that the
// backend of the project does not know.
func findUnknownInText(s *Subject, report Report, rule string) {
	for _, t := range quotedWords(s) {
		if !strings.Contains(t.sentence, "BACKEND_KWARGS") || !calledParameter.MatchString(t.span.File.Text[t.span.End:]) {
			continue
		}
		at := slices.IndexFunc(s.Backends, func(b *Backend) bool { return b.Row.Kwargs != nil && t.about(b.Row.Service) })
		if at < 0 || slices.Contains(s.Backends[at].Row.Kwargs, t.text) {
			continue
		}
		b := s.Backends[at]
		near := meantKwarg(b, t.text)
		if sortOf(near, ownerOf(b, t.text)) != rule {
			continue
		}
		f := Finding{Span: t.span, Severity: Warning, Message: fmt.Sprintf("the text names the kwarg %q, which %s does not have", b.shown(t.text), last(b.Row.Class))}
		_, f.Airflow = withUnknown(b, t.text)
		if near != "" {
			f.Message += fmt.Sprintf(": did it mean %q?", near)
			f.Fix = "`" + near + "`"
		}
		report(f)
	}
}
