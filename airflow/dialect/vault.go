package dialect

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// Vault is the dialect of airflow.providers.hashicorp.secrets.vault.
// VaultBackend. A name is the path inside the KV mount, or, where the mount is
// part of the id, the mount, "/" and that path. Its zero value asks nothing;
// [DefaultVault] has the class's defaults.
type Vault struct {
	// ConnectionsPath, VariablesPath and ConfigPath are the base paths of
	// each kind, asked in order until a secret exists. Empty (the kwarg is
	// null or an empty list): the kind is never asked.
	ConnectionsPath, VariablesPath, ConfigPath []string
	// MountInID is set where mount_point is null or "": an id is then
	// "<mount>/<rest>".
	MountInID bool
	// MultiTeam is core.multi_team.
	MultiTeam bool
	// TeamPaths is use_team_secrets_path.
	TeamPaths bool
}

// DefaultVault is the dialect without any kwarg.
func DefaultVault() *Vault {
	return &Vault{
		ConnectionsPath: []string{"connections"}, VariablesPath: []string{"variables"}, ConfigPath: []string{"config"}, TeamPaths: true,
	}
}

// bases returns the base paths of a kind and the kwarg that sets them.
func (d *Vault) bases(kind airflow.Kind) (bases []string, kwarg string) {
	switch kind {
	case airflow.KindConnection:
		return d.ConnectionsPath, "connections_path"
	case airflow.KindVariable:
		return d.VariablesPath, "variables_path"
	case airflow.KindConfig:
		return d.ConfigPath, "config_path"
	}
	return nil, string(kind)
}

// Names implements Dialect (VaultBackend._get_secret and
// _get_secret_with_base). get_config knows no teams.
func (d *Vault) Names(ref airflow.Ref) Lookup {
	bases, kwarg := d.bases(ref.Kind)
	if len(bases) == 0 {
		return Lookup{Skip: kwarg + " is null"}
	}
	mount, rest, ok := d.split(ref.ID)
	teams := d.MultiTeam && d.TeamPaths && ref.Kind != airflow.KindConfig
	if teams && ref.Team == "" && ok && strings.Contains(rest, "/") {
		return Lookup{Warn: true, Skip: fmt.Sprintf("the id %q contains '/' and no team is asking: in multi-team mode it could be a team's secret", excerpt.Name(ref.ID))}
	}
	if !ok {
		return Lookup{Skip: "mount_point is null, and the id does not begin with a mount and '/'"}
	}
	var names []string
	for _, base := range bases {
		if teams && ref.Team != "" {
			base += "/" + ref.Team
		}
		name := rest
		if base != "" {
			name = base + "/" + rest
		}
		if mount != "" {
			name = mount + "/" + name
		}
		names = append(names, name)
	}
	return Lookup{Names: names}
}

// split takes the mount off an id; ok is false where there is none to take.
func (d *Vault) split(id string) (mount, rest string, ok bool) {
	if !d.MountInID {
		return "", id, true
	}
	return strings.Cut(id, "/")
}

// Refs implements Dialect. "a/b" below a base path is team a's b in
// multi-team mode, else the id "a/b". Slashes are compared as Vault's clients
// send them: none at the ends, never two in a row.
func (d *Vault) Refs(name string) []airflow.Ref {
	name = cleanPath(name)
	mount := ""
	if d.MountInID {
		var ok bool
		if mount, name, ok = strings.Cut(name, "/"); !ok {
			return nil
		}
		mount += "/"
	}
	var refs []airflow.Ref
	for _, kind := range airflow.Kinds() {
		bases, _ := d.bases(kind)
		for _, base := range bases {
			rest, ok := below(cleanPath(base), name)
			if !ok {
				continue
			}
			if ref := d.ref(kind, mount, rest); !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	return refs
}

// ref is what rest below a base path of kind stands for.
func (d *Vault) ref(kind airflow.Kind, mount, rest string) airflow.Ref {
	if d.MultiTeam && d.TeamPaths && kind != airflow.KindConfig {
		if team, id, ok := strings.Cut(rest, "/"); ok {
			return airflow.Ref{Kind: kind, ID: mount + id, Team: team}
		}
	}
	return airflow.Ref{Kind: kind, ID: mount + rest}
}

// below returns what follows base in name.
func below(base, name string) (rest string, ok bool) {
	if base == "" {
		return name, name != ""
	}
	rest, ok = strings.CutPrefix(name, base+"/")
	return rest, ok && rest != ""
}

// Fold implements Folder: the client drops slashes at the ends, and all but
// one in a row.
func (d *Vault) Fold(text string) string { return cleanPath(text) }

// cleanPath makes of a path what hvac's urljoin does of it.
func cleanPath(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return strings.Trim(path, "/")
}

// Decode implements Dialect (get_conn_value, get_variable, get_config). A
// connection is conn_uri where that is true to Python, whatever its type, else
// the whole object as JSON text. A variable or an option is the member value,
// of any type.
func (d *Vault) Decode(ref airflow.Ref, s *store.Secret) (Value, error) {
	data, err := pyjson.Decode(string(s.Payload))
	if err != nil {
		return Value{}, corrupt(ref, "is not JSON")
	}
	if data == nil {
		return Value{}, &NoValueError{Reason: "the secret's data is null"}
	}
	object, ok := data.(*pyjson.Object)
	if ref.Kind == airflow.KindConnection {
		if !ok {
			return Value{}, misshapen(ref, data)
		}
		if uri, _ := object.Get("conn_uri"); pyjson.Truthy(uri) {
			return Value{Data: uri}, nil
		}
		return Value{Data: pyjson.Encode(object)}, nil
	}
	if !pyjson.Truthy(data) {
		return Value{}, &NoValueError{Reason: "the secret's data is empty", Stop: true}
	}
	if !ok {
		return Value{}, misshapen(ref, data)
	}
	value, ok := object.Get("value")
	if !ok {
		return Value{}, &NoValueError{Reason: `the secret has no key "value"`, Stop: true, Warn: true}
	}
	return Value{Data: value}, nil
}

// ShapeError is a secret whose data is JSON but no object: VaultBackend dies of
// a TypeError or an AttributeError that names its Python type.
type ShapeError struct {
	// Type is the Python type: "list".
	Type string
}

// Error says what is wrong, without any part of the value.
func (e *ShapeError) Error() string {
	return "the secret's data is a " + e.Type + ", not a JSON object"
}

func corrupt(ref airflow.Ref, what string) error {
	return &store.Error{Op: "decode", Name: ref.ID, Code: store.Corrupt, Err: errors.New("the secret's data " + what)}
}

func misshapen(ref airflow.Ref, data any) error {
	return &store.Error{Op: "decode", Name: ref.ID, Code: store.Corrupt, Err: &ShapeError{pyjson.TypeName(data)}}
}

// Encode implements Dialect: a variable or an option under value, a serialized
// connection under conn_uri, so that it comes back to the byte. A connection
// of fields becomes an object of the same fields.
func (d *Vault) Encode(ref airflow.Ref, v Value) (*store.Secret, error) {
	member := "value"
	if ref.Kind == airflow.KindConnection {
		member = "conn_uri"
		if v.Connection != nil {
			return encodeFields(ref, v.Connection)
		}
		if !pyjson.Truthy(v.Data) {
			return nil, inexpressible(ref, "VaultBackend passes over an empty connection")
		}
	} else if v.Data == nil {
		return nil, inexpressible(ref, "VaultBackend answers None for null")
	}
	object := pyjson.NewObject()
	object.Set(member, v.Data)
	return objectSecret(ref, pyjson.Encode(object))
}

func encodeFields(ref airflow.Ref, c *airflow.Connection) (*store.Secret, error) {
	text, err := c.JSON()
	if err != nil {
		return nil, inexpressible(ref, "the connection has no JSON form")
	}
	return objectSecret(ref, text)
}

// objectSecret refuses what is JSON to Python only (NaN, infinities).
func objectSecret(ref airflow.Ref, text string) (*store.Secret, error) {
	if !json.Valid([]byte(text)) {
		return nil, inexpressible(ref, "Vault keeps no NaN and no infinity")
	}
	return &store.Secret{Payload: []byte(text), Form: store.Object}, nil
}

func inexpressible(ref airflow.Ref, why string) error {
	return &store.Error{Op: "encode", Name: ref.ID, Code: store.Invalid, Err: errors.New(why)}
}
