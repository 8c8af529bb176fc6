package dialect

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// Azure is the dialect of airflow.providers.microsoft.azure.secrets.key_vault.
// AzureKeyVaultBackend. A name is the name of a Key Vault secret. Its zero
// value asks nothing; [DefaultAzure] has the class's defaults.
type Azure struct {
	// ConnectionsPrefix, VariablesPrefix and ConfigPrefix begin the names of
	// each kind, with the separators at their ends taken off already. Nil (the
	// kwarg is null): the kind is never asked. Empty: the id stands alone.
	ConnectionsPrefix, VariablesPrefix, ConfigPrefix *string
	// Sep stands between prefix and id and in the place of every underscore.
	Sep string
	// MultiTeam is core.multi_team.
	MultiTeam bool
}

var (
	_ Dialect = (*Azure)(nil)
	_ Folder  = (*Azure)(nil)
)

// azureTeamSep is between team and id (TEAM_SEP).
const azureTeamSep = "--"

// AzureHolds reports whether Key Vault can have a secret called name: 1 to 127
// letters, digits and dashes.
// https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers
func AzureHolds(name string) bool {
	const longest = 127
	if name == "" || len(name) > longest {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// DefaultAzure is the dialect without any kwarg.
func DefaultAzure() *Azure {
	connections, variables, config := "airflow-connections", "airflow-variables", "airflow-config"
	return &Azure{ConnectionsPrefix: &connections, VariablesPrefix: &variables, ConfigPrefix: &config, Sep: "-"}
}

// AzureFromKwargs builds the dialect from backend_kwargs, as
// AzureKeyVaultBackend.__init__ does; it reads only the members that concern
// names. Nil kwargs are none. The error is an *airflow.Error with Python's own
// text.
func AzureFromKwargs(kwargs *pyjson.Object, multiTeam bool) (*Azure, error) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	d := DefaultAzure()
	d.MultiTeam = multiTeam
	var sep any = d.Sep
	if v, ok := kwargs.Get("sep"); ok {
		sep = v
		d.Sep, _ = v.(string)
	}
	for _, p := range []struct {
		kwarg string
		field **string
	}{{"connections_prefix", &d.ConnectionsPrefix}, {"variables_prefix", &d.VariablesPrefix}, {"config_prefix", &d.ConfigPrefix}} {
		var v any = **p.field
		if given, ok := kwargs.Get(p.kwarg); ok {
			v = given
		}
		prefix, err := azurePrefix(v, sep)
		if err != nil {
			return nil, err
		}
		*p.field = prefix
	}
	return d, nil
}

// azurePrefix takes the characters of sep off the end of a prefix that is true
// to Python; sep null takes off blanks (str.rstrip).
func azurePrefix(v, sep any) (*string, error) {
	if v == nil {
		return nil, nil
	}
	prefix, isText := v.(string)
	if !pyjson.Truthy(v) {
		prefix = pyjson.Str(v)
		return &prefix, nil
	}
	if !isText {
		return nil, &airflow.Error{Type: "AttributeError", Message: fmt.Sprintf("'%s' object has no attribute 'rstrip'", pyjson.TypeName(v))}
	}
	switch sep := sep.(type) {
	case nil:
		prefix = strings.TrimRightFunc(prefix, func(r rune) bool { return unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F })
	case string:
		if sep != "" {
			prefix = strings.TrimRight(prefix, sep)
		}
	default:
		return nil, &airflow.Error{Type: "TypeError", Message: "rstrip arg must be None or str"}
	}
	return &prefix, nil
}

// prefix returns the prefix of a kind and the kwarg that sets it.
func (d *Azure) prefix(kind airflow.Kind) (prefix *string, kwarg string) {
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

// Names implements Dialect (AzureKeyVaultBackend._get_secret). A name that Key
// Vault cannot hold is left out with a warning: where the team's is too long
// the plain one is still asked for. get_config knows no teams.
func (d *Azure) Names(ref airflow.Ref) Lookup {
	prefix, kwarg := d.prefix(ref.Kind)
	if prefix == nil {
		return Lookup{Skip: kwarg + " is null"}
	}
	if d.MultiTeam && strings.Contains(d.fold(ref.ID), azureTeamSep) {
		return Lookup{Warn: true, Skip: fmt.Sprintf("the id %q becomes a name with %q in it, which stands between team and id: "+
			"in multi-team mode it could be a team's secret", excerpt.Name(ref.ID), azureTeamSep)}
	}
	wanted := []string{d.name(*prefix, ref.ID)}
	if ref.Team != "" && ref.Kind != airflow.KindConfig {
		wanted = []string{d.name(*prefix, d.fold(ref.Team)+azureTeamSep+d.fold(ref.ID)), wanted[0]}
	}
	var names []string
	for _, name := range wanted {
		if AzureHolds(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return Lookup{Warn: true, Skip: fmt.Sprintf("Key Vault cannot have a secret called %q: names are 1 to 127 letters, digits and dashes",
			excerpt.Name(wanted[len(wanted)-1]))}
	}
	return Lookup{Names: names, Warn: len(names) < len(wanted)}
}

// name is AzureKeyVaultBackend.build_path.
func (d *Azure) name(prefix, id string) string {
	if prefix == "" {
		return d.fold(id)
	}
	return d.fold(prefix + d.Sep + id)
}

// fold puts the separator in the place of each underscore.
func (d *Azure) fold(text string) string { return strings.ReplaceAll(text, "_", d.Sep) }

// Fold implements Folder: an underscore is the separator, and Key Vault does
// not tell upper case from lower. With a separator that is no single character
// "?", which no name has, becomes "*": it must match an underscore still.
func (d *Azure) Fold(text string) string {
	if len(d.Sep) != 1 {
		text = strings.ReplaceAll(text, "?", "*")
	}
	return strings.ToLower(d.fold(text))
}

// Refs implements Dialect. Ids are given as they stand in the name, with
// dashes: Airflow does not tell "my_key" from "my-key" here, nor Key Vault
// "x" from "X". In multi-team mode "a--b" is team a's b.
func (d *Azure) Refs(name string) []airflow.Ref {
	var refs []airflow.Ref
	for _, kind := range airflow.Kinds() {
		prefix, _ := d.prefix(kind)
		if prefix == nil {
			continue
		}
		id := name
		if *prefix != "" {
			begin := d.fold(*prefix + d.Sep)
			if len(name) < len(begin) || !strings.EqualFold(name[:len(begin)], begin) {
				continue
			}
			id = name[len(begin):]
		}
		for _, ref := range d.candidates(kind, id) {
			if names := d.Names(ref).Names; ref.ID != "" && len(names) > 0 && strings.EqualFold(names[0], name) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// candidates are the id itself and, in multi-team mode, what is left and right
// of each place where team and id may meet.
func (d *Azure) candidates(kind airflow.Kind, id string) []airflow.Ref {
	refs := []airflow.Ref{{Kind: kind, ID: id}}
	if !d.MultiTeam || kind == airflow.KindConfig {
		return refs
	}
	for i := 1; i+len(azureTeamSep) < len(id); i++ {
		if rest, ok := strings.CutPrefix(id[i:], azureTeamSep); ok {
			refs = append(refs, airflow.Ref{Kind: kind, ID: rest, Team: id[:i]})
		}
	}
	return refs
}

// Decode implements Dialect: the value as it stands, also where it is empty. A
// secret of no value, which is the JSON text null here, is None.
func (d *Azure) Decode(ref airflow.Ref, s *store.Secret) (Value, error) {
	if s.Form == store.Object && string(s.Payload) == "null" {
		return Value{}, &NoValueError{Reason: "the secret has no value"}
	}
	if !utf8.Valid(s.Payload) {
		return Value{}, corrupt(ref, "is not text in UTF-8")
	}
	return Value{Data: string(s.Payload)}, nil
}

// Encode implements Dialect. A connection of fields becomes its JSON text.
func (d *Azure) Encode(ref airflow.Ref, v Value) (*store.Secret, error) {
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
		return nil, inexpressible(ref, "Key Vault holds text only")
	case !utf8.ValidString(data):
		return nil, inexpressible(ref, "the value is not text in UTF-8")
	case data == "" && ref.Kind == airflow.KindConnection:
		return nil, inexpressible(ref, "an empty connection counts as not found")
	}
	return &store.Secret{Payload: []byte(data), Form: store.Text}, nil
}
