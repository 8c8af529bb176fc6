package acl_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/internal/acl"
)

type question struct {
	action acl.Action
	object acl.Object
	want   bool
}

func may(a acl.Action, o acl.Object) question    { return question{a, o, true} }
func mayNot(a acl.Action, o acl.Object) question { return question{a, o, false} }

func allow(a ...acl.Action) acl.Rule { return acl.Rule{Actions: a} }
func deny(a ...acl.Action) acl.Rule  { return acl.Rule{Deny: true, Actions: a} }

func on(r acl.Rule, kinds ...acl.Kind) acl.Rule   { r.Kinds = kinds; return r }
func ids(r acl.Rule, patterns ...string) acl.Rule { r.IDs = patterns; return r }
func team(r acl.Rule, name string) acl.Rule       { r.Team = name; return r }

func variable(id string) acl.Object           { return acl.Object{Kind: acl.Variable, ID: id} }
func connection(id string) acl.Object         { return acl.Object{Kind: acl.Connection, ID: id} }
func plain(name string) acl.Object            { return acl.Object{Kind: acl.Plain, ID: name} }
func of(team string, o acl.Object) acl.Object { o.Team = team; return o }

type policy struct {
	name      string
	rules     []acl.Rule
	questions []question
}

func policies() []policy {
	return []policy{{
		name:  "no rules means read on everything and nothing else",
		rules: nil,
		questions: []question{
			may(acl.Read, variable("x")), may(acl.Read, connection("x")), may(acl.Read, plain("a/b")),
			may(acl.Read, of("blue", variable("x"))),
			mayNot(acl.List, variable("")), mayNot(acl.Write, variable("x")),
			mayNot(acl.Delete, variable("x")), mayNot(acl.Admin, plain("")),
		},
	}, {
		name:  "what no rule matches is refused",
		rules: []acl.Rule{ids(on(allow(acl.Read), acl.Variable), "etl_*")},
		questions: []question{
			may(acl.Read, variable("etl_key")), mayNot(acl.Read, variable("other")),
			mayNot(acl.Read, connection("etl_key")), mayNot(acl.Write, variable("etl_key")),
		},
	}, {
		name:  "a deny wins over an allow, whatever the order",
		rules: []acl.Rule{ids(deny(acl.Read), "*_prod"), allow(acl.Read, acl.List), ids(deny(), "root")},
		questions: []question{
			may(acl.Read, variable("db")), mayNot(acl.Read, variable("db_prod")),
			may(acl.List, variable("db_prod")), mayNot(acl.List, variable("root")),
		},
	}, {
		name:  "only denies allow nothing",
		rules: []acl.Rule{ids(deny(acl.Read), "x")},
		questions: []question{
			mayNot(acl.Read, variable("x")), mayNot(acl.Read, variable("y")),
		},
	}, {
		name:  "a team's rule does not reach what belongs to no team",
		rules: []acl.Rule{team(allow(acl.Read), "blue")},
		questions: []question{
			may(acl.Read, of("blue", variable("x"))), mayNot(acl.Read, variable("x")),
			mayNot(acl.Read, of("red", variable("x"))),
		},
	}, {
		name:  "a rule for no team does not reach a team's",
		rules: []acl.Rule{team(allow(acl.Read), acl.NoTeam)},
		questions: []question{
			may(acl.Read, variable("x")), mayNot(acl.Read, of("blue", variable("x"))),
		},
	}, {
		name:  "a deny without a team reaches every team's",
		rules: []acl.Rule{allow(), ids(deny(), "key")},
		questions: []question{
			mayNot(acl.Read, of("blue", variable("key"))), mayNot(acl.Read, variable("key")),
			may(acl.Admin, variable("other")),
		},
	}}
}

func TestAllows(t *testing.T) {
	for _, policy := range policies() {
		t.Run(policy.name, func(t *testing.T) {
			p := acl.Principal{Name: "me", Rules: policy.rules}
			for _, q := range policy.questions {
				if got := p.Allows(q.action, q.object); got != q.want {
					t.Errorf("Allows(%s, %+v) = %v, want %v", q.action, q.object, got, q.want)
				}
			}
		})
	}
}

func TestSpelled(t *testing.T) {
	dashes := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "-")) }
	rules := []acl.Rule{ids(allow(), "Prod_*", "x"), team(deny(), "Blue_Team"), team(deny(acl.List), "_"), team(deny(acl.Write), acl.NoTeam)}
	p := acl.Principal{Name: "me", Rules: rules}
	got := p.Spelled(dashes, func(pattern string) []string { return []string{dashes(pattern)} })
	for i, want := range []struct {
		team string
		ids  []string
	}{{"", []string{"prod-*", "x"}}, {"blue-team", nil}, {"_", nil}, {acl.NoTeam, nil}} {
		if r := got.Rules[i]; r.Team != want.team || !slices.Equal(r.IDs, want.ids) {
			t.Errorf("rule %d is %+v, want %+v", i+1, r, want)
		}
	}
	if p.Rules[0].IDs[0] != "Prod_*" || got.Name != "me" {
		t.Errorf("the rules it began with are %+v", p.Rules)
	}
}

func TestDenies(t *testing.T) {
	p := acl.Principal{Rules: []acl.Rule{ids(deny(acl.Read), "x*"), ids(allow(), "y")}}
	for object, want := range map[acl.Object]bool{variable("x1"): true, variable("y"): false, variable("z"): false, of("blue", plain("x")): true} {
		if got := p.Denies(acl.Read, object); got != want {
			t.Errorf("Denies(read, %+v) = %v, want %v", object, got, want)
		}
	}
	if p.Denies(acl.Write, variable("x1")) || (&acl.Principal{}).Denies(acl.Write, variable("x1")) {
		t.Error("what no deny names is denied")
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "x", false}, {"*", "", true}, {"*", "a/b", true},
		{"a*", "a", true}, {"a*", "ba", false}, {"*a", "aaba", true}, {"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-c-b", false}, {"?", "é", true}, {"?", "", false}, {"a?c", "abc", true},
		{"a?c", "ac", false}, {"*?", "", false}, {"**", "x", true}, {"x*x", "x", false},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 500), false},
	} {
		if got := acl.Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules []acl.Rule
		want  string
	}{
		{"none", nil, ""},
		{"everything known", []acl.Rule{ids(team(on(allow(acl.Actions()...), acl.Kinds()...), "blue"), "*")}, ""},
		{"unknown action", []acl.Rule{allow("peek")}, `rule 1: unknown action "peek"`},
		{"unknown kind", []acl.Rule{allow(), on(allow(), "pool")}, `rule 2: unknown kind "pool"`},
		{"too many", make([]acl.Rule, 257), "257 rules"},
		{"too many patterns", []acl.Rule{ids(allow(), make([]string, 257)...)}, "257 id patterns"},
		{"too long a pattern", []acl.Rule{ids(allow(), strings.Repeat("x", 1025))}, "at most 1024 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := acl.Validate(c.rules)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Validate: %v, want %q", err, c.want)
			}
		})
	}
}
