package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/internal/redact"
)

// encodings are the ways in which a service may write what it repeats. before
// is what stands in front of the secret where both are encoded together.
var encodings = []struct {
	name   string
	encode func(before, secret string) string
}{
	{"raw", func(_, s string) string { return s }},
	{"base64", func(_, s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{"base64 without padding", func(_, s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }},
	{"base64 for URLs", func(_, s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
	{"base64 for URLs with padding", func(_, s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }},
	{"base64 with what stands in front", func(b, s string) string { return base64.StdEncoding.EncodeToString([]byte(b + s + "\"}")) }},
	{"query", func(_, s string) string { return url.QueryEscape(s) }},
	{"path", func(_, s string) string { return url.PathEscape(s) }},
	{"every byte with a percent sign", func(_, s string) string { return everyByte("%%%02x", s) }},
	{"hexadecimal", func(_, s string) string { return hex.EncodeToString([]byte(s)) }},
	{"hexadecimal in capitals", func(_, s string) string { return fmt.Sprintf("%X", s) }},
	{"Go", func(_, s string) string { return fmt.Sprintf("%q", s) }},
	{"Go in ASCII", func(_, s string) string { return fmt.Sprintf("%+q", s) }},
	{"bytes of Python", func(_, s string) string { return everyByte(`\x%02x`, s) }},
	{"HTML", func(_, s string) string { return html.EscapeString(s) }},
	{"JSON", func(_, s string) string { return quoted(s) }},
	{"JSON in JSON", func(_, s string) string { return quoted(quoted(s)) }},
	{"JSON in a query", func(_, s string) string { return url.QueryEscape(quoted(s)) }},
	{"base64 in a query", func(b, s string) string {
		return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(b + s)))
	}},
	{"JSON in base64", func(b, s string) string { return base64.StdEncoding.EncodeToString([]byte(b + quoted(s))) }},
	{"base64 in base64", func(b, s string) string {
		return base64.StdEncoding.EncodeToString([]byte(b + base64.StdEncoding.EncodeToString([]byte(s))))
	}},
}

func everyByte(format, s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// FuzzText holds Text against every encoding: what it returns holds neither
// the secret nor the encoded one, is short, is one line, and is its own Text.
func FuzzText(f *testing.F) {
	f.Add("status 403: token ", "hvs.CANARY/with+signs=\"<>&\\", " is not known", 5, false)
	f.Add("<html>", "CANARY-p\u00e4ss w\u00f6rd", "</html>\r\n", 20, true)
	f.Add("\x1b[31m", "a\nCANARY\x1b[0m", "\u202e", 1, true)
	f.Add("***", "****CANARY****", "****", 0, false)
	f.Add("0", "000000 0", "0", 6, true)
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAA", "AAAAAAAAAA", 3, false)
	f.Fuzz(func(t *testing.T, before, secret, after string, which int, payload bool) {
		encoding := encodings[uint(which)%uint(len(encodings))]
		if len(secret) < 8 || len(secret) > 1000 || len(before)+len(after) > 1000 || !utf8.ValidString(secret) {
			return
		}
		s := redact.New()
		if payload {
			s.Payload([]byte(secret))
		} else {
			s.Credential(secret)
		}
		if strings.ContainsAny(encoding.encode("", `"<\ `), `%\&`) {
			before += "=" // an escape that begins before the secret is another text
		}
		echoed := encoding.encode(before, secret)
		got := s.Text(before + echoed + after)
		if strings.Contains(got, secret) {
			t.Fatalf("%s: %q is in %q", encoding.name, secret, got)
		}
		if strings.Contains(got, echoed) {
			t.Fatalf("%s: %q is in %q", encoding.name, echoed, got)
		}
		if n := utf8.RuneCountInString(got); n > redact.Longest || strings.ContainsAny(got, "\r\n\x1b\x00\u202e\u200b") {
			t.Fatalf("%d characters: %q", n, got)
		}
		if again := s.Text(got); again != got {
			t.Fatalf("%q becomes %q", got, again)
		}
	})
}
