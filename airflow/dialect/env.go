package dialect

import (
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/store"
)

// Env is the dialect of airflow.secrets.environment_variables.
// EnvironmentVariablesBackend: a name is the name of an environment variable.
type Env struct {
	// MultiTeam is core.multi_team: ids that spell out a team's name are
	// refused to everybody.
	MultiTeam bool
}

// Where a store of environment variables says which one it read, as package
// envstore does. Decode has to know the team's own variable from the plain
// one: of the two only the plain one counts while it is empty.
const (
	envProtocol  = "environment"
	envAttribute = "name"
)

// envNames are the names asked for ref: the team's, "" without a team, and
// the plain one, "" for a kind that the environment does not hold.
func envNames(ref airflow.Ref) (team, plain string) {
	switch ref.Kind {
	case airflow.KindVariable:
		return airflow.VariableTeamEnv(ref.Team, ref.ID), airflow.VariableEnv(ref.ID)
	case airflow.KindConnection:
		return airflow.ConnectionTeamEnv(ref.Team, ref.ID), airflow.ConnectionEnv(ref.ID)
	}
	return "", ""
}

// Names implements Dialect. A name that no environment can hold is not asked
// for: to Python it just is not there.
func (d Env) Names(ref airflow.Ref) Lookup {
	team, plain := envNames(ref)
	if plain == "" {
		return Lookup{Skip: "Airflow asks only the secrets backend for configuration options"}
	}
	if airflow.EnvRefuses(ref.ID, d.MultiTeam) {
		return Lookup{Skip: "the id holds '___', which in multi-team mode could name a team's secret"}
	}
	var names []string
	for _, name := range []string{team, plain} {
		if name != "" && !strings.ContainsAny(name, "=\x00") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return Lookup{Skip: "no environment variable can have '=' or NUL in its name"}
	}
	return Lookup{Names: names}
}

// Fold implements Folder: a name is in upper case, so an id in any case leads
// to it, and one with "ß" to that with "ss".
func (d Env) Fold(text string) string {
	return strings.ToLower(strings.TrimPrefix(airflow.VariableEnv(text), airflow.VariableEnvPrefix))
}

// Refs implements Dialect. Ids are given in lower case where that is one of
// the ids which name stands for; Airflow does not tell "x" from "X" here.
func (d Env) Refs(name string) []airflow.Ref {
	var refs []airflow.Ref
	for _, kind := range []airflow.Kind{airflow.KindVariable, airflow.KindConnection} {
		_, prefix := envNames(airflow.Ref{Kind: kind})
		id, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		candidates := []airflow.Ref{{Kind: kind, ID: id}}
		if rest, ok := strings.CutPrefix(id, "_"); ok {
			if team, id, ok := strings.Cut(rest, "___"); ok && team != "" {
				candidates = append(candidates, airflow.Ref{Kind: kind, ID: id, Team: team})
			}
		}
		for _, ref := range candidates {
			lower := airflow.Ref{Kind: kind, ID: strings.ToLower(ref.ID), Team: strings.ToLower(ref.Team)}
			switch {
			case d.standsFor(lower, name):
				refs = append(refs, lower)
			case d.standsFor(ref, name):
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// standsFor reports whether name is the first that ref asks for.
func (d Env) standsFor(ref airflow.Ref, name string) bool {
	names := d.Names(ref).Names
	return len(names) > 0 && names[0] == name
}

// Decode implements Dialect.
func (d Env) Decode(ref airflow.Ref, s *store.Secret) (Value, error) {
	team, _ := envNames(ref)
	if len(s.Payload) == 0 && team != "" && s.Attributes[envProtocol][envAttribute] == team {
		return Value{}, &NoValueError{Reason: "the team's own variable is empty, which counts as absent"}
	}
	return Value{Data: string(s.Payload)}, nil
}

// Encode implements Dialect. A connection of fields becomes its JSON text.
func (d Env) Encode(ref airflow.Ref, v Value) (*store.Secret, error) {
	data, ok := v.Data.(string)
	if v.Connection != nil {
		text, err := v.Connection.JSON()
		if err != nil {
			return nil, inexpressible(ref, "the connection has no JSON form")
		}
		data, ok = text, true
	}
	switch {
	case !ok:
		return nil, inexpressible(ref, "the environment holds text only")
	case strings.Contains(data, "\x00"):
		return nil, inexpressible(ref, "no environment variable can hold NUL")
	case data == "" && ref.Kind == airflow.KindConnection:
		return nil, inexpressible(ref, "an empty connection counts as not found")
	}
	return &store.Secret{Payload: []byte(data), Form: store.Text}, nil
}

var (
	_ Dialect = Env{}
	_ Dialect = (*Vault)(nil)
)
