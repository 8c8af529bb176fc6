// Package acl decides who may do what to which secret. It is pure: rules in,
// yes or no out.
//
// A [Principal] carries rules. A rule allows or denies actions on kinds, of a
// team, under patterns of ids. A deny that matches wins over every allow; what
// no rule matches is refused. A principal without any rule of its own may read
// everything of its deployment, and nothing else: that is what an Airflow
// needs, and what `airlock client add NAME` gives.
package acl

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Action is what is done to a secret.
type Action string

// The actions. Write covers metadata and undelete, Delete covers destroy,
// Admin the settings of a deployment.
const (
	Read   Action = "read"
	List   Action = "list"
	Write  Action = "write"
	Delete Action = "delete"
	Admin  Action = "admin"
)

// Actions lists every action in the order in which they are shown.
func Actions() []Action { return []Action{Read, List, Write, Delete, Admin} }

// Kind is what sort of secret: Airflow's three and plain ones.
type Kind string

// The kinds. The first three are the values of airflow.Kind.
const (
	Variable   Kind = "variable"
	Connection Kind = "connection"
	Config     Kind = "config"
	Plain      Kind = "plain"
)

// Kinds lists every kind in the order in which they are shown.
func Kinds() []Kind { return []Kind{Variable, Connection, Config, Plain} }

// Object is what an action is done to. ID is the key of a variable, the id of
// a connection, or the exact name of a plain secret; empty when the action is
// on the kind as a whole. Team is empty for what belongs to no team.
type Object struct {
	Kind Kind
	Team string
	ID   string
}

// NoTeam as the Team of a rule matches only what belongs to no team. No team
// can be called so: Airflow wants at least three characters.
const NoTeam = "-"

// Rule allows or denies. An empty list or pattern matches everything, so that
// a rule that leaves something out is never narrower than it looks.
type Rule struct {
	Deny    bool     `json:"deny,omitempty"`
	Actions []Action `json:"actions,omitempty"`
	Kinds   []Kind   `json:"kinds,omitempty"`
	// Team is a pattern, or NoTeam.
	Team string `json:"team,omitempty"`
	// IDs are patterns: `*` stands for any text, `/` included, `?` for one
	// character. One that matches is enough. A pattern counts as it stands and
	// as each store that is asked spells it: see package gate.
	IDs []string `json:"ids,omitempty"`
}

// Principal is who asks.
type Principal struct {
	// Name is the client's, as it stands in the audit log.
	Name string
	// Deployment is the only one whose secrets it may ask for.
	Deployment string
	// Rules decide; none means read on everything.
	Rules []Rule
}

// Allows reports whether p may do a to o.
func (p *Principal) Allows(a Action, o Object) bool {
	if len(p.Rules) == 0 {
		return a == Read
	}
	allowed := false
	for i := range p.Rules {
		r := &p.Rules[i]
		if !r.matches(a, o) {
			continue
		}
		if r.Deny {
			return false
		}
		allowed = true
	}
	return allowed
}

// Denies reports whether a deny of p forbids to do a to o, whatever is allowed.
func (p *Principal) Denies(a Action, o Object) bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool { return r.Deny && r.matches(a, o) })
}

// Spelled returns p with the patterns of its rules as fold spells teams and
// patterns spells ids, for objects that fold has spelled: `prod_*` becomes
// `prod-*` for a store that has dashes only. What would turn into a pattern of
// another meaning, NoTeam or the empty one, stays.
func (p *Principal) Spelled(fold func(string) string, patterns func(string) []string) *Principal {
	spelled := *p
	spelled.Rules = slices.Clone(p.Rules)
	for i := range spelled.Rules {
		r := &spelled.Rules[i]
		if team := fold(r.Team); team != NoTeam && team != "" {
			r.Team = team
		}
		ids := r.IDs
		r.IDs = make([]string, 0, len(ids))
		for _, pattern := range ids {
			r.IDs = append(r.IDs, patterns(pattern)...)
		}
	}
	return &spelled
}

// AllowsSome reports whether a rule of p allows a on anything of the kinds. It
// says nothing about a single object: a deny may still refuse each of them.
func (p *Principal) AllowsSome(a Action, kinds ...Kind) bool {
	if len(p.Rules) == 0 {
		return a == Read
	}
	return slices.ContainsFunc(p.Rules, func(r Rule) bool {
		return !r.Deny && in(r.Actions, a) && slices.ContainsFunc(kinds, func(k Kind) bool { return in(r.Kinds, k) })
	})
}

func (r *Rule) matches(a Action, o Object) bool {
	return in(r.Actions, a) && in(r.Kinds, o.Kind) && r.matchesTeam(o.Team) && r.matchesID(o.ID)
}

func (r *Rule) matchesTeam(team string) bool {
	switch r.Team {
	case "":
		return true
	case NoTeam:
		return team == ""
	}
	return team != "" && Match(r.Team, team)
}

func (r *Rule) matchesID(id string) bool {
	if len(r.IDs) == 0 {
		return true
	}
	return slices.ContainsFunc(r.IDs, func(pattern string) bool { return Match(pattern, id) })
}

func in[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// Bounds on what a rule may hold, so that deciding stays cheap.
const (
	maxRules    = 256
	maxPatterns = 256
	maxPattern  = 1024
)

// Validate checks rules from outside: known words, bounded sizes.
func Validate(rules []Rule) error {
	if len(rules) > maxRules {
		return fmt.Errorf("%d rules: at most %d are kept", len(rules), maxRules)
	}
	for i := range rules {
		if err := rules[i].validate(); err != nil {
			return fmt.Errorf("rule %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *Rule) validate() error {
	for _, a := range r.Actions {
		if !slices.Contains(Actions(), a) {
			return fmt.Errorf("unknown action %q: want one of %v", clip(string(a)), Actions())
		}
	}
	for _, k := range r.Kinds {
		if !slices.Contains(Kinds(), k) {
			return fmt.Errorf("unknown kind %q: want one of %v", clip(string(k)), Kinds())
		}
	}
	if len(r.IDs) > maxPatterns {
		return fmt.Errorf("%d id patterns: at most %d are kept", len(r.IDs), maxPatterns)
	}
	for _, p := range append([]string{r.Team}, r.IDs...) {
		if !utf8.ValidString(p) {
			return fmt.Errorf("pattern %q is not UTF-8", clip(p))
		}
		if len(p) > maxPattern {
			return fmt.Errorf("pattern %q: at most %d bytes are kept", clip(p), maxPattern)
		}
	}
	return nil
}

func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
