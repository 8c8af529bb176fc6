package check

import (
	"fmt"
	"strings"
)

// findUnsendable finds kwargs of Vault that its class takes, and requests,
// which sends what it asks, does not: an address without a scheme, and a word
// of text for verify, which is the path of a file then.
func findUnsendable(b *Backend, report Report) {
	if b.Row.Service != "vault" {
		return
	}
	text, given := b.Text("url")
	lower := strings.ToLower(strings.TrimLeft(text, " \t\r\n"))
	secure := !given || strings.HasPrefix(lower, "https://")
	if given && lower != "" && !secure && !strings.HasPrefix(lower, "http://") && !strings.ContainsAny(text, "$<{") {
		f := Finding{Span: b.At("url"), Message: "the url of Vault has no scheme: it begins with https:// or http://", Fix: `"url": "https://<host>:8200"`}
		f.Airflow = "Each look-up raises MissingSchema: Invalid URL: No scheme supplied"
		if strings.Contains(lower, ":") && !strings.HasPrefix(lower, "http") {
			f.Airflow = "Each look-up raises InvalidSchema: No connection adapters were found"
		}
		report(f)
	}
	word, given := b.Text("verify")
	if lower = strings.ToLower(word); given && secure && (lower == "false" || lower == "true") {
		report(Finding{Span: b.At("verify"), Message: fmt.Sprintf("verify is the text %q, the path of a file of certificates", word),
			Airflow: "Each look-up raises OSError: Could not find a suitable TLS CA certificate bundle, invalid path: " + word,
			Fix:     `"verify": ` + lower + ", without quotes"})
	}
}
