package project

import (
	"encoding/json"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// mostPolicy bounds a policy: its parser calls itself for what stands inside.
const mostPolicy = 128 << 10

var policyPath = lazyregexp.New(`(?m)^[ \t]*path[ \t]+"[^"\n]*"[ \t]*\{`)

func looksLikeVaultPolicy(text string) bool { return policyPath.MatchString(text) }

// vaultPolicy reads path blocks and their capabilities; it reports whether
// the text is such a policy.
func (r *reader) vaultPolicy(text string, place placer) bool {
	if len(text) > mostPolicy || tooDeep(text) {
		return false
	}
	file, problems := hclsyntax.ParseConfig([]byte(maskPlaceholders(text)), "", hcl.InitialPos)
	if problems.HasErrors() || file == nil {
		return false
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return false
	}
	policy := Policy{Service: "vault", Span: place(0, len(strings.TrimRight(text, " \t\r\n")))}
	for _, b := range body.Blocks {
		if b.Type != "path" || len(b.Labels) != 1 {
			continue
		}
		actions := capabilities(b.Body)
		policy.Rules = append(policy.Rules, Grant{
			Deny:      contains(actions, "deny"),
			Resources: []string{unmasks.Replace(b.Labels[0])},
			Actions:   actions,
			Span:      place(b.TypeRange.Start.Byte, b.CloseBraceRange.End.Byte),
		})
	}
	if len(policy.Rules) > 0 {
		r.project.Policies = append(r.project.Policies, policy)
	}
	return len(policy.Rules) > 0
}

// capabilities are what a path's block allows, in the order it lists them;
// the old policy attribute is one word for several.
func capabilities(body *hclsyntax.Body) []string {
	if attribute := body.Attributes["policy"]; attribute != nil {
		switch text(attribute.Expr) {
		case "read":
			return []string{"read", "list"}
		case "write":
			return []string{"create", "read", "update", "delete", "list"}
		case "deny":
			return []string{"deny"}
		case "sudo":
			return []string{"create", "read", "update", "delete", "list", "sudo"}
		}
	}
	attribute := body.Attributes["capabilities"]
	if attribute == nil {
		return nil
	}
	list, ok := attribute.Expr.(*hclsyntax.TupleConsExpr)
	if !ok {
		return nil
	}
	var all []string
	for _, e := range list.Exprs {
		if word := text(e); word != "" {
			all = append(all, word)
		}
	}
	return all
}

// text is a string without anything to fill in.
func text(e hclsyntax.Expression) string {
	template, ok := e.(*hclsyntax.TemplateExpr)
	if !ok || !template.IsStringLiteral() {
		return ""
	}
	value, problems := template.Value(nil)
	if problems.HasErrors() {
		return ""
	}
	return value.AsString()
}

// statement is a part of an IAM policy, in which a list of one may be written
// without the list.
type iamStatement struct {
	Effect                                   string
	Action, NotAction, Resource, NotResource oneOrMore
}

type oneOrMore []string

// UnmarshalJSON takes a string for a list of one.
func (l *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*l = many
	}
	return nil
}

// cloudPolicy reads an IAM policy document of AWS; it reports whether the
// text is one.
func (r *reader) cloudPolicy(text string, place placer) bool {
	if !strings.Contains(text, `"Statement"`) {
		return false
	}
	statements := statementsOf(text)
	policy := Policy{Service: "aws", Span: place(0, len(strings.TrimRight(text, " \t\r\n")))}
	for _, raw := range statements {
		var s iamStatement
		if json.Unmarshal([]byte(text[raw.start:raw.end]), &s) != nil || s.Effect != "Allow" && s.Effect != "Deny" {
			continue
		}
		g := Grant{Deny: s.Effect == "Deny", Resources: s.Resource, Actions: s.Action, Span: place(raw.start, raw.end)}
		for _, action := range s.NotAction {
			g.Actions = append(g.Actions, "!"+action)
		}
		for _, resource := range s.NotResource {
			g.Resources = append(g.Resources, "!"+resource)
		}
		policy.Rules = append(policy.Rules, g)
	}
	if len(policy.Rules) > 0 {
		r.project.Policies = append(r.project.Policies, policy)
	}
	return len(policy.Rules) > 0
}

// statementsOf finds the objects of the top-level Statement, one or a list.
func statementsOf(text string) []line {
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil
		}
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return nil
		}
		if key != "Statement" {
			continue
		}
		end := int(d.InputOffset())
		start := end - len(raw)
		if raw[0] == '[' {
			return elements(text[start:end], start)
		}
		return []line{{start, end}}
	}
	return nil
}

func elements(list string, at int) []line {
	d := json.NewDecoder(strings.NewReader(list))
	if _, err := d.Token(); err != nil {
		return nil
	}
	var all []line
	for d.More() {
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return all
		}
		end := at + int(d.InputOffset())
		all = append(all, line{end - len(raw), end})
	}
	return all
}
