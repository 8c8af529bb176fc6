package check

import (
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/project"
)

func quoteRules() []Rule {
	return []Rule{
		{
			ID: quotedValue, Severity: Error, Title: "quotes are part of a value",
			Why: "Quotes belong to the syntax of a Dockerfile, of a shell and, to docker compose, of a .env file. airflow.cfg, the Astro UI, a Deployment file and Kubernetes keep them, " +
				"and so does any place where a value that has been quoted already is quoted again.",
			Airflow: "A class in quotes cannot be loaded: " + classNotLoaded + ", and Airflow does not start. Kwargs in quotes are not JSON: " + kwargsNotUsed + ". Any other value is used with its quotes.",
			Find:    findQuoted,
		},
		{
			ID: outerBlanks, Severity: Error, Title: "blanks stand around a value",
			Why:     "Airflow and the clients behind its backends do not trim values. A blank or line break at either end, often from a YAML block or from echo, is a part of the class's path, of the token, of the key.",
			Airflow: "A class with a blank around it cannot be loaded: " + classNotLoaded + ", and Airflow does not start. A credential is sent with its blank; a token of Vault that begins with one or ends in a line break is no header, and each look-up raises InvalidHeader.",
			Find:    findOuterBlanks,
		},
	}
}

// isQuotedText tells whether quotes of one sort stand at both ends of text,
// and what they hold starts with one of begin.
func isQuotedText(text, begin string) bool {
	text = strings.TrimSpace(text)
	if len(text) < 2 || text[0] != '"' && text[0] != '\'' || text[len(text)-1] != text[0] {
		return false
	}
	inner := strings.TrimSpace(text[1 : len(text)-1])
	return begin == "" || strings.HasPrefix(inner, begin) || strings.HasPrefix(inner, `\`+begin)
}

func findQuoted(s *Subject, report Report) {
	for _, b := range broken(s, quotedValue) {
		report(quotedFinding(b.Kwargs, "the quotes around the kwargs are part of the value", consequence(b)))
	}
	for _, p := range settings(s) {
		switch {
		case !p.Known || !isQuotedText(p.Value, ""):
		case slices.Contains(classNames, p.Name):
			report(quotedFinding(p.Setting, "the quotes around the class are part of its path",
				"The quoted path cannot be loaded: Airflow raises AirflowConfigException (The object could not be loaded. ...) and does not start"))
		case isKwarg(p.Name), isCloud(p.Name), isSensitiveOption(p.Name), strings.HasPrefix(p.Name, "AIRFLOW_CONN_"):
			report(quotedFinding(p.Setting, "the quotes around "+called(p.Setting)+" are part of the value", "The value is used with its quotes"))
		}
	}
}

// quotedFinding offers what stands between the quotes.
func quotedFinding(s *project.Setting, message, airflow string) Finding {
	if !isQuotedText(s.Value, "") { // a variable in the value brings them
		return Finding{Span: s.Text, Message: message, Airflow: airflow, Fix: "take the quotes out of the variable that the value names"}
	}
	value := strings.TrimSpace(s.Value)
	inner := strings.TrimSpace(value[1 : len(value)-1])
	f := Finding{Span: s.Text, Message: message, Airflow: airflow}
	if strings.Contains(inner, `\"`) {
		if v, err := pyjson.Decode(`"` + inner + `"`); err == nil {
			inner, _ = v.(string)
		}
		f.Fix = statement(s, inner)
		return f
	}
	f.Fix = statement(s, inner)
	if slices.Contains(kwargsNames, s.Name) && !decodes(inner) || strings.ContainsAny(inner, "\r\n") {
		return f
	}
	open := strings.IndexByte(s.Value, value[0])
	shut := strings.LastIndexByte(s.Value, value[0])
	f.Edits = without(s, [2]int{open, open + 1}, [2]int{shut, shut + 1})
	if f.Edits != nil {
		f.Span = s.Of(open, open+1)
		if text := after(s, f.Edits); text != "" {
			f.Fix = text
		}
	}
	return f
}

func findOuterBlanks(s *Subject, report Report) {
	for _, p := range settings(s) {
		bare := strings.TrimSpace(p.Value)
		if !p.Known || bare == p.Value || bare == "" || isQuotedText(bare, "") || tail(p.Value) >= 0 {
			continue
		}
		f := Finding{Span: p.Text, Fix: statement(p.Setting, bare)}
		switch {
		case slices.Contains(classNames, p.Name):
			f.Message = "blanks around the class are part of its path"
		case isKwarg(p.Name), isCloud(p.Name):
			f.Message = "blanks around " + called(p.Setting) + " are part of the value"
			f.Severity = Warning
		default:
			continue
		}
		if start := strings.Index(p.Value, bare); !strings.ContainsAny(p.Value, "\r\n") {
			f.Edits = blanks(p.Setting, start, start+len(bare))
		}
		report(f)
	}
}

// blanks are the edits that take away what stands before start and after end.
func blanks(s *project.Setting, start, end int) []Edit {
	var stretches [][2]int
	if start > 0 {
		stretches = append(stretches, [2]int{0, start})
	}
	if end < len(s.Value) {
		stretches = append(stretches, [2]int{end, len(s.Value)})
	}
	return without(s, stretches...)
}
