package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/project"
)

func shadowRules() []Rule {
	return []Rule{{
		ID: "shadowed-id", Severity: Warning, Title: "an id has a value in two places, and one hides the other",
		Why: "The order is: secrets backend, environment, metadata database. The first that has the id answers. " +
			"A change of the other one has no effect, which is hard to see.",
		Airflow: "Airflow takes the first layer that has the id and asks no further.",
		Find:    findShadowed,
	}}
}

// rank is the place of a layer in Airflow's order.
func rank(l project.Layer) int {
	return slices.Index([]project.Layer{project.InStore, project.InEnvironment, project.InDatabase}, l)
}

func findShadowed(s *Subject, report Report) {
	type holder struct {
		layer project.Layer
		at    project.Span
		ref   airflow.Ref
	}
	holders := map[string][]holder{} // :: kind and upper-case id -> who has it
	names := namings(s)
	for i := range s.Project.Entries {
		e := &s.Project.Entries[i]
		if rank(e.Layer) < 0 || e.At.File == nil {
			continue
		}
		for _, ref := range refsOf(names, e) {
			key := string(ref.Kind) + " " + strings.ToUpper(ref.ID)
			holders[key] = append(holders[key], holder{e.Layer, e.At, ref})
		}
	}
	for _, list := range holders {
		first := slices.MinFunc(list, func(a, b holder) int {
			return cmp.Or(cmp.Compare(rank(a.layer), rank(b.layer)), cmp.Compare(a.at.Path(), b.at.Path()), cmp.Compare(a.at.Start, b.at.Start))
		})
		for _, h := range list {
			if rank(h.layer) == rank(first.layer) {
				continue
			}
			f := Finding{Span: h.at, Message: fmt.Sprintf("%s %q: what stands here is hidden by the %s, which has it from %s:%d",
				h.ref.Kind, h.ref.ID, layerName(first.layer), first.at.Path(), line(first.at)),
				Fix: "keep one of the two"}
			if first.layer == project.InStore {
				f.Severity = Note // whether the command has run, nobody knows here
			}
			report(f)
		}
	}
}

func layerName(l project.Layer) string {
	if l == project.InStore {
		return "secrets backend"
	}
	return string(l)
}

// refsOf are the ids that an entry is for: those that a configured backend asks
// for under its name, where a command writes it to a store.
func refsOf(names []*naming, e *project.Entry) []airflow.Ref {
	if e.Store == "" {
		if e.ID == "" {
			return nil
		}
		return []airflow.Ref{{Kind: e.Kind, ID: e.ID}}
	}
	var refs []airflow.Ref
	for _, n := range names {
		if n.Row.Service != e.Store || dynamic(e.Remote) {
			continue
		}
		for _, ref := range n.refs(e.Remote) {
			if ref.Kind != airflow.KindConfig && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}
