package cli

import (
	"strings"

	"github.com/airlock-secrets/airlock/internal/check"
)

// printRules describes every rule.
func (r *checking) printRules() error {
	if r.output == "json" {
		text, err := check.ListJSON(r.rules)
		if err != nil {
			return err
		}
		r.println(string(text))
		return nil
	}
	colours := r.paint(r.Stdout)
	for _, rule := range r.rules {
		r.println(colours.in(bold, rule.ID) + " " + colours.severity(rule.Severity, string(rule.Severity)))
		r.println("  " + rule.Title)
		r.println(folded("  ", rule.Why))
		if rule.Airflow != "" {
			r.println(folded("  ", "Airflow: "+rule.Airflow))
		}
		r.println("")
	}
	r.println(counted(len(r.rules), "rule"))
	return nil
}

// folded breaks a text into lines of no more than 80 characters.
func folded(margin, text string) string {
	const width = 80
	var b strings.Builder
	line := margin
	for _, word := range strings.Fields(text) {
		if len(line) > len(margin) && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = margin
		}
		if len(line) > len(margin) {
			line += " "
		}
		line += word
	}
	return b.String() + line
}
