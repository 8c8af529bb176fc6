package dialect_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
)

// services are dialects in settings where look-ups share secrets, each with
// what its service makes of a name.
func services() map[string]struct {
	dialect dialect.Dialect
	inside  func(name string) string
} {
	type service = struct {
		dialect dialect.Dialect
		inside  func(name string) string
	}
	same := func(name string) string { return name }
	cleaned := func(name string) string { return strings.Trim(path.Clean("/"+name), "/") }
	parameter := func(name string) string {
		name, _, _ = strings.Cut(name, ":")
		return strings.TrimRight(name, " /")
	}
	all := map[string]service{}
	for _, teams := range []bool{false, true} {
		mode := map[bool]string{true: ", teams"}[teams]
		for _, variables := range []string{"", "v", "v/a", "v-a", "c"} {
			for _, connections := range []string{"", "c", "v"} {
				what := " " + variables + " " + connections + mode
				p, q := variables, connections
				vault := dialect.Vault{VariablesPath: []string{p, "w"}, ConnectionsPath: []string{q}, MultiTeam: teams, TeamPaths: true}
				mounts := vault
				mounts.MountInID = true
				all["vault"+what], all["vault with mounts"+what] = service{&vault, cleaned}, service{&mounts, cleaned}
				awsVariables, awsConnections := dialect.AWSKind{Prefix: &p}, dialect.AWSKind{Prefix: &q}
				for _, sep := range []string{"-", "", "/", "--"} {
					all["google "+sep+what] = service{&dialect.GCP{VariablesPrefix: &p, ConnectionsPrefix: &q, Sep: sep,
						MultiTeam: teams}, same}
					all["azure "+sep+what] = service{&dialect.Azure{VariablesPrefix: &p, ConnectionsPrefix: &q, Sep: sep,
						MultiTeam: teams}, strings.ToLower}
					all["secrets manager "+sep+what] = service{&dialect.SecretsManager{Variables: awsVariables,
						Connections: awsConnections, Sep: sep, MultiTeam: teams}, same}
				}
				all["ssm"+what] = service{&dialect.SSM{Variables: awsVariables, Connections: awsConnections, MultiTeam: teams}, parameter}
			}
		}
		all["environment"+mode] = service{dialect.Env{MultiTeam: teams}, same}
	}
	all["file"] = service{dialect.LocalFile{Variables: "f", Connections: "f"}, func(name string) string {
		_, key, _ := strings.Cut(name, "/")
		return key
	}}
	all["files"] = service{dialect.LocalFile{Variables: "f", Connections: "g"}, same}
	return all
}

// words are all texts of up to three of the parts.
func words(parts ...string) []string {
	texts, last := []string{}, []string{""}
	for range 3 {
		var next []string
		for _, text := range last {
			for _, part := range parts {
				next = append(next, text+part)
			}
		}
		texts, last = append(texts, next...), next
	}
	return texts
}

func askedFor() []airflow.Ref {
	var refs []airflow.Ref
	for _, id := range append(words("a", "-", "/", "c", "v_"), words("A", ":", " ", "_")...) {
		for _, kind := range []airflow.Kind{airflow.KindVariable, airflow.KindConnection} {
			refs = append(refs, airflow.Ref{Kind: kind, ID: id}, airflow.Ref{Kind: kind, ID: id, Team: "a"})
		}
	}
	return refs
}

// Of two look-ups that lead to one secret each must know the other.
func TestSharedSecretsAreKnown(t *testing.T) {
	for what, s := range services() {
		leads := map[string]map[airflow.Ref]bool{} // :: name inside -> references, as the store spells them
		each := func(do func(ref airflow.Ref, inside string, stored []airflow.Ref)) {
			for _, ref := range askedFor() {
				stored, known := dialect.Stored(s.dialect, ref)
				for _, name := range dialect.Exact(s.dialect, ref) {
					// A name that is no reference's, as one with nothing after its prefix, is nobody's secret.
					if known && len(s.dialect.Refs(name)) > 0 {
						do(ref, s.inside(name), stored)
					}
				}
			}
		}
		each(func(_ airflow.Ref, inside string, stored []airflow.Ref) {
			back := stored[0]
			if back.ID == "" || !slices.ContainsFunc(dialect.Exact(s.dialect, back), func(name string) bool { return s.inside(name) == inside }) {
				return
			}
			if leads[inside] == nil {
				leads[inside] = map[airflow.Ref]bool{}
			}
			leads[inside][back] = true
		})
		each(func(ref airflow.Ref, inside string, stored []airflow.Ref) {
			for other := range leads[inside] {
				if !slices.Contains(stored, other) {
					t.Errorf("%s: Stored(%#v) = %v without %v, which is %q too", what, ref, stored, other, inside)
				}
			}
		})
	}
}
