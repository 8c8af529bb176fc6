package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func policyRules() []Rule {
	return []Rule{{
		ID: "vault-policy-misses-mount", Severity: Error,
		Title: "no path of the Vault policy covers what the backend reads",
		Why: "Vault refuses what no policy grants. A policy holds the path as requests have it: the mount, then data/ where that is of version 2, " +
			"then the path from the kwargs.",
		Airflow: "Vault answers 403. The backend logs in again, asks once more and raises VaultError, which Airflow logs (for a connection at debug " +
			"level only) before it goes on to the next layer: in the end the task reads that the variable or connection does not exist.",
		Find: findMissingPaths,
	}, {
		ID: "vault-list-on-data", Severity: Warning,
		Title: "list is granted on data/, where there is nothing to list",
		Why: "In version 2 of Vault's key/value engine names are listed below MOUNT/metadata/. Airflow never lists; a person or a tool that " +
			"should needs list there.",
		Find: findListOnData,
	}, {
		ID: "grant-too-wide", Severity: Warning,
		Title: "a grant allows more than Airflow needs",
		Why: "Airflow only reads single secrets by name. Whoever gets hold of its credentials should not be able to change or delete them, " +
			"nor to read those of others.",
		Find: findTooWide,
	}, {
		ID: "grant-missing", Severity: Error,
		Title: "the grants of the project do not let Airflow read",
		Why: "Reading a secret is a permission of its own: secretsmanager:GetSecretValue, ssm:GetParameter, kms:Decrypt for a key of one's own, " +
			"the role Secret Manager Secret Accessor, Get on secrets in Key Vault. To list or to see a secret's properties is another.",
		Airflow: "The store refuses the look-up. Google's refusal is an error in the log (\"Did you add 'secretmanager.versions.access' permission?\") " +
			"and None; the others' is an exception that Airflow logs, for connections at debug level only. Either way it goes on to the next layer.",
		Find: findMissingGrants,
	}}
}

// needed is a path of Vault's API that a backend reads.
type needed struct {
	kind airflow.Kind
	// path ends in an id, pattern in a star.
	path, pattern string
}

// neededPaths are those of the kinds that a backend is asked for.
func neededPaths(n *naming) []needed {
	var list []needed
	for _, kind := range airflow.Kinds() {
		if kind != airflow.KindConfig || len(secretOptions(n.Environment)) > 0 {
			list = append(list, n.needs(kind)...)
		}
	}
	return list
}

// needs are the paths of Vault's API that are read for one kind, in order.
func (n *naming) needs(kind airflow.Kind) []needed {
	const id = "zz9zz"
	if n.mount == "" || n.Row.Service != "vault" {
		return nil
	}
	var list []needed
	for _, name := range n.rules.Names(airflow.Ref{Kind: kind, ID: id}).Names {
		path := n.mount + "/" + name
		if n.kvVersion() == 2 {
			path = n.mount + "/data/" + name
		}
		list = append(list, needed{kind, path, strings.TrimSuffix(path, id) + "*"})
	}
	return list
}

func findMissingPaths(s *Subject, report Report) {
	policies := policiesOf(s, "vault")
	for _, n := range namings(s) {
		missing := ungranted(s, n, func(p *project.Policy, need needed) bool { return vaultSpeaksOf(p, need.path) })
		at := nearestGrant(policies, n)
		if len(missing) == 0 || at == nil {
			continue
		}
		report(Finding{
			Span: at.Span, Fix: stanzas(missing),
			Message: fmt.Sprintf("the backend of %s reads %s, and no policy has a path for that; this one has %q",
				place(n.spot()), patternsOf(missing), strings.Join(at.Resources, ", ")),
		})
	}
}

// ungranted are the paths that a backend reads and no Vault policy of the
// project covers. Where some are covered, only those count whose kind the
// project uses.
func ungranted(s *Subject, n *naming, covers func(*project.Policy, needed) bool) []needed {
	if n.Row.Service != "vault" || n.kvVersion() == 0 {
		return nil
	}
	all := neededPaths(n)
	missing := slices.DeleteFunc(slices.Clone(all), func(need needed) bool {
		return slices.ContainsFunc(policiesOf(s, "vault"), func(p *project.Policy) bool { return covers(p, need) })
	})
	if len(missing) < len(all) {
		missing = slices.DeleteFunc(missing, func(need needed) bool { return !kindInUse(s, n, need.kind) })
	}
	return missing
}

func stanzas(list []needed) string {
	var texts []string
	for _, need := range list {
		texts = append(texts, stanza(need.pattern, "read"))
	}
	return strings.Join(texts, "\n")
}

func patternsOf(list []needed) string {
	var texts []string
	for _, need := range list {
		texts = append(texts, fmt.Sprintf("%q", need.pattern))
	}
	return strings.Join(texts, " and ")
}

func stanza(path string, capabilities ...string) string {
	return fmt.Sprintf("path \"%s\" {\n  capabilities = [\"%s\"]\n}", path, strings.Join(capabilities, `", "`))
}

// kindInUse tells whether the project speaks of a kind: in the kwargs, in a
// DAG or in a command.
func kindInUse(s *Subject, n *naming, kind airflow.Kind) bool {
	if n.has(n.kwarg(kind)) || slices.ContainsFunc(usesOf(s), func(u usage) bool { return u.ref.Kind == kind }) {
		return true
	}
	return slices.ContainsFunc(written(s, "vault"), func(e *project.Entry) bool {
		return slices.ContainsFunc(n.refs(storeName(e)), func(ref airflow.Ref) bool { return ref.Kind == kind })
	})
}

func policiesOf(s *Subject, service string) []*project.Policy {
	var list []*project.Policy
	for i := range s.Project.Policies {
		if p := &s.Project.Policies[i]; p.Service == service {
			list = append(list, p)
		}
	}
	return list
}

// notKV begins the paths of Vault that hold no secrets of users.
var notKV = lazyregexp.New(`^(sys|auth|identity|cubbyhole|transit|pki|database|aws|gcp|azure|ssh|totp)(/|$)`)

// nearestGrant is the grant that was probably meant for a backend: one that
// speaks of its mount or paths, or else of any secrets; nil where none does.
func nearestGrant(policies []*project.Policy, n *naming) *project.Grant {
	var best *project.Grant
	most := 0
	for _, p := range policies {
		for i := range p.Rules {
			score := 0
			for _, path := range p.Rules[i].Resources {
				score = max(score, nearness(strings.TrimPrefix(path, "/"), n))
			}
			if score > most && !p.Rules[i].Deny {
				most, best = score, &p.Rules[i]
			}
		}
	}
	return best
}

func nearness(path string, n *naming) int {
	mount, rest, _ := strings.Cut(path, "/")
	all := strings.TrimPrefix(rest, "data/") == "*"
	switch about := saysKind(path) || strings.Contains(path, "airflow") || all; {
	case notKV.MatchString(path):
		return 0
	case about && strings.HasPrefix(path, n.mount+"/"):
		return 3
	case about && !all:
		return 2
	case about && (mount == "secret" || mount == "kv"):
		return 1
	}
	return 0
}

func findListOnData(s *Subject, report Report) {
	for _, n := range namings(s) {
		if n.Row.Service != "vault" || n.mount == "" || n.kvVersion() != 2 {
			continue
		}
		for _, p := range policiesOf(s, "vault") {
			for _, g := range p.Rules {
				i := slices.IndexFunc(g.Resources, func(path string) bool {
					return strings.HasPrefix(strings.TrimPrefix(path, "/"), n.mount+"/data/")
				})
				if i < 0 || g.Deny || !slices.Contains(g.Actions, "list") {
					continue
				}
				report(listOnData(g, g.Resources[i]))
			}
		}
	}
}

// listWord is the capability with the comma that goes with it.
var listWord = lazyregexp.New(`,\s*"list"|"list"\s*,\s*`)

func listOnData(g project.Grant, path string) Finding {
	others := slices.DeleteFunc(slices.Clone(g.Actions), func(c string) bool { return c == "list" })
	f := Finding{
		Span:    g.Span,
		Message: fmt.Sprintf("list on %q grants nothing: names are listed below %q", path, strings.Replace(path, "/data/", "/metadata/", 1)),
		Fix:     stanza(strings.Replace(path, "/data/", "/metadata/", 1), "list"),
	}
	if len(others) > 0 {
		f.Fix = stanza(path, others...) + "\n# and only where somebody is to list the names:\n" + f.Fix
	}
	if found := listWord.FindAllStringIndex(g.Span.Text(), -1); len(found) == 1 && strings.Count(g.Span.Text(), `"list"`) == 1 {
		f.Edits = []Edit{{Span: project.Span{File: g.Span.File, Start: g.Span.Start + found[0][0], End: g.Span.Start + found[0][1]}}}
	}
	return f
}
