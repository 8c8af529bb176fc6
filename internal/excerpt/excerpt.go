// Package excerpt decides what a message may repeat of text that a person wrote:
// arguments, names, settings. Such text may be a secret in the wrong place, so
// it is shown only where it is of a kind that can be told: a name, a word that
// is nearly a known one, the host of an address, the dotted path of a class.
// Everything else is Hidden.
package excerpt

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/spelling"
)

// Hidden stands where text is not shown.
const Hidden = "***"

// mostName is how many bytes of a name are shown.
const mostName = 120

// Name is a name as a message shows it: that of a variable, a connection, a
// secret, a file. A name has letters, digits, blanks and the marks that Airflow
// takes in the id of a connection; a text with another mark, an address for
// instance, is Hidden. A long name is cut.
func Name(text string) string {
	switch {
	case !IsName(text):
		return Hidden
	case len(text) <= mostName:
		return text
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(text[:mostName], ""), len(text))
}

// Whole is Name for a program: a long name is not cut.
func Whole(text string) string {
	if !IsName(text) {
		return Hidden
	}
	return text
}

// IsName reports whether Name shows a text.
func IsName(text string) bool {
	if strings.Contains(text, ":/") {
		return false
	}
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && !strings.ContainsRune("_-.:/\\#!()[] *+,~", r) {
			return false
		}
	}
	return true
}

// Word is the name of a setting as a message shows it: words of one case, or that
// begin with a capital, with marks between them and no more than two digits at the
// end. What is random mixes cases and digits, and is Hidden.
func Word(text string) string {
	parts := strings.FieldsFunc(strings.TrimRight(text, "0123456789"), func(r rune) bool { return strings.ContainsRune("_-.", r) })
	if len(text) > mostName || len(text)-len(strings.TrimRight(text, "0123456789")) > 2 {
		return Hidden
	}
	for _, p := range parts {
		rest := p[1:]
		if strings.TrimLeft(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" && (strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz") != "" || !isWord(p, mostName)) {
			return Hidden
		}
	}
	return text
}

// Account is the address of a service account of Google's as a message shows it,
// "etl@my-project.iam.gserviceaccount.com". Anything else is Hidden.
func Account(text string) string {
	name, host, _ := strings.Cut(text, "@")
	if Word(name) == Hidden || Word(strings.TrimSuffix(host, ".gserviceaccount.com")) == Hidden || !strings.HasSuffix(host, ".gserviceaccount.com") {
		return Hidden
	}
	return text
}

// far is how many bytes a word may be away from a known one: a part of a secret
// that a slip of the keyboard put there is not recognised by so little.
const far = 2

// Near is a word as a message shows it: where it is one of known or at most two
// slips away from one, and Hidden for any other. The letters' case does not count.
func Near(word string, known []string) string {
	if IsNear(word, known) {
		return word
	}
	return Hidden
}

// IsNear reports whether Near shows a word.
func IsNear(word string, known []string) bool {
	const longest = 80 // of the words that we know
	if word == "" || len(word) > longest || !IsName(word) {
		return false
	}
	lower := strings.ToLower(word)
	for _, k := range known {
		k = strings.ToLower(k)
		if lower == k {
			return true
		}
		if away := len(k) - len(word); away > far || -away > far {
			continue
		}
		// A short word is near to everything.
		if spelling.Distance(lower, k) <= min(far, len(k)/2) {
			return true
		}
	}
	return false
}

// Words are a list of words, each as Near shows it, with the number of those that
// it does not show: "url, token and 2 others".
func Words(words, known []string) string {
	var shown []string
	others := 0
	for _, w := range words {
		if IsNear(w, known) {
			shown = append(shown, w)
		} else {
			others++
		}
	}
	list := strings.Join(shown, ", ")
	switch {
	case others == 0:
		return list
	case list == "" && others == 1:
		return "1 that airlock does not know"
	case list == "":
		return fmt.Sprintf("%d that airlock does not know", others)
	case others == 1:
		return list + " and 1 other"
	}
	return fmt.Sprintf("%s and %d others", list, others)
}

// Address is the scheme, host and port of a URL, "https://vault.example.com:8200",
// and the path where that is made of plain words. It is Hidden for a text that
// is no URL with a host, or has user information, a query or a fragment in a
// place where none belongs.
func Address(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" || !isWord(u.Scheme, 12) {
		return Hidden
	}
	host := Host(u.Host)
	if host == Hidden {
		return Hidden
	}
	return strings.ToLower(u.Scheme) + "://" + host
}

// Host is a host with an optional port, as it stands in a URL: a name of letters,
// digits, dashes and dots, or an IP address. Anything else is Hidden.
func Host(text string) string {
	host, port := text, ""
	if at := strings.LastIndexByte(text, ':'); at >= 0 && !strings.HasSuffix(text, "]") {
		host, port = text[:at], text[at+1:]
	}
	if port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return Hidden
		}
	}
	if bracketed, ok := strings.CutPrefix(host, "["); ok {
		ip, err := netip.ParseAddr(strings.TrimSuffix(bracketed, "]"))
		if err != nil || ip.Zone() != "" || !strings.HasSuffix(host, "]") {
			return Hidden
		}
		return text
	}
	if host == "" || len(host) > 253 {
		return Hidden
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" && !strings.HasSuffix(host, ".") || len(label) > 63 || !isWord(label, 63) && label != "" {
			return Hidden
		}
	}
	return text
}

// isWord tells whether a text has letters, digits, dashes and underscores only.
func isWord(text string, most int) bool {
	if text == "" || len(text) > most {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool {
		return r >= utf8.RuneSelf || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_+", r)
	}) < 0
}

// Class is the dotted path of a Python class as a message shows it. It is shown
// where it is nearly one of known, or where all of it is written as such a path is:
// modules in small letters, then a name that ends in Backend. Anything else,
// Python or not, is Hidden: a token may have dots too.
func Class(text string, known []string) string {
	if IsClass(text) {
		return text
	}
	for _, k := range known {
		if d := len(k) - len(text); d <= far && d >= -far && IsName(text) && spelling.Distance(text, k) <= far {
			return text
		}
	}
	return Hidden
}

// IsClass reports whether all of a text is written as the path of a class of
// backends is.
func IsClass(text string) bool {
	parts := strings.Split(text, ".")
	if len(parts) < 2 || len(parts) > 10 || len(text) > 160 {
		return false
	}
	for _, module := range parts[:len(parts)-1] {
		if !isModule(module) {
			return false
		}
	}
	name, ok := strings.CutSuffix(parts[len(parts)-1], "Backend")
	return ok && len(name) <= 40 && isCamel(name)
}

// isModule tells whether a text is a name of a Python module in small letters, with
// no more than two digits.
func isModule(text string) bool {
	const most = 40
	if text == "" || len(text) > most || text[0] >= '0' && text[0] <= '9' {
		return false
	}
	digits := 0
	for _, c := range []byte(text) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c != '_' && (c < 'a' || c > 'z'):
			return false
		}
	}
	return digits <= 2
}

// isCamel tells whether a text is words that begin with capitals, such as
// HashiCorpVault: what is random changes more often between them.
func isCamel(text string) bool {
	if text == "" {
		return true
	}
	changes, digits := 0, 0
	for i, c := range []byte(text) {
		upper := c >= 'A' && c <= 'Z'
		switch {
		case c >= '0' && c <= '9':
			digits++
		case !upper && c != '_' && (c < 'a' || c > 'z'):
			return false
		case upper && i > 0 && (text[i-1] < 'A' || text[i-1] > 'Z'):
			changes++
		}
	}
	return digits <= 2 && (changes+1)*3 <= len(text)+2 && text[0] >= 'A' && text[0] <= 'Z'
}
