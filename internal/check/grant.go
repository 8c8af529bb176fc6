package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

func findTooWide(s *Subject, report Report) {
	for _, n := range namings(s) {
		for _, r := range rolesOf(s) {
			if r.wideFor(n.Row.Service) {
				report(Finding{Span: r.at, Message: r.tooWide(), Fix: leastGrant(n)})
			}
		}
		wideInText(s, n, report)
		switch policyService(n.Row.Service) {
		case "vault":
			wideVault(s, n, report)
		case "aws":
			wideIAM(s, n, report)
		}
	}
}

func (r role) tooWide() string {
	if r.name == "" {
		return fmt.Sprintf("the access policy gives %s on secrets: Airflow needs get only", strings.Join(r.permissions, ", "))
	}
	return fmt.Sprintf("%s allows more than to read: Airflow needs to read its own secrets only", r.name)
}

// wideInText reports documents that tell to use a role that is too wide.
func wideInText(s *Subject, n *naming, report Report) {
	for _, t := range quotedWords(s) {
		r := role{service: policyService(n.Row.Service), name: t.text, at: t.span}
		generic := t.text == "Owner" || t.text == "Contributor" || t.text == "" // words that mean other things too
		if !generic && r.wideFor(n.Row.Service) && !againstIt(t.sentence) {
			report(Finding{Span: r.at, Message: r.tooWide(), Fix: leastGrant(n)})
		}
	}
}

// againstIt tells whether a sentence warns of what it names.
func againstIt(sentence string) bool {
	text := strings.ToLower(sentence)
	return slices.ContainsFunc([]string{" not ", "n't", "never", "instead of", "too wide", "too broad", "avoid", "without"}, func(word string) bool {
		return strings.Contains(text, word)
	})
}

// writing are the capabilities of Vault that a reader has no use for.
var writing = []string{"create", "update", "patch", "delete", "sudo", "root"}

func writes(capability string) bool { return slices.Contains(writing, capability) }

// ofOthers are the names of files for those who fill the store.
var ofOthers = lazyregexp.New(`(?i)writ|admin|deploy|terraform|(^|[^a-z])ci([^a-z]|$)`)

// isOfOthers tells by the name of its file that a policy is not for Airflow.
func isOfOthers(p *project.Policy) bool { return ofOthers.MatchString(lastSegment(p.Span.Path())) }

func wideVault(s *Subject, n *naming, report Report) {
	needs := neededPaths(n)
	for _, p := range policiesOf(s, "vault") {
		if isOfOthers(p) || readElsewhere(s, p, needs) {
			continue
		}
		for _, g := range p.Rules {
			var found []string
			for _, capability := range g.Actions {
				if writes(capability) {
					found = append(found, capability)
				}
			}
			if len(found) == 0 || g.Deny || !isForNeeds(g, needs) {
				continue
			}
			report(Finding{
				Span: g.Span, Fix: leastGrant(n),
				Message: fmt.Sprintf("the policy lets Airflow %s what is below %q: it needs read only", strings.Join(found, ", "), strings.Join(g.Resources, ", ")),
			})
		}
	}
}

func isForNeeds(g project.Grant, needs []needed) bool {
	return slices.ContainsFunc(g.Resources, func(pattern string) bool {
		return slices.ContainsFunc(needs, func(need needed) bool { return vaultMatches(strings.TrimPrefix(pattern, "/"), need.path) })
	})
}

// readElsewhere tells whether another policy has all that a backend needs and
// no more: the one at hand is somebody else's then.
func readElsewhere(s *Subject, policy *project.Policy, needs []needed) bool {
	return slices.ContainsFunc(policiesOf(s, "vault"), func(p *project.Policy) bool {
		return p != policy && len(needs) > 0 && !slices.ContainsFunc(needs, func(need needed) bool {
			wide := slices.ContainsFunc(writing, func(c string) bool { return vaultGrants(p, need.path, c) })
			return wide || !vaultGrants(p, need.path, "read")
		})
	})
}

func findMissingGrants(s *Subject, report Report) {
	for _, n := range namings(s) {
		switch n.Row.Service {
		case "vault":
			missingRead(s, n, report)
		case "ssm", "secretsmanager":
			missingIAM(s, n, report)
			missingKey(s, n, report)
		case "gcp":
			missingRole(s, n, []string{"roles/secretmanager.viewer", "roles/editor", "roles/viewer"},
				[]string{"roles/secretmanager.secretAccessor", "roles/secretmanager.admin", "roles/owner"}, report)
		case "azure":
			missingRole(s, n, []string{"Key Vault Reader", "Key Vault Contributor", "Reader"}, []string{"Key Vault Secrets User", "Key Vault Secrets Officer", "Key Vault Administrator"}, report)
		}
	}
}

// missingRead reports rules of Vault policies for what a backend reads that do
// not let it, but not those of somebody who writes.
func missingRead(s *Subject, n *naming, report Report) {
	policies := policiesOf(s, "vault")
	missing := ungranted(s, n, func(p *project.Policy, need needed) bool { return vaultGrants(p, need.path, "read") })
	missing = slices.DeleteFunc(missing, func(need needed) bool {
		return !slices.ContainsFunc(policies, func(p *project.Policy) bool { return vaultSpeaksOf(p, need.path) })
	})
	for _, p := range policies {
		for _, g := range p.Rules {
			var of []needed
			for _, need := range missing {
				if best, _ := vaultPattern(p, need.path); slices.ContainsFunc(g.Resources, func(r string) bool { return strings.TrimPrefix(r, "/") == best }) {
					of = append(of, need)
				}
			}
			if len(of) > 0 && !slices.ContainsFunc(g.Actions, writes) {
				report(Finding{
					Span: g.Span, Fix: stanzas(of),
					Message: fmt.Sprintf("the rule for %q gives no read, which the backend of %s needs on %s", strings.Join(g.Resources, ", "), place(n.spot()), patternsOf(of)),
				})
			}
		}
	}
}

// missingRole reports roles of a service that look like a reader's, where none
// lets Airflow read. A role that is not known, one's own for instance, may.
func missingRole(s *Subject, n *naming, related, enough []string, report Report) {
	var first *role
	all := rolesOf(s)
	for i, r := range all {
		if r.service != policyService(n.Row.Service) {
			continue
		}
		lists := slices.Contains(r.permissions, "list") && len(r.permissions) == 1
		reads := slices.Contains(r.permissions, "get") || slices.Contains(r.permissions, "all")
		switch {
		case slices.Contains(enough, r.name), reads, strings.Contains(r.name, "/roles/"), dynamic(r.name), r.service == "azure" && strings.Count(r.name, "-") == 4:
			return
		case first == nil && (slices.Contains(related, r.name) || lists):
			first = &all[i]
		}
	}
	if first == nil {
		return
	}
	name := first.name
	if name == "" {
		name = strings.Join(first.permissions, ", ") + " on secrets"
	}
	report(Finding{Span: first.at, Fix: leastGrant(n), Message: fmt.Sprintf("%s does not let Airflow read a secret's value, and nothing else in the project does", name)})
}
