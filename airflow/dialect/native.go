package dialect

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/store"
)

// Native is the dialect of airlock's own store, which stands for no class of
// Airflow. A name is kind, team and id:
//
//	variable//KEY                 a variable that belongs to no team
//	connection/team%2Fa/ID/x      the connection "ID/x" of team "team/a"
//	plain/vault/apps/x            no reference: the secret "apps/x" of protocol "vault"
//
// With a team the team's name is asked first, then the name without a team,
// as Airflow's AWS, Google and Azure backends do. Its zero value is ready.
type Native struct{}

var _ Dialect = Native{}

// plainPrefix begins the names of plain secrets.
const plainPrefix = "plain/"

// PlainName is where a secret that is neither variable, connection nor config
// option is kept: under the protocol it came by and its exact name there.
func PlainName(protocol, name string) string {
	return plainPrefix + url.PathEscape(protocol) + "/" + name
}

// ParsePlainName is the inverse of PlainName; ok is false for other names.
func ParsePlainName(name string) (protocol, exact string, ok bool) {
	rest, ok := strings.CutPrefix(name, plainPrefix)
	if !ok {
		return "", "", false
	}
	escaped, exact, ok := strings.Cut(rest, "/")
	if !ok || exact == "" {
		return "", "", false
	}
	protocol, ok = pathSegment(escaped)
	return protocol, exact, ok
}

// Names implements Dialect.
func (Native) Names(ref airflow.Ref) Lookup {
	if ref.ID == "" {
		return Lookup{Skip: "the id is empty"}
	}
	global := string(ref.Kind) + "//" + ref.ID
	if ref.Team == "" {
		return Lookup{Names: []string{global}}
	}
	return Lookup{Names: []string{string(ref.Kind) + "/" + url.PathEscape(ref.Team) + "/" + ref.ID, global}}
}

// Refs implements Dialect. It answers one reference at most.
func (Native) Refs(name string) []airflow.Ref {
	parts := strings.SplitN(name, "/", 3)
	if len(parts) != 3 || parts[2] == "" {
		return nil
	}
	kind, err := airflow.ParseKind(parts[0])
	team, ok := pathSegment(parts[1])
	if err != nil || !ok {
		return nil
	}
	return []airflow.Ref{{Kind: kind, ID: parts[2], Team: team}}
}

// pathSegment undoes url.PathEscape, and refuses what it would not have
// written, so that each reference has one name.
func pathSegment(escaped string) (string, bool) {
	plain, err := url.PathUnescape(escaped)
	return plain, err == nil && url.PathEscape(plain) == escaped
}

// Decode implements Dialect. Text counts as it stands, bytes too where they
// are UTF-8; an object, which is what comes in by Vault's protocol, is read by
// Vault's rules.
func (Native) Decode(ref airflow.Ref, s *store.Secret) (Value, error) {
	switch {
	case s.Form == store.Object:
		return (&Vault{}).Decode(ref, s)
	case s.Form == store.Binary && !utf8.Valid(s.Payload):
		return Value{}, corrupt(ref, "is binary, not text in UTF-8")
	}
	return Value{Data: string(s.Payload)}, nil
}

// Encode implements Dialect: text as it stands, a connection of fields as its
// JSON form. A variable that is no string (only Vault has those) becomes an
// object, so that it keeps its type.
func (Native) Encode(ref airflow.Ref, v Value) (*store.Secret, error) {
	text, isText := v.Data.(string)
	switch {
	case v.Connection != nil:
		var err error
		if text, err = v.Connection.JSON(); err != nil {
			return nil, inexpressible(ref, "the connection has no JSON form")
		}
	case v.Data == nil:
		return nil, inexpressible(ref, "there is no value to store")
	case !isText:
		return (&Vault{}).Encode(ref, v)
	}
	if !utf8.ValidString(text) {
		return nil, inexpressible(ref, "the value is not text in UTF-8")
	}
	return &store.Secret{Payload: []byte(text), Form: store.Text}, nil
}
