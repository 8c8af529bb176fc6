package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func nameRules() []Rule {
	return slices.Concat([]Rule{{
		ID: "secret-outside-prefix", Severity: Error,
		Title: "a command writes a secret under a name that Airflow does not ask for",
		Why: "A backend puts a name together from its prefix and the id, to the letter. A slash more or less, another mount or a dash " +
			"instead of a slash makes another secret of it.",
		Airflow: "The backend asks for its own name only, takes the answer \"not found\" as None and says so at debug level at most. Airflow goes on " +
			"to the environment and the metadata database; where they have nothing either, the look-up fails as if the variable or connection had never been made: " +
			"VARIABLE_NOT_FOUND, or \"The conn_id ... isn't defined\".",
		Find: findOutsidePrefix,
	}, {
		ID: "secret-of-other-kind", Severity: Warning,
		Title: "a secret is written as a variable but used as a connection, or the other way round",
		Why:   "Variables and connections have prefixes of their own. What stands under one is not found under the other.",
		Airflow: "A variable is asked for under the prefix of variables and a connection under that of connections. The one under the " +
			"other prefix is not found.",
		Find: findOtherKind,
	}}, prefixRules(), idRules(), documentRules())
}

func findOutsidePrefix(s *Subject, report Report) {
	byService := map[string][]*naming{}
	for _, n := range namings(s) {
		byService[n.Row.Service] = append(byService[n.Row.Service], n)
	}
	for service, list := range byService {
		for _, e := range written(s, service) {
			plain, back := fillIn(e.Remote)
			name := storePath(e, plain)
			if coveredBy(list, name) || !holds(service, name) {
				continue
			}
			for _, n := range list {
				want, ok := n.intended(name)
				if !ok || service == "secretsmanager" && want == "/"+name {
					continue // the slash is reported where the prefix stands
				}
				want = back(want)
				report(Finding{
					Span: e.At, Message: fmt.Sprintf("the command writes %q, but the backend of %s asks %s for %q", e.Remote, place(n.spot()), serviceName(service), want),
					Fix: want,
				})
				break
			}
		}
	}
}

// storeName is the name that a command writes, each part that is filled in
// later replaced by a letter.
func storeName(e *project.Entry) string {
	return storePath(e, filledName(e.Remote))
}

func storePath(e *project.Entry, name string) string {
	if e.Store == "vault" && e.Command != nil && len(e.Command.Words) > 1 && e.Command.Words[1].Text == "write" {
		// The API's own path, of version 2.
		if mount, rest, ok := strings.Cut(name, "/data/"); ok {
			return mount + "/" + rest
		}
	}
	return name
}

// openPart are the parts of a name that a shell or a reader fills in.
var openPart = lazyregexp.New(`<[^<>]*>|\$\{[^{}]*\}|\$\([^()]*\)|\$[A-Za-z_][A-Za-z0-9_]*|\{\{?[^{}]*\}?\}|\*`)

// filledName replaces what is filled in by letters.
func filledName(name string) string {
	plain, _ := fillIn(name)
	return plain
}

// fillIn replaces what is filled in by letters, and gives the way back.
func fillIn(name string) (plain string, back func(string) string) {
	if !strings.ContainsAny(name, "<${*") {
		return name, func(text string) string { return text }
	}
	var pairs []string
	plain = openPart.ReplaceAllStringFunc(name, func(part string) string {
		letters := "zz9" + strings.Repeat("z", len(pairs)/2+1) + "9"
		pairs = append(pairs, letters, part)
		return letters
	})
	return plain, strings.NewReplacer(pairs...).Replace
}

// holds tells whether a service can have a secret of that name.
func holds(service, name string) bool {
	switch service {
	case "azure":
		return dialect.AzureHolds(name)
	case "gcp":
		return gcpHolds(name)
	}
	return true
}

func coveredBy(list []*naming, name string) bool {
	return slices.ContainsFunc(list, func(n *naming) bool { return n.covers(name) })
}

// covers tells whether some look-up asks for a name. Nobody's id begins with a
// dash or a slash: such a name has a separator more than the backend.
func (n *naming) covers(name string) bool {
	if n.Row.Service == "azure" { // whose names know no case
		for _, kind := range airflow.Kinds() {
			prefix, ok := n.prefix(kind)
			if ok && len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) && isID(name[len(prefix):]) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(n.refs(name), func(ref airflow.Ref) bool { return isID(ref.ID) })
}

func isID(text string) bool { return text != "" && text[0] != '-' && text[0] != '/' }

// intended is the name that a backend would ask for instead of one that no
// prefix covers. It is not ok where the name does not look as if it were meant
// for Airflow.
func (n *naming) intended(name string) (want string, ok bool) {
	if n.Row.Service == "vault" {
		return n.intendedPath(name)
	}
	longest := 0
	for _, kind := range airflow.Kinds() {
		prefix, on := n.prefix(kind)
		if !on || folded(prefix) == "" {
			continue
		}
		id, found := afterFolded(name, prefix)
		exact := strings.HasPrefix(strings.TrimLeft(name, "/"), strings.TrimLeft(prefix, "/"))
		if found && (saysKind(prefix) || exact) && len(prefix) > longest {
			longest, want = len(prefix), n.remote(kind, id)
		}
	}
	for _, kind := range airflow.Kinds() {
		if id, found := afterFolded(name, defaultPrefix(kind)); found && want == "" {
			want = n.remote(kind, id)
		}
	}
	return want, want != "" && want != name
}

// intendedPath looks for a path of Vault's under the wrong mount, with the
// "data" of the API, or under a usual word for what it holds.
func (n *naming) intendedPath(name string) (want string, ok bool) {
	if n.mount == "" {
		return "", false
	}
	segments := strings.Split(strings.Trim(name, "/"), "/")
	for drop := range min(3, len(segments)) {
		rest := segments[drop:]
		if drop > 0 && len(rest) > 1 && rest[0] == "data" {
			rest = rest[1:]
		}
		path := strings.Join(rest, "/")
		for _, ref := range n.rules.Refs(path) {
			if prefix, _ := n.prefix(ref.Kind); prefix != n.mount+"/" {
				return n.mount + "/" + path, true
			}
		}
	}
	rest, ok := strings.CutPrefix(strings.Trim(name, "/"), n.mount+"/")
	if !ok {
		return "", false
	}
	for _, kind := range airflow.Kinds() {
		for _, base := range []string{string(kind), string(kind) + "s", "airflow/" + string(kind) + "s"} {
			if id, found := strings.CutPrefix(rest, base+"/"); found && id != "" && n.remote(kind, id) != "" {
				return n.remote(kind, id), true
			}
		}
	}
	return "", false
}

// defaultPrefix is how the providers' own prefixes begin, folded.
func defaultPrefix(kind airflow.Kind) string {
	if kind == airflow.KindConfig {
		return "airflow config"
	}
	return "airflow " + string(kind) + "s"
}

// saysKind tells whether a prefix names what it holds.
func saysKind(prefix string) bool {
	text := folded(prefix)
	return slices.ContainsFunc(airflow.Kinds(), func(k airflow.Kind) bool { return strings.Contains(text, string(k)) })
}

// folded are the letters and digits of a name, in lower case.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		if isWordRune(r) {
			return r
		}
		return -1
	}, strings.ToLower(name))
}

func isWordRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// afterFolded is what follows a prefix in a name when both are compared by
// their letters and digits only, without what separates the two.
func afterFolded(name, prefix string) (id string, ok bool) {
	const separators = "/-_.:"
	left := folded(prefix)
	for i, r := range name {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		switch {
		case left == "":
			id = strings.TrimLeft(name[i:], separators)
			return id, id != "" && len(id) < len(name[i:])
		case !isWordRune(r):
		case rune(left[0]) != r:
			return "", false
		default:
			left = left[1:]
		}
	}
	return "", false
}

// spot is the place to name for a backend: its kwargs, or its class.
func (n *naming) spot() project.Span {
	if n.Kwargs != nil {
		return n.Kwargs.Key
	}
	return n.Class.Key
}

// place names where a span stands: ".env:3".
func place(at project.Span) string {
	line, _ := at.Position()
	if line == 0 || at.File.Kind == project.Process {
		return "the " + string(project.Process)
	}
	return fmt.Sprintf("%s:%d", at.Path(), line)
}
