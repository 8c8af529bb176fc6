package check

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
)

func idRules() []Rule {
	return []Rule{{
		ID: "double-dash-id", Severity: Note,
		Title: "an id holds the two dashes that stand between team and id",
		Why: "The Amazon, Google and Azure backends name a team's secret TEAM--ID. An id with two dashes in it (Azure: also two " +
			"underscores, which become dashes) reads like the secret of a team.",
		Airflow: "Once core.multi_team is on, these backends refuse such an id: they log the warning \"... Such an id is ambiguous and is not " +
			"looked up. Returning None.\" and ask nothing.",
		Find: findTeamIDs,
	}, {
		ID: "ids-collide", Severity: Warning,
		Title: "two ids are one name where they are kept",
		Why: "An environment variable has the id in upper case, so that ids which differ by case only are one variable; Vault takes several " +
			"slashes in a row for one.",
		Airflow: "Airflow makes one name of both ids, and both get the same value.",
		Find:    findCollidingIDs,
	}}
}

func findTeamIDs(s *Subject, report Report) {
	for _, u := range usesOf(s) {
		for _, n := range namings(s) {
			id := u.ref.ID
			switch n.Row.Service {
			case "azure":
				if sep, ok := n.text("sep"); ok {
					id = strings.ReplaceAll(id, "_", sep)
				} else {
					id = strings.ReplaceAll(id, "_", "-")
				}
			case "ssm", "secretsmanager", "gcp":
			default:
				continue
			}
			if !strings.Contains(id, "--") {
				continue
			}
			f := Finding{
				Message: fmt.Sprintf("the id %q looks like one of a team: %s will refuse it once core.multi_team is on", u.ref.ID, lastPart(n.Row.Class)),
				Fix:     strings.Trim(squeeze(id, "-"), "-"),
			}
			if n.multiTeam {
				f.Severity = Error
				f.Message = fmt.Sprintf("the id %q looks like one of a team, and core.multi_team is on: %s refuses it", u.ref.ID, lastPart(n.Row.Class))
			}
			report(u.at(f))
			break
		}
	}
}

// squeeze makes one of several in a row.
func squeeze(text, of string) string {
	for strings.Contains(text, of+of) {
		text = strings.ReplaceAll(text, of+of, of)
	}
	return text
}

// lastPart is the name of a class without its package.
func lastPart(class string) string { return class[strings.LastIndexByte(class, '.')+1:] }

func findCollidingIDs(s *Subject, report Report) {
	uses := usesOf(s)
	if len(uses) == 0 {
		return
	}
	collide(uses, func(ref airflow.Ref) string {
		if !s.inEnvironment(ref) {
			return ""
		}
		if ref.Kind == airflow.KindConnection {
			return airflow.ConnectionEnv(ref.ID)
		}
		return airflow.VariableEnv(ref.ID)
	}, report)
	alike := map[string]bool{} // :: names of a backend, of which many have the same
	for _, n := range namings(s) {
		names := n.remote(airflow.KindVariable, "a/a") + " " + n.remote(airflow.KindConnection, "a/a")
		if n.Row.Service == "vault" && !alike[names] {
			alike[names] = true
			collide(uses, func(ref airflow.Ref) string { return strings.Trim(squeeze(n.remote(ref.Kind, ref.ID), "/"), "/") }, report)
		}
	}
}

// collide reports the ids that share a name; those without a name are passed
// over.
func collide(uses []usage, name func(airflow.Ref) string, report Report) {
	first := map[string]usage{} // :: kind and name -> the first that asks for it
	for _, u := range uses {
		shared := name(u.ref)
		key := string(u.ref.Kind) + " " + shared
		before, taken := first[key]
		switch {
		case shared == "":
		case !taken:
			first[key] = u
		case before.ref.ID != u.ref.ID:
			report(u.at(Finding{Message: fmt.Sprintf("the %ss %q and %q (%s:%d) are both %s",
				u.ref.Kind, u.ref.ID, before.ref.ID, before.file, before.line, shared)}))
		}
	}
}
