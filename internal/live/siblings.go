package live

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/spelling"
	"github.com/airlock-secrets/airlock/store"
)

// sibling is a name under which a person may have kept what Airflow asks for
// by another.
type sibling struct {
	name, why, fix string
	// guess is set for a name that only looks like the one that is missing.
	guess bool
}

// siblings looks where else the ids may be that a layer does not have: in the
// lists of the prefixes where the caller may list, else name by name.
func (r *run) siblings(ctx context.Context, l *layer) {
	if len(l.missing) == 0 || l.blamed || l.store.down != nil {
		return
	}
	s := &search{run: r, layer: l, ctx: ctx, lists: map[string][]string{}}
	for _, w := range l.missing {
		s.one(w)
	}
	for _, kind := range airflow.Kinds() {
		s.prefixes(kind)
	}
}

// search is one hunt for siblings.
type search struct {
	*run
	layer *layer
	ctx   context.Context
	// lists :: prefix -> what begins with it, as far as it was asked.
	lists map[string][]string
	// closed is set once the caller turns out not to list.
	closed bool
	tries  int
}

// list is what begins with a prefix; ok is false where that is not known.
func (s *search) list(prefix string) (names []string, ok bool) {
	if whole := asked(s.layer.src.Dialect, prefix); whole != prefix {
		all, ok := s.list(whole)
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !strings.HasPrefix(name, prefix) }), ok
	}
	if names, ok = s.lists[prefix]; ok {
		return names, true
	}
	if s.closed || len(s.lists) >= mostPeeks || s.ctx.Err() != nil {
		return nil, false
	}
	bound, cancel := context.WithTimeout(s.ctx, s.Timeout)
	defer cancel()
	names, err := s.layer.prober.Peek(bound, prefix)
	if err != nil {
		s.closed = store.CodeOf(err) == store.Denied || useless(err)
		if s.closed && useless(err) {
			s.tries = mostTries
		}
		return nil, false
	}
	s.lists[prefix] = names
	return names, true
}

// asked is the prefix to list for a prefix: Google and Azure list everything
// whatever is asked.
func asked(d dialect.Dialect, prefix string) string {
	switch d.(type) {
	case *dialect.GCP, *dialect.Azure:
		return ""
	}
	return prefix
}

// one looks for the siblings of one id.
func (s *search) one(w Want) {
	names := s.layer.names(w.Ref)
	if len(names) == 0 {
		return
	}
	right := names[0]
	for _, c := range candidates(s.layer.src.Dialect, w.Ref) {
		if s.has(c.name) {
			s.misnamed(w, right, c)
			return
		}
	}
	near, ok := s.list(folderOf(right, w.Ref.ID))
	if !ok {
		return
	}
	if best := nearest(right, near, s.names(s.layer)); best != "" {
		s.misnamed(w, right, sibling{name: best, why: "a name that is spelt nearly alike", fix: "correct the id in the DAG, or rename the secret", guess: true})
	}
}

// has tells whether there is a secret of that name.
func (s *search) has(name string) bool {
	if names, ok := s.list(cutFolder(name)); ok {
		return slices.Contains(names, name)
	}
	if !s.closed || s.tries >= mostTries || s.ctx.Err() != nil {
		return false
	}
	s.tries++
	bound, cancel := context.WithTimeout(s.ctx, s.Timeout)
	defer cancel()
	_, err := s.layer.store.Store.Get(bound, name) // what it holds is let go
	return err == nil
}

// misnamed puts the finding of a sibling in the place of the id's other one.
func (s *search) misnamed(w Want, right string, c sibling) {
	severity := check.Severity("")
	s.out.Findings = slices.DeleteFunc(s.out.Findings, func(f check.Finding) bool {
		same := f.Rule == ruleMissing && f.Message == s.missed[w.Ref]
		if same && c.guess { // the id itself may be where it cannot be seen
			severity = f.Severity
		}
		return same
	})
	at := func(name string) string { return store.Locate(s.layer.store, name) }
	fix := c.fix
	if fix == "" {
		fix = fmt.Sprintf("move it from %s to %s", at(c.name), at(right))
	}
	s.add(ruleMisnamed, severity, w.Place, fmt.Sprintf("%s: %s is not at %s, but there is %s: %s", s.layer.label(), w.Ref, at(right), at(c.name), c.why), fix)
}

// prefixes compares the prefix of a kind with its siblings.
func (s *search) prefixes(kind airflow.Kind) {
	const probe = "x"
	names := s.layer.names(airflow.Ref{Kind: kind, ID: probe})
	if len(names) == 0 || !slices.ContainsFunc(s.layer.missing, func(w Want) bool { return w.Ref.Kind == kind }) {
		return
	}
	prefix := folderOf(names[0], probe)
	if own, ok := s.list(prefix); !ok || len(own) > 0 || prefix == "" {
		return
	}
	for _, other := range siblingPrefixes(s.layer.src.Dialect, prefix) {
		if held, ok := s.list(other.name); ok && len(held) > 0 && other.name != prefix {
			s.add(rulePrefix, "", s.at(s.layer), fmt.Sprintf("%s: nothing is below %q, where %ss are looked for, but %s below %q",
				s.layer.label(), prefix, kind, are(len(held)), other.name), fmt.Sprintf(other.fix, kwarg(s.layer.src.Dialect, kind)))
		}
	}
}

func are(n int) string {
	if n == 1 {
		return "1 secret is"
	}
	return fmt.Sprintf("%d secrets are", n)
}

// folderOf is what stands before the id in a name.
func folderOf(name, id string) string { return strings.TrimSuffix(name, id) }

// cutFolder is the part of a name up to its last separator.
func cutFolder(name string) string {
	if i := strings.LastIndex(name, "/"); i >= 0 {
		return name[:i+1]
	}
	return ""
}

// nearest is the name that is spelt most like right, of those that nobody asks
// for; "" where none is near. Names that differ in digits are different.
func nearest(right string, names, wanted []string) string {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, s)
	}
	best, least := "", 3
	for _, name := range names {
		if strings.HasSuffix(name, "/") || len(name) > 300 || len(right) > 300 ||
			letters(name) == letters(right) || slices.Contains(wanted, name) {
			continue
		}
		if d := spelling.Distance(name, right); d < least && len(right) > 3*d {
			best, least = name, d
		}
	}
	return best
}

// candidates are the siblings of the names of ref.
func candidates(d dialect.Dialect, ref airflow.Ref) []sibling {
	right := d.Names(ref).Names
	var list []sibling
	add := func(name, why, fix string) {
		if name != "" && !slices.Contains(right, name) && !slices.ContainsFunc(list, func(s sibling) bool { return s.name == name }) {
			list = append(list, sibling{name: name, why: why, fix: fix})
		}
	}
	switch d := d.(type) {
	case *dialect.SecretsManager:
		for _, name := range right {
			add(toggleSlash(name), "the one begins with a slash, the other does not", slashFix(kwarg(d, ref.Kind), cutSuffixes(toggleSlash(name), ref.ID, d.Sep)))
		}
	case *dialect.Vault:
		add(ref.ID, "it is not below "+strings.Join(basesOf(d, ref.Kind), ", "), "")
		for _, name := range right {
			add("data/"+name, "the path has data/ twice: the engine adds one itself", "")
		}
	case *dialect.GCP:
		for _, name := range right {
			add(strings.ReplaceAll(name, "_", "-"), "it has dashes in the place of underscores", "")
			add(folderOf(name, ref.ID)+strings.ReplaceAll(ref.ID, "-", "_"), "it has underscores in the place of dashes", "")
		}
	case *dialect.Azure:
		other := *d
		other.Sep = map[bool]string{true: "-", false: ""}[d.Sep == ""]
		for _, name := range other.Names(ref).Names {
			add(name, fmt.Sprintf("the separator is %q there", other.Sep), fmt.Sprintf(`"sep": %q`, other.Sep))
		}
	}
	for _, kind := range []airflow.Kind{airflow.KindVariable, airflow.KindConnection} {
		if kind == ref.Kind {
			continue
		}
		for _, name := range d.Names(airflow.Ref{Kind: kind, ID: ref.ID}).Names {
			add(name, fmt.Sprintf("that is where %ss are", kind), "")
		}
	}
	return list
}

func toggleSlash(name string) string {
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		return rest
	}
	return "/" + name
}

func cutSuffixes(name, id, sep string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, id), sep)
}

func slashFix(kwarg, prefix string) string { return fmt.Sprintf("%q: %q", kwarg, prefix) }

func basesOf(d *dialect.Vault, kind airflow.Kind) []string {
	if kind == airflow.KindConnection {
		return d.ConnectionsPath
	}
	return d.VariablesPath
}

// kwarg is the one that sets the prefix of a kind.
func kwarg(d dialect.Dialect, kind airflow.Kind) string {
	name := map[airflow.Kind]string{airflow.KindConnection: "connections", airflow.KindVariable: "variables", airflow.KindConfig: "config"}[kind]
	if _, vault := d.(*dialect.Vault); vault {
		return name + "_path"
	}
	return name + "_prefix"
}

// siblingPrefixes are prefixes that may be meant in the place of one; the fix
// has a verb for the kwarg.
func siblingPrefixes(d dialect.Dialect, prefix string) []sibling {
	switch d := d.(type) {
	case *dialect.SecretsManager:
		other := toggleSlash(prefix)
		return []sibling{{name: other, fix: `"%s": ` + fmt.Sprintf("%q", strings.TrimSuffix(other, d.Sep))}}
	case *dialect.Vault:
		folder := strings.Trim(prefix, "/")
		return []sibling{{name: "airflow/" + folder + "/", fix: `"%s": ` + fmt.Sprintf("%q", "airflow/"+folder)},
			{name: "data/" + folder + "/", fix: "the secrets were written with data/ in their path, which the engine adds itself: move them, or set \"%s\""}}
	case *dialect.GCP:
		return []sibling{{name: strings.ReplaceAll(prefix, "-", "_"), fix: `"%s": ` + fmt.Sprintf("%q", strings.ReplaceAll(strings.TrimSuffix(prefix, d.Sep), "-", "_"))}}
	}
	return nil
}
