package check

import (
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/project"
)

// naming is a backend of which it is known what it calls things.
type naming struct {
	*Backend
	// kwargs are the ones that the writer means: where only quotes around the
	// text keep Airflow from reading it, what stands between them.
	kwargs *pyjson.Object
	rules  dialect.Dialect
	// mount is Vault's mount_point, without slashes at its ends; empty where
	// the mount is a part of each id, and for the other services.
	mount string
	// multiTeam is core.multi_team.
	multiTeam bool
}

// namings are those of all backends whose kwargs can be read. A rule about
// names says nothing of the others: what they ask for is not known.
func namings(s *Subject) []*naming {
	return remember(&s.known.names, func() (all []*naming) {
		for _, b := range s.Backends {
			if n := namingOf(b); n != nil {
				all = append(all, n)
			}
		}
		return all
	})
}

func namingOf(b *Backend) *naming {
	kwargs := meantKwargs(b)
	if kwargs == nil || leftOpen(kwargs) {
		return nil
	}
	n := &naming{Backend: b, kwargs: kwargs, multiTeam: isOn(b.Environment, airflow.OptionEnv("core", "multi_team"))}
	var err error
	switch b.Row.Service {
	case "vault":
		n.rules, _, err = dialect.VaultFromKwargs(kwargs, n.multiTeam)
		n.mount = vaultMount(kwargs)
	case "ssm":
		n.rules, err = dialect.SSMFromKwargs(kwargs, n.multiTeam)
	case "secretsmanager":
		n.rules, err = dialect.SecretsManagerFromKwargs(kwargs, n.multiTeam)
	case "gcp":
		n.rules, err = dialect.GCPFromKwargs(kwargs, n.multiTeam)
	case "azure":
		n.rules, err = dialect.AzureFromKwargs(kwargs, n.multiTeam)
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	return n
}

// meantKwargs are a backend's kwargs, nil where they are not in the project or
// too broken to tell what is meant.
func meantKwargs(b *Backend) *pyjson.Object {
	if b.Kwargs != nil && !b.Kwargs.Known {
		return nil
	}
	option := "backend"
	if b.Section == "workers" {
		option = "secrets_backend"
	}
	one := airflow.KwargEnvPrefix(b.Section, option+"_kwargs")
	for _, s := range b.Environment.Settings {
		if strings.HasPrefix(s.Name, one) && !s.Known {
			return nil
		}
	}
	if b.Warning == nil {
		return b.Object
	}
	text := strings.TrimSpace(b.Kwargs.Value)
	if len(text) < 2 || text[0] != text[len(text)-1] || text[0] != '\'' && text[0] != '"' {
		return nil
	}
	v, err := pyjson.Decode(text[1 : len(text)-1])
	object, ok := v.(*pyjson.Object)
	if err != nil || !ok {
		return nil
	}
	return object
}

// leftOpen tells whether a part of the names has yet to be filled in.
func leftOpen(kwargs *pyjson.Object) bool {
	for _, name := range kwargs.Keys() {
		v, _ := kwargs.Get(name)
		text, _ := v.(string)
		named := strings.HasSuffix(name, "_prefix") || strings.HasSuffix(name, "s_path") || name == "config_path" || name == "mount_point" || name == "sep"
		if named && strings.ContainsAny(text, "$<>") {
			return true
		}
	}
	return false
}

func vaultMount(kwargs *pyjson.Object) string {
	v, ok := kwargs.Get("mount_point")
	if !ok {
		return "secret"
	}
	text, _ := v.(string)
	return strings.Trim(text, "/")
}

// isOn reads a boolean option as Airflow does; what it cannot read is off.
func isOn(env *project.Environment, name string) bool {
	s := env.Lookup(name)
	if s == nil || !s.Known {
		return false
	}
	text, _, _ := strings.Cut(s.Value, "#")
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "t", "true", "1":
		return true
	}
	return false
}

// remote is the first name that the backend asks its service for; for Vault
// with the mount in front, as the vault command takes it, and without the
// "data" of version 2. It is empty where nothing is asked.
func (n *naming) remote(kind airflow.Kind, id string) string {
	names := n.rules.Names(airflow.Ref{Kind: kind, ID: id}).Names
	if len(names) == 0 {
		return ""
	}
	if n.mount != "" {
		return n.mount + "/" + names[0]
	}
	return names[0]
}

// refs are what a name of the service may stand for; none for a name that no
// look-up asks for.
func (n *naming) refs(remote string) []airflow.Ref {
	if n.Row.Service != "vault" || n.mount == "" {
		return n.rules.Refs(remote)
	}
	rest, ok := strings.CutPrefix(strings.Trim(remote, "/"), n.mount+"/")
	if !ok {
		return nil
	}
	return n.rules.Refs(rest)
}

// prefix is what the names of a kind begin with; ok is false where the kind
// is switched off.
func (n *naming) prefix(kind airflow.Kind) (prefix string, ok bool) {
	const id = "zz9zz" // legal to every service, and not changed by any
	name := n.remote(kind, id)
	if name == "" && n.Row.Service == "vault" && n.mount == "" {
		name = n.remote(kind, "mount/"+id)
	}
	return strings.TrimSuffix(name, id), name != ""
}

// kwarg is what the kwarg is called that sets the prefix of a kind.
func (n *naming) kwarg(kind airflow.Kind) string {
	name := map[airflow.Kind]string{airflow.KindVariable: "variables", airflow.KindConnection: "connections", airflow.KindConfig: "config"}[kind]
	if n.Row.Service == "vault" {
		return name + "_path"
	}
	return name + "_prefix"
}

// serviceName is what people call a service.
func serviceName(service string) string {
	switch service {
	case "vault":
		return "Vault"
	case "ssm":
		return "Parameter Store"
	case "secretsmanager":
		return "Secrets Manager"
	case "gcp":
		return "Google Secret Manager"
	case "azure":
		return "Key Vault"
	}
	return service
}

// written are what commands write to a service under a name.
func written(s *Subject, service string) []*project.Entry {
	return s.writes()[service]
}

// dynamic tells whether a part of a name is filled in later, by a shell or by
// the reader of a document.
func dynamic(name string) bool { return strings.ContainsAny(name, "$<>{}*`") }

// usesOf are the questions of DAGs whose id is known; not the ids that a reader
// has to fill in.
func usesOf(s *Subject) []usage {
	return remember(&s.known.uses, func() (list []usage) {
		if s.DAGs == nil {
			return nil
		}
		for _, u := range s.DAGs.Uses {
			if u.ID != "" && !dynamic(u.ID) {
				list = append(list, usage{ref: airflow.Ref{Kind: u.Kind, ID: u.ID}, file: u.Place.File, line: u.Place.Line, column: u.Place.Column})
			}
		}
		return list
	})
}

// usage is an id at a place of a DAG.
type usage struct {
	ref          airflow.Ref
	file         string
	line, column int
}

// at gives a finding the place.
func (u usage) at(f Finding) Finding {
	f.File, f.Line, f.Column = u.file, u.line, u.column
	return f
}

// valueAt is where the text of a kwarg stands, between its quotes; ok is false
// where that cannot be told or escapes stand in it.
func (b *Backend) valueAt(kwarg string) (at project.Span, ok bool) {
	text, isText := b.Text(kwarg)
	name := b.At(kwarg)
	if !isText || b.Kwargs == nil || !b.Kwargs.Exact || name.Text() != `"`+kwarg+`"` {
		return project.Span{}, false
	}
	from := name.End - b.Kwargs.Start
	value := b.Kwargs.Value[from:]
	quoted := strings.TrimLeft(value, " \t\r\n")
	quoted = strings.TrimLeft(strings.TrimPrefix(quoted, ":"), " \t\r\n")
	if !strings.HasPrefix(quoted, `"`+text+`"`) {
		return project.Span{}, false
	}
	start := len(b.Kwargs.Value) - len(quoted) + 1
	return b.Kwargs.Of(start, start+len(text)), true
}
