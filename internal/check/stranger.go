package check

import (
	"slices"
	"strings"
	"sync"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/stores"
)

// words are what stands between the marks of a line.
var words = lazyregexp.New(`[^\s"'\\{}\[\],;=()<>|&#$` + "`" + `]+`)

// strangers are the words of a line that are none of ours. A quote that is
// missing makes a value stand where a name is expected, so no place in a line
// makes a word harmless.
func strangers(kind project.Kind, line string) []stretch {
	familiar := isFamiliar
	if isCommand(kind, line) {
		familiar = func(word string) bool { return isFamiliar(word) || plainWord.MatchString(word) }
	}
	var all []stretch
	for _, m := range words.FindAllStringIndex(line, -1) {
		start, end := m[0], m[1]
		word := strings.TrimRight(line[start:end], ":")
		if next := line[start+len(word):]; capitals.MatchString(word) && next != "" && strings.IndexByte("=:", next[0]) >= 0 {
			continue
		}
		if familiar(word) || lowerWord.MatchString(word) && isChosen(line[max(0, start-mostBefore):start]) {
			continue
		}
		if placeholder := start > 0 && line[start-1] == '<' && strings.HasPrefix(line[start+len(word):], ">"); placeholder && constant.MatchString("<"+word+">") {
			continue
		}
		if n := len(all); n > 0 && strings.Trim(line[all[n-1].end:start], " ") == "" {
			all[n-1].end = start + len(word)
			continue
		}
		all = append(all, stretch{start, start + len(word)})
	}
	return all
}

// isCommand tells whether a line is one of a shell, in which words are names
// of programs, options and paths.
func isCommand(kind project.Kind, line string) bool {
	instruction, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return kind == project.Script || kind == project.Document || kind == project.Dockerfile && !slices.Contains([]string{"ENV", "ARG", "LABEL"}, strings.ToUpper(instruction))
}

// plainWord is a word of a command: letters of one case, with marks between
// them, and short numbers.
var plainWord = lazyregexp.New(`^-{0,2}/?([A-Z]?[a-z]*|[A-Z]+|[0-9]{1,4})([-_./:%+@!*?~^]+([A-Z]?[a-z]*|[A-Z]+|[0-9]{1,4}))*$`)

// capitals is the name of a variable of an environment: no token is of capitals
// alone.
var capitals = lazyregexp.New(`^[A-Z][A-Z_]{0,60}[0-9]{0,2}$`)

// mostBefore is how much of a line is looked at for the name of a value.
const mostBefore = 100

// before is a name and what separates it from its value.
var before = lazyregexp.New(`([A-Za-z_][A-Za-z0-9_]*)\\?["']?[ \t]*[:=][ \t]*\\?["']?$`)

// isChosen tells whether a value that follows is one that people choose freely
// and that is no secret.
func isChosen(line string) bool {
	m := before.FindStringSubmatch(line)
	return m != nil && harmlessName.MatchString(m[1])
}

// lowerWord is a value as people choose them for mounts, paths and regions.
var lowerWord = lazyregexp.New(`^/?[a-z][a-z_]{0,24}([-/.][a-z_]{0,24}|-?[0-9]{1,2}){0,5}$|^[0-9]{1,5}$`)

// isFamiliar tells whether a word is a name that the programs know, nearly one,
// or a value that says nothing.
func isFamiliar(word string) bool {
	return word == "-" || isHarmless(word) || isKnownName(word)
}

// vocabularies are the words that may stand before a value: all of them, and
// those that a slip of the keyboard is looked for in.
var vocabularies = sync.OnceValues(func() (all map[string]bool, slips []string) {
	slips = slices.Concat(classNames, kwargsNames)
	for _, row := range stores.Known() {
		slips = append(slips, row.Kwargs...)
	}
	for _, list := range cloudNames {
		slips = append(slips, list...)
	}
	slices.Sort(slips)
	slips = slices.Compact(slips)
	all = map[string]bool{}
	options, _ := airflow.Options() // of a catalogue that is built in
	for _, o := range options {
		all[o.Key], all[o.Section], all[airflow.OptionEnv(o.Section, o.Key)] = true, true, true
	}
	for _, name := range slices.Concat(slips, formatWords) {
		all[name] = true
	}
	return all, slips
})

// isKnownName tells whether a word is a name that a program knows, or nearly one.
func isKnownName(word string) bool {
	all, slips := vocabularies()
	return all[word] || slip.MatchString(word) && excerpt.IsNear(word, slips)
}

// slip is what a misspelt name still is.
var slip = lazyregexp.New(`^[A-Za-z_][A-Za-z_-]{3,50}$`)

// formatWords are words of the files themselves.
var formatWords = strings.Fields("export ENV ARG LABEL name value key env extraEnv stringData data is_secret variable_name variable_value conn_id conn_type conn_host" +
	" conn_login conn_password conn_port conn_schema conn_extra private_key private_key_id client_email client_secret token_uri auth_uri conn_uri HTTPS_PROXY HTTP_PROXY" +
	" host login password schema port extra")
