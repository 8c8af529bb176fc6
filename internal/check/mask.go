package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

// Masked is a line of a file with *** in place of whatever may be a secret.
// It hides rather too much: only values whose names are known to be harmless
// are kept.
func Masked(kind project.Kind, line string) string {
	var b strings.Builder
	at := 0
	for _, r := range hidden(kind, line) {
		b.WriteString(line[at:r.start])
		b.WriteString("***")
		at = r.end
	}
	return b.String() + line[at:]
}

// stretch is bytes start to end of a line.
type stretch struct{ start, end int }

// pair is a name, what separates it, and where its value begins.
var pair = lazyregexp.New(`["']?([A-Za-z_][A-Za-z0-9_.-]*)\\?["']?[ \t]*[:=][ \t]*`)

// harmlessName are names whose values are no secret; in an object of kwargs and
// as options alike.
var harmlessName = lazyregexp.New(`^(?i:AIRFLOW__(SECRETS__BACKEND|WORKERS__SECRETS_BACKEND)|(secrets_)?backend|class|(connections|variables|config)_(prefix|path|lookup_pattern)|sep|mount_point|auth_type|auth_mount_point|kv_engine_version|namespace|profile|profile_name|region|region_name|AWS_(DEFAULT_)?REGION|project_id|vault_url|kind|apiVersion|name|image|env|envFrom|secretBackend|is_secret|conn_type|conn_schema|conn_port|type|schedule|schedule_interval)$`)

// container are names whose values hold further pairs.
var container = lazyregexp.New(`(?i:kwargs|^value|^env|^conn_extra|^extra)$`)

// constant are values that say nothing.
var constant = lazyregexp.New(`^(true|false|null|None|True|False|<[A-Za-z][A-Za-z _-]*>|)$`)

// isHarmless tells whether a value says nothing: a constant, a placeholder, a
// class that is known, an address without user information.
func isHarmless(text string) bool {
	text = strings.TrimSpace(text)
	if n := len(text); n > 1 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		text = text[1 : n-1]
	}
	return constant.MatchString(text) || known(text) || excerpt.Address(text) == strings.TrimSuffix(strings.ToLower(text), "/")
}

// blob is a long word, such as a line of a key; it has a digit.
var blob = lazyregexp.New(`[A-Za-z0-9+/_-]{24,}={0,2}`)

// userInfo is what stands before the host of an address.
var userInfo = lazyregexp.New(`://[^\s"'/@]*@`)

// harmlessKinds are files that hold no values, but for addresses with a
// password in them.
var harmlessKinds = []project.Kind{project.RequirementList, project.Ignore, project.VaultPolicy, project.CloudPolicy}

// literal is from the first quote of a line to the last.
var literal = lazyregexp.New(`["'].*["']`)

// schedule is the argument of a DAG that its fixes are about, without quotes
// in its text.
var schedule = lazyregexp.New(`\bschedule(_interval)?[ \t]*=[ \t]*("[^"\\]{0,40}"|'[^'\\]{0,40}')`)

// hidden are the stretches of a line that may be secrets, in order.
func hidden(kind project.Kind, line string) []stretch {
	switch {
	case kind == project.DAG:
		return merged(append(literals(line), userInfos(line)...))
	case slices.Contains(harmlessKinds, kind):
		return userInfos(line)
	}
	var all []stretch
	for at := 0; at < len(line); {
		m := pair.FindStringSubmatchIndex(line[at:])
		if m == nil {
			break
		}
		name, value := line[at+m[2]:at+m[3]], at+m[1]
		end := valueEnd(line, value)
		switch text := line[value:end]; {
		case container.MatchString(name) && strings.ContainsAny(text, "{"):
			end = value
		case !harmlessName.MatchString(name) && !isHarmless(text):
			all = append(all, unquoted(line, value, end))
		}
		at = max(end, at+m[1])
	}
	for _, m := range blob.FindAllStringIndex(line, -1) {
		if strings.ContainsAny(line[m[0]:m[1]], "0123456789") {
			all = append(all, stretch{m[0], m[1]})
		}
	}
	all = append(all, userInfos(line)...)
	return merged(append(all, strangers(kind, line)...))
}

// userInfos are the users and passwords of addresses.
func userInfos(line string) []stretch {
	var all []stretch
	for _, m := range userInfo.FindAllStringIndex(line, -1) {
		all = append(all, stretch{m[0] + len("://"), m[1] - len("@")})
	}
	return all
}

// literals are the texts in a line of Python, but for the schedule of a DAG:
// people write passwords into DAGs. A line that ends a text of several lines
// is hidden up to there.
func literals(line string) []stretch {
	var all []stretch
	begin := 0
	if end := max(strings.LastIndex(line, `"""`), strings.LastIndex(line, "'''")); end >= 0 {
		all, begin = []stretch{{0, end}}, end
	}
	hide := func(start, end int) {
		if m := literal.FindStringIndex(line[start:end]); m != nil {
			all = append(all, stretch{start + m[0] + 1, start + m[1] - 1})
		}
	}
	for _, m := range schedule.FindAllStringIndex(line[begin:], -1) {
		hide(begin, begin+m[0])
		begin += m[1]
	}
	hide(begin, len(line))
	return all
}

// valueEnd is where a value ends: at its closing quote, at the comma or brace
// of the object it stands in, or at the line's end.
func valueEnd(line string, start int) int {
	if start >= len(line) {
		return len(line)
	}
	rest := line[start:]
	if q := rest[0]; q == '"' || q == '\'' {
		for i := 1; i < len(rest); i++ {
			if rest[i] == '\\' {
				i++
			} else if rest[i] == q {
				return start + i + 1
			}
		}
		return len(line)
	}
	if escaped := `\"`; strings.HasPrefix(rest, escaped) {
		if i := strings.Index(rest[len(escaped):], escaped); i >= 0 {
			return start + i + 2*len(escaped)
		}
		return len(line)
	}
	if inObject := strings.ContainsAny(line[:start], "{"); inObject {
		if i := strings.IndexAny(rest, ",}"); i >= 0 {
			return start + i
		}
	}
	return len(line)
}

// unquoted leaves quotes and outer blanks to be seen.
func unquoted(line string, start, end int) stretch {
	for start < end && strings.ContainsRune(" \t\"'\\", rune(line[start])) {
		start++
	}
	for end > start && strings.ContainsRune(" \t\r\n\"'\\", rune(line[end-1])) {
		end--
	}
	return stretch{start, end}
}

// merged sorts stretches and joins those that overlap.
func merged(all []stretch) []stretch {
	slices.SortFunc(all, func(a, b stretch) int { return cmp.Or(a.start-b.start, a.end-b.end) })
	var out []stretch
	for _, s := range all {
		if s.start >= s.end {
			continue
		}
		if n := len(out); n > 0 && s.start <= out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}
