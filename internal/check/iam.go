package check

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

// iamOf is what IAM calls the services: the prefix of actions, the action that
// reads, and what stands in front of a name in an ARN.
func iamOf(service string) (prefix, read, before string) {
	if service == "ssm" {
		return "ssm:", "ssm:GetParameter", ":parameter"
	}
	return "secretsmanager:", "secretsmanager:GetSecretValue", ":secret:"
}

// reading begins the verbs of actions that change nothing.
var reading = lazyregexp.New(`(?i)^(get|describe|list|batchget)`)

func wideIAM(s *Subject, n *naming, report Report) {
	prefix, _, _ := iamOf(n.Row.Service)
	for _, p := range policiesOf(s, "aws") {
		if isOfOthers(p) || readElsewhereIAM(s, p, prefix) {
			continue
		}
		for _, g := range p.Rules {
			if message := wideStatement(g, prefix); message != "" && !g.Deny {
				report(Finding{Span: g.Span, Message: message, Fix: leastGrant(n)})
			}
		}
	}
}

// wideStatement says what is too wide about a statement; empty where nothing
// is, or where it is about other services.
func wideStatement(g project.Grant, prefix string) string {
	var beyond []string
	reads := false
	for _, action := range g.Actions {
		verb, own := cutFold(action, prefix)
		switch {
		case action == "*" || strings.HasPrefix(action, "!"):
			if !slices.ContainsFunc(g.Resources, func(r string) bool { return r == "*" || strings.Contains(r, ":"+prefix) }) {
				continue
			}
			beyond = append(beyond, action)
		case !own:
		case !reading.MatchString(verb):
			beyond = append(beyond, action)
		case !strings.HasPrefix(strings.ToLower(verb), "list") && !strings.HasPrefix(strings.ToLower(verb), "describe"):
			reads = true
		}
	}
	switch {
	case len(beyond) > 0:
		return fmt.Sprintf("the statement allows %s: Airflow only reads", strings.ReplaceAll(strings.Join(beyond, ", "), "!", "all but "))
	case reads && slices.ContainsFunc(g.Resources, everything):
		return "the statement is for every secret of the account: Airflow needs those below its prefixes only"
	}
	return ""
}

func cutFold(text, prefix string) (rest string, ok bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return "", false
	}
	return text[len(prefix):], true
}

// everything tells whether a resource stands for all secrets or parameters.
func everything(resource string) bool {
	return resource == "*" || strings.HasSuffix(resource, ":secret:*") || strings.HasSuffix(resource, ":parameter/*") || strings.HasSuffix(resource, ":parameter*") ||
		strings.HasPrefix(resource, "arn:") && strings.HasSuffix(resource, ":*") && strings.Count(resource, ":") == 5
}

// readElsewhereIAM tells whether another policy of the project only reads.
func readElsewhereIAM(s *Subject, policy *project.Policy, prefix string) bool {
	return slices.ContainsFunc(policiesOf(s, "aws"), func(p *project.Policy) bool {
		reads := func(g project.Grant) bool {
			return !g.Deny && slices.ContainsFunc(g.Actions, func(a string) bool {
				verb, own := cutFold(a, prefix)
				return own && reading.MatchString(verb)
			})
		}
		wide := func(g project.Grant) bool { return !g.Deny && wideStatement(g, prefix) != "" }
		return p != policy && slices.ContainsFunc(p.Rules, reads) && !slices.ContainsFunc(p.Rules, wide)
	})
}

func missingIAM(s *Subject, n *naming, report Report) {
	prefix, read, before := iamOf(n.Row.Service)
	at := statementOf(s, prefix)
	if at == nil || slices.ContainsFunc(rolesOf(s), func(r role) bool { return r.service == "aws" }) {
		return
	}
	var missing []string
	for _, kind := range []airflow.Kind{airflow.KindVariable, airflow.KindConnection} {
		name, on := n.prefix(kind)
		if !on || !n.has(n.kwarg(kind)) && !slices.ContainsFunc(usesOf(s), func(u usage) bool { return u.ref.Kind == kind }) {
			continue
		}
		if !grantsIAM(s, read, before, name) {
			missing = append(missing, name+"*")
		}
	}
	if len(missing) > 0 {
		report(Finding{
			Span: at.Span, Fix: leastGrant(n),
			Message: fmt.Sprintf("no statement allows %s on %s", read, strings.Join(missing, " and ")),
		})
	}
}

// statementOf is the first statement that lets somebody look at a service; nil
// where there is none.
func statementOf(s *Subject, prefix string) *project.Grant {
	for _, p := range policiesOf(s, "aws") {
		for i, g := range p.Rules {
			if !g.Deny && slices.ContainsFunc(g.Actions, func(a string) bool {
				verb, own := cutFold(a, prefix)
				return own && reading.MatchString(verb)
			}) {
				return &p.Rules[i]
			}
		}
	}
	return nil
}

// grantsIAM tells whether a statement allows an action on what begins with
// name. Secrets Manager's ARNs go on with a dash and six letters.
func grantsIAM(s *Subject, action, before, name string) bool {
	for _, p := range policiesOf(s, "aws") {
		for _, g := range p.Rules {
			allowed := anyOf(g.Actions, func(a string) bool { return globMatches(strings.ToLower(a), strings.ToLower(action)) })
			service, _, _ := strings.Cut(action, ":")
			onIt := len(g.Resources) == 0 || anyOf(g.Resources, func(r string) bool { return resourceMatches(r, service, before, name+"zz9zz-Zz9zZ9") })
			if allowed && onIt && !g.Deny {
				return true
			}
		}
	}
	return false
}

// anyOf tells whether one of a statement's actions or resources matches; of
// NotAction and NotResource, which have an exclamation mark in front, none may.
func anyOf(list []string, matches func(string) bool) bool {
	not := false
	for _, item := range list {
		rest, inverted := strings.CutPrefix(item, "!")
		if matches(rest) {
			return !inverted
		}
		not = not || inverted
	}
	return not
}

// resourceMatches compares an ARN but for region and account: those a project
// often leaves to be filled in. What is no ARN, a reference of a template, may
// be anything.
func resourceMatches(resource, service, before, name string) bool {
	parts := strings.SplitN(resource, ":", 6)
	if len(parts) < 6 {
		return !strings.HasPrefix(resource, "arn:") && resource != "" || globMatches(resource, "arn:aws:"+service+":x:0"+before+name)
	}
	return globMatches(parts[2], service) && (strings.ContainsAny(parts[5], "$<{") || globMatches(":"+parts[5], before+name))
}

// globMatches is IAM's: a star for anything, a question mark for one character.
func globMatches(pattern, text string) bool {
	expr := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
	matched, err := regexp.MatchString(`^(?s:`+expr+`)$`, text)
	return err == nil && matched
}

// missingKey reports keys of one's own with which commands encrypt and which
// no statement lets Airflow use.
func missingKey(s *Subject, n *naming, report Report) {
	prefix, _, _ := iamOf(n.Row.Service)
	if statementOf(s, prefix) == nil || slices.ContainsFunc(rolesOf(s), func(r role) bool { return r.service == "aws" }) {
		return
	}
	for _, e := range written(s, n.Row.Service) {
		key, at, ok := ownKey(e)
		if !ok || !n.covers(storeName(e)) || decrypts(s) {
			continue
		}
		report(Finding{
			Span: at, Fix: statementJSON([]string{"kms:Decrypt"}, []string{keyARN(n, key)}),
			Message: fmt.Sprintf("%q is encrypted with a key of one's own, and no statement allows kms:Decrypt", e.Remote),
		})
		return
	}
}

// decrypts tells whether any statement allows kms:Decrypt: for which key
// cannot be told, as keys have several names.
func decrypts(s *Subject) bool {
	for _, p := range policiesOf(s, "aws") {
		for _, g := range p.Rules {
			if !g.Deny && anyOf(g.Actions, func(a string) bool { return globMatches(strings.ToLower(a), "kms:decrypt") }) {
				return true
			}
		}
	}
	return false
}

// ownKey is the KMS key that a command names, unless it is AWS's own.
func ownKey(e *project.Entry) (key string, at project.Span, ok bool) {
	if e.Command == nil {
		return "", project.Span{}, false
	}
	name := "--key-id"
	if e.Store == "secretsmanager" {
		name = "--kms-key-id"
	}
	key, at, ok = flag(e.Command, name)
	return key, at, ok && !strings.Contains(key, "alias/aws/")
}

func keyARN(n *naming, key string) string {
	if strings.HasPrefix(key, "arn:") {
		return key
	}
	if strings.HasPrefix(key, "alias/") || dynamic(key) {
		return fmt.Sprintf("arn:aws:kms:%s:*:key/<key-id>", n.region())
	}
	return fmt.Sprintf("arn:aws:kms:%s:*:key/%s", n.region(), key)
}

// statementJSON is an IAM policy of one statement.
func statementJSON(actions, resources []string) string {
	type statement struct {
		Effect   string
		Action   []string
		Resource []string
	}
	policy := struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"Allow", actions, resources}}}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(policy); err != nil {
		return "" // strings always have JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}
