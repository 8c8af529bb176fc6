package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// deepest bounds how far a text is taken apart: JSON in a URL in JSON.
const deepest = 4

// names says which members of JSON, and which parameters of a URL, are passed
// over.
type names func(string) bool

// ofPayloads passes over what every connection has.
func ofPayloads(name string) bool { return name == "conn_type" }

// pieces calls add with text and with each part of it that would give
// something away by itself.
func (over names) pieces(text string, depth int, add func(string)) {
	add(text)
	trimmed := strings.TrimSpace(text)
	if trimmed != text {
		add(trimmed)
	}
	if depth == 0 {
		return
	}
	next := func(part string) { over.pieces(part, depth-1, add) }
	if strings.ContainsAny(trimmed, "\r\n") {
		for line := range strings.FieldsFuncSeq(trimmed, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if line = strings.TrimSpace(line); len(line) >= leastInWords {
				next(line)
			}
		}
	}
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if v, ok := decode(trimmed); ok {
			over.leaves(v, next)
		}
	}
	if strings.Contains(text, "://") {
		over.userinfo(text, next)
	}
}

func decode(text string) (any, bool) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	return v, d.Decode(&v) == nil
}

// leaves calls add with each text and number in v. Of a member that is passed
// over only the user information of a URL counts.
func (over names) leaves(v any, add func(string)) {
	switch v := v.(type) {
	case string:
		add(v)
	case json.Number:
		add(v.String())
	case []any:
		for _, one := range v {
			over.leaves(one, add)
		}
	case map[string]any:
		for name, one := range v {
			switch text, isText := one.(string); {
			case !over(name):
				over.leaves(one, add)
			case isText:
				over.userinfo(text, add)
			}
		}
	}
}

// userinfo calls add with the login, the password and the values of the query
// of a URL. An @ or / that nobody escaped leaves it open where a password
// ends: then it may be any of the parts.
func (over names) userinfo(text string, add func(string)) {
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		return
	}
	all := rest
	rest, query, _ := strings.Cut(rest, "?")
	if !strings.ContainsAny(rest, "/@") && strings.Contains(query, "@") {
		rest = all // the password holds a question mark
	}
	for pair := range strings.SplitSeq(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); !over(name) {
			decoded(value, add)
		}
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return
	}
	user := rest[:at]
	login, password, _ := strings.Cut(user, ":")
	for _, part := range append([]string{user, login, password}, strings.FieldsFunc(password, func(r rune) bool { return r == '@' || r == '/' })...) {
		decoded(part, add)
	}
}

// decoded calls add with a text and with what it is URL-decoded.
func decoded(text string, add func(string)) {
	add(text)
	for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
		if plain, err := decode(text); err == nil && plain != text {
			add(plain)
		}
	}
}

// authorization calls add with the parts of a header's value that are secret:
// "Bearer TOKEN", "Basic BASE64", AWS's list of Credential and Signature.
func authorization(value string, add func(string)) {
	scheme, rest, ok := strings.Cut(value, " ")
	if !ok {
		add(value)
		return
	}
	add(rest)
	if strings.EqualFold(scheme, "Basic") {
		if pair, err := base64.StdEncoding.DecodeString(rest); err == nil {
			login, password, _ := strings.Cut(string(pair), ":")
			add(string(pair))
			add(login)
			add(password)
		}
	}
	for part := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == ' ' || r == ',' }) {
		if name, value, ok := strings.Cut(part, "="); ok && name != "SignedHeaders" && len(value) >= partPayload {
			add(value)
		}
	}
}

// harmless are words that are no secret whatever holds them; familiar are
// those that development servers are set up with, and that sentences need.
var (
	harmless = []string{"true", "false", "null", "none"}
	familiar = []string{"airflow", "airlock", "postgres", "postgresql", "localhost", "password", "secret", "secrets", "default", "public",
		"database", "variable", "variables", "connection", "connections", "config"}
)

func isOne(of []string, text string) bool { return slices.Contains(of, strings.ToLower(text)) }
