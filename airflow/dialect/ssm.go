package dialect

import (
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// SSM is the dialect of airflow.providers.amazon.aws.secrets.systems_manager.
// SystemsManagerParameterStoreBackend. A name is a parameter's, with its
// leading slash. Its zero value asks nothing; [DefaultSSM] has the class's
// defaults.
type SSM struct {
	Connections, Variables, Config AWSKind
	// MultiTeam is core.multi_team.
	MultiTeam bool
}

var _ Dialect = (*SSM)(nil)

// DefaultSSM is the dialect without any kwarg.
func DefaultSSM() *SSM {
	connections, variables, config := "/airflow/connections", "/airflow/variables", "/airflow/config"
	return &SSM{Connections: AWSKind{Prefix: &connections}, Variables: AWSKind{Prefix: &variables}, Config: AWSKind{Prefix: &config}}
}

// SSMKwargs are the kwargs that SSMFromKwargs reads.
func SSMKwargs() []string { return awsOwnKwargs() }

func awsOwnKwargs() []string {
	var names []string
	for _, kind := range airflow.Kinds() {
		names = append(names, awsKwargs[kind]+"_prefix", awsKwargs[kind]+"_lookup_pattern")
	}
	return names
}

// SSMFromKwargs builds the dialect from backend_kwargs, as the class's
// __init__ does; it reads only the members that concern names. Nil kwargs are
// none. The error is an *airflow.Error with Python's own text.
func SSMFromKwargs(kwargs *pyjson.Object, multiTeam bool) (*SSM, error) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	d := DefaultSSM()
	d.MultiTeam = multiTeam
	for _, kind := range []airflow.Kind{airflow.KindConnection, airflow.KindVariable, airflow.KindConfig} {
		k := d.kind(kind)
		if v, ok := kwargs.Get(awsKwargs[kind] + "_prefix"); ok {
			if k.Prefix = nil; v != nil {
				prefix, err := rstrip(v, "/")
				if err != nil {
					return nil, err
				}
				k.Prefix = &prefix
			}
		}
		pattern, _ := kwargs.Get(awsKwargs[kind] + "_lookup_pattern")
		k.setPattern(awsKwargs[kind]+"_lookup_pattern", pattern)
	}
	return d, nil
}

func (d *SSM) kind(kind airflow.Kind) *AWSKind {
	return awsKind(kind, &d.Connections, &d.Variables, &d.Config)
}

// Names implements Dialect (_get_secret): the team's parameter first, and a
// leading slash where there is none. get_config knows no teams.
func (d *SSM) Names(ref airflow.Ref) Lookup {
	k := d.kind(ref.Kind)
	if declined, ok := k.declines(ref, d.MultiTeam); ok {
		return declined
	}
	names := []string{ssmName(*k.Prefix, ref.ID)}
	if ref.Team != "" && ref.Kind != airflow.KindConfig {
		names = append([]string{ssmName(*k.Prefix, ref.Team+awsTeamSep+ref.ID)}, names...)
	}
	return Lookup{Names: names}
}

func ssmName(prefix, id string) string {
	name := prefix + "/" + id
	if !strings.HasPrefix(name, "/") {
		return "/" + name
	}
	return name
}

// Fold implements Folder: what follows a colon chooses a version of the same
// parameter, and a name has no colon of its own. The service removes blanks at
// the end of a name. Slashes are compared without those at the end or twice in
// a row, which no parameter has.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
func (d *SSM) Fold(text string) string {
	text, _, _ = strings.Cut(text, ":")
	return cleanPath(strings.TrimRightFunc(text, func(r rune) bool { return r == '/' || pySpace(r) || unicode.IsControl(r) }))
}

// foreign reports whether a name is one of AWS's own below /aws/, by which the
// service also reads secrets of Secrets Manager.
func (d *SSM) foreign(name string) bool {
	if !strings.HasPrefix(strings.ToLower("/"+cleanPath(name)), "/aws/") {
		return false
	}
	for _, kind := range airflow.Kinds() {
		if k := d.kind(kind); k.Prefix != nil && strings.HasPrefix(ssmName(*k.Prefix, ""), "/aws/") {
			return false // the settings lead there, not the id
		}
	}
	return true
}

// Refs implements Dialect. "x:3" and "x:label" are versions of x.
func (d *SSM) Refs(name string) []airflow.Ref {
	if !strings.HasPrefix(name, "/") {
		return nil
	}
	name = "/" + d.Fold(name)
	var refs []airflow.Ref
	for _, kind := range airflow.Kinds() {
		k := d.kind(kind)
		if k.Prefix == nil {
			continue
		}
		if id, ok := strings.CutPrefix(name, ssmName(*k.Prefix, "")); ok {
			refs = append(refs, teamRefs(kind, id, d.MultiTeam)...)
		}
	}
	return refs
}

// Decode implements Dialect: the value as it stands.
func (d *SSM) Decode(_ airflow.Ref, s *store.Secret) (Value, error) {
	return Value{Data: string(s.Payload)}, nil
}

// Encode implements Dialect.
func (d *SSM) Encode(ref airflow.Ref, v Value) (*store.Secret, error) { return encodeText(ref, v) }
