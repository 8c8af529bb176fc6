package airflow

import (
	"errors"
	"strings"
)

// ErrEndlessExpansion reports variables that refer to each other without end:
// Airflow itself would never come back.
var ErrEndlessExpansion = errors.New("variables in the value refer to each other without end")

const (
	// maxExpansions is how often a value may change before it is endless.
	maxExpansions = 100
	// maxExpanded is how long it may become, in bytes.
	maxExpanded = 16 << 20
)

// ExpandVars fills in $NAME, ${NAME} and a leading ~ or ~user as Airflow does
// with every option from the environment or airflow.cfg (expand_env_var):
// again and again until nothing changes. What lookup does not know stays as
// it is. home gives the home folder of a user, "" being the current one; nil
// means that none is known. The error is ErrEndlessExpansion.
func ExpandVars(text string, lookup func(name string) (string, bool), home func(user string) (string, bool)) (string, error) {
	for range maxExpansions {
		next, ok := expandOnce(text, lookup)
		if !ok {
			return "", ErrEndlessExpansion
		}
		next = expandHome(next, home)
		if next == text {
			return text, nil
		}
		text = next
	}
	return "", ErrEndlessExpansion
}

// expandOnce is os.path.expandvars: one pass, which does not look again at
// what it has filled in. It reports false when the text gets too long.
func expandOnce(text string, lookup func(string) (string, bool)) (string, bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), b.Len() <= maxExpanded
		}
		name, length := variableName(after)
		value, known := "", false
		if length > 0 {
			value, known = lookup(name)
		}
		if !known {
			value = "$" + after[:length]
		}
		if b.Len()+len(value) > maxExpanded {
			return "", false
		}
		b.WriteString(value)
		text = after[length:]
	}
}

// variableName reads NAME or {NAME} at the start of s and says how many bytes
// it takes, 0 where there is neither.
func variableName(s string) (name string, length int) {
	if strings.HasPrefix(s, "{") {
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return "", 0
		}
		return s[1:end], end + 1
	}
	n := 0
	for n < len(s) && (s[n] == '_' || '0' <= s[n] && s[n] <= '9' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z') {
		n++
	}
	return s[:n], n
}

// expandHome is os.path.expanduser.
func expandHome(text string, home func(string) (string, bool)) string {
	if !strings.HasPrefix(text, "~") || home == nil {
		return text
	}
	end := strings.IndexByte(text, '/')
	if end < 0 {
		end = len(text)
	}
	folder, ok := home(text[1:end])
	if !ok {
		return text
	}
	if path := strings.TrimRight(folder, "/") + text[end:]; path != "" {
		return path
	}
	return "/"
}
