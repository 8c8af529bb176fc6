package settings

import (
	"errors"
	"os/user"
	"strings"
)

// errEndless is where Airflow itself would never finish.
var errEndless = errors.New("variables in the value refer to each other without end")

// Rounds that change the text, and bytes it may reach, before expansion is
// taken to be endless.
const (
	mostRounds = 100
	mostText   = 16 << 20
)

// Expand fills in $NAME, ${NAME} and a leading ~ from the merged environment
// until nothing changes, as Airflow does with options (expand_env_var). What
// is not set stays as it is.
func (s *Settings) Expand(text string) (string, error) { return s.expandWith(text, s.lookupMerged) }

func (s *Settings) expandWith(text string, variables lookup) (string, error) {
	for range mostRounds {
		vars, ok := expandVars(text, variables)
		if !ok {
			return "", errEndless
		}
		next := s.expandUser(vars)
		if next == text {
			return text, nil
		}
		text = next
	}
	return "", errEndless
}

// expandVars is Python's os.path.expandvars: one pass, in which what is
// filled in is not looked at again. It reports false when the text gets too
// long.
func expandVars(text string, variables lookup) (string, bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, whole := variableName(after)
		value, ok := "", false
		if whole != "" {
			value, ok = variables(name)
		}
		if !ok {
			value = "$" + whole
		}
		if b.Len()+len(value) > mostText {
			return "", false
		}
		b.WriteString(value)
		text = after[len(whole):]
	}
}

// variableName takes NAME or {NAME} from the start of text; whole is what
// stands for it there, "" for neither.
func variableName(text string) (name, whole string) {
	if strings.HasPrefix(text, "{") {
		if end := strings.IndexByte(text, '}'); end > 0 {
			return text[1:end], text[:end+1]
		}
		return "", ""
	}
	end := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[:end]
}

// expandUser is Python's os.path.expanduser.
func (s *Settings) expandUser(text string) string {
	if !strings.HasPrefix(text, "~") {
		return text
	}
	name, rest := text[1:], ""
	if i := strings.IndexByte(name, '/'); i >= 0 {
		name, rest = name[:i], name[i:]
	}
	home := s.home
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return text
		}
		home = u.HomeDir
	}
	if path := strings.TrimRight(home, "/") + rest; path != "" {
		return path
	}
	return "/"
}
