package dialect

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// GCP is the dialect of airflow.providers.google.cloud.secrets.secret_manager.
// CloudSecretManagerBackend. A name is the id of a secret within the project:
// nothing of it is stripped, replaced or checked. Its zero value asks nothing;
// [DefaultGCP] has the class's defaults.
type GCP struct {
	// ConnectionsPrefix, VariablesPrefix and ConfigPrefix begin the names of
	// each kind. Nil (the kwarg is null): the kind is never asked. Empty: the
	// name still begins with Sep.
	ConnectionsPrefix, VariablesPrefix, ConfigPrefix *string
	// Sep stands between prefix and id.
	Sep string
	// MultiTeam is core.multi_team.
	MultiTeam bool
}

// DefaultGCP is the dialect without any kwarg.
func DefaultGCP() *GCP {
	connections, variables, config := "airflow-connections", "airflow-variables", "airflow-config"
	return &GCP{ConnectionsPrefix: &connections, VariablesPrefix: &variables, ConfigPrefix: &config, Sep: "-"}
}

// gcpTeamSep stands between a team and an id (TEAM_SEP).
const gcpTeamSep = "--"

// prefix returns the prefix of a kind and the kwarg that sets it.
func (d *GCP) prefix(kind airflow.Kind) (prefix *string, kwarg string) {
	switch kind {
	case airflow.KindConnection:
		return d.ConnectionsPrefix, "connections_prefix"
	case airflow.KindVariable:
		return d.VariablesPrefix, "variables_prefix"
	case airflow.KindConfig:
		return d.ConfigPrefix, "config_prefix"
	}
	return nil, string(kind)
}

// Names implements Dialect (CloudSecretManagerBackend._get_secret and
// _names_a_team_namespace). A team is asked for even where multi_team is off;
// get_config knows no teams, and so refuses no id.
func (d *GCP) Names(ref airflow.Ref) Lookup {
	prefix, kwarg := d.prefix(ref.Kind)
	if prefix == nil {
		return Lookup{Skip: kwarg + " is null"}
	}
	name := *prefix + d.Sep + ref.ID
	if ref.Kind == airflow.KindConfig {
		return Lookup{Names: []string{name}}
	}
	if d.MultiTeam && strings.Contains(ref.ID, gcpTeamSep) {
		return Lookup{Warn: true, Skip: fmt.Sprintf(
			"the id %q contains %q, which stands between team and id in multi-team mode: it could be a team's secret", excerpt.Name(ref.ID), gcpTeamSep)}
	}
	if ref.Team == "" {
		return Lookup{Names: []string{name}}
	}
	return Lookup{Names: []string{*prefix + d.Sep + ref.Team + gcpTeamSep + ref.ID, name}}
}

// Refs implements Dialect. In multi-team mode "a--b" is team a's b and never
// the id "a--b", which nobody can ask for; "a---b" may be read in two ways.
func (d *GCP) Refs(name string) []airflow.Ref {
	var refs []airflow.Ref
	for _, kind := range airflow.Kinds() {
		prefix, _ := d.prefix(kind)
		if prefix == nil {
			continue
		}
		rest, ok := strings.CutPrefix(name, *prefix+d.Sep)
		if !ok || rest == "" {
			continue
		}
		if !d.MultiTeam || kind == airflow.KindConfig || !strings.Contains(rest, gcpTeamSep) {
			refs = append(refs, airflow.Ref{Kind: kind, ID: rest})
			continue
		}
		for i := 1; i+len(gcpTeamSep) < len(rest); i++ {
			id, ok := strings.CutPrefix(rest[i:], gcpTeamSep)
			if ok && !strings.Contains(id, gcpTeamSep) {
				refs = append(refs, airflow.Ref{Kind: kind, ID: id, Team: rest[:i]})
			}
		}
	}
	return refs
}

// Decode implements Dialect (_SecretManagerClient.get_secret): the payload as
// strict UTF-8, a byte order mark kept. Any other payload fails with a
// *UnicodeDecodeError.
func (d *GCP) Decode(ref airflow.Ref, s *store.Secret) (Value, error) {
	if err := decodeUTF8(s.Payload); err != nil {
		return Value{}, &store.Error{Op: "decode", Name: ref.ID, Code: store.Corrupt, Err: err,
			Hint: "store text in UTF-8: Airflow reads nothing else from Google"}
	}
	return Value{Data: string(s.Payload)}, nil
}

// Encode implements Dialect: text as it is, a connection of fields as the JSON
// that Airflow reads.
func (d *GCP) Encode(ref airflow.Ref, v Value) (*store.Secret, error) {
	if v.Connection != nil {
		text, err := v.Connection.JSON()
		if err != nil {
			return nil, inexpressible(ref, "the connection has no JSON form")
		}
		v.Data = text
	}
	text, ok := v.Data.(string)
	switch {
	case !ok:
		return nil, inexpressible(ref, "CloudSecretManagerBackend reads text only")
	case ref.Kind == airflow.KindConnection && text == "":
		return nil, inexpressible(ref, "Airflow passes over an empty connection")
	case !utf8.ValidString(text):
		return nil, inexpressible(ref, "CloudSecretManagerBackend reads UTF-8 only")
	}
	return &store.Secret{Payload: []byte(text), Form: store.Binary}, nil
}

// Forgive implements Forgiver: a caller without permission, and a name that
// the service does not take, are None to the class, with an error in the log.
func (d *GCP) Forgive(err error) *NoValueError {
	switch store.ServiceCodeOf(err) {
	case "PermissionDenied":
		return &NoValueError{Warn: true, Severe: true,
			Reason: "Google answers PermissionDenied, as for a secret that does not exist: give the account the permission secretmanager.versions.access"}
	case "InvalidArgument":
		return &NoValueError{Warn: true, Severe: true,
			Reason: "Google answers InvalidArgument: a secret's name has letters of ASCII, digits, '-' and '_' only, 255 at most"}
	}
	return nil
}

// UnicodeDecodeError says where bytes stop being UTF-8, as Python's exception
// of that name, but holds none of them.
type UnicodeDecodeError struct {
	// Start and End are the offsets of the first bytes that cannot be
	// decoded; End is past the last.
	Start, End int
	// Reason is Python's.
	Reason string
}

// Error says where and why.
func (e *UnicodeDecodeError) Error() string {
	return fmt.Sprintf("the value is not UTF-8 at byte %d: %s", e.Start, e.Reason)
}

// Unwrap gives Airflow's exception.
func (e *UnicodeDecodeError) Unwrap() error {
	return &airflow.Error{Type: "UnicodeDecodeError", Message: e.Error()}
}

// decodeUTF8 is bytes.decode("UTF-8"): nil, or a *UnicodeDecodeError.
func decodeUTF8(b []byte) error {
	for i := 0; i < len(b); {
		_, size := utf8.DecodeRune(b[i:])
		if size == 1 && b[i] >= utf8.RuneSelf {
			return undecodable(b, i)
		}
		i += size
	}
	return nil
}

// undecodable says what Python finds wrong with the sequence at i: it counts
// the bytes that could still have become a character.
func undecodable(b []byte, i int) *UnicodeDecodeError {
	lead := b[i]
	need := 0
	switch {
	case 0xC2 <= lead && lead < 0xE0:
		need = 2
	case 0xE0 <= lead && lead < 0xF0:
		need = 3
	case 0xF0 <= lead && lead < 0xF5:
		need = 4
	default:
		return &UnicodeDecodeError{i, i + 1, "invalid start byte"}
	}
	for n := 1; n < need; n++ {
		if i+n >= len(b) {
			return &UnicodeDecodeError{i, len(b), "unexpected end of data"}
		}
		low, high := byte(0x80), byte(0xBF)
		if n == 1 {
			low, high = second(lead)
		}
		if b[i+n] < low || b[i+n] > high {
			return &UnicodeDecodeError{i, i + n, "invalid continuation byte"}
		}
	}
	return &UnicodeDecodeError{i, i + need, "invalid continuation byte"}
}

// second is the range of the byte after lead: narrower where a character would
// be overlong, half of a surrogate pair, or beyond Unicode.
func second(lead byte) (low, high byte) {
	switch lead {
	case 0xE0:
		return 0xA0, 0xBF
	case 0xED:
		return 0x80, 0x9F
	case 0xF0:
		return 0x90, 0xBF
	case 0xF4:
		return 0x80, 0x8F
	}
	return 0x80, 0xBF
}
