package connlint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// ServiceSecretsManager is the store whose class takes the members of a
// connection's JSON by other names too, and drops what it does not know.
const ServiceSecretsManager = "secretsmanager"

// renamedFields is what SecretsManagerBackend makes of a JSON object.
func renamedFields(text string) (string, error) {
	d := dialect.SecretsManager{}
	v, err := d.Decode(airflow.Ref{Kind: airflow.KindConnection}, &store.Secret{Payload: []byte(text), Form: store.Text})
	return v.Text(), err
}

// object looks at a JSON object.
func (r *Report) object(body piece, o Options) {
	v, err := pyjson.Decode(body.of(r.Text))
	var bad *pyjson.Error
	if errors.As(err, &bad) {
		r.hidden = append(r.hidden, body)
		at := min(body.from+bad.Byte, len(r.Text))
		_, size := utf8.DecodeRuneInString(r.Text[at:])
		r.add(Problem{Code: BadJSON, Severity: Error, From: at, End: at + size,
			Message: "the connection begins like a JSON object and is none: " + bad.Error() + wordOfPython(body.of(r.Text)),
			Airflow: "Airflow raises a " + bad.Type + " and passes the connection over"})
		return
	}
	given, ok := v.(*pyjson.Object)
	if !ok {
		return
	}
	list := members(r.Text, body)
	r.hideMembers(list)
	if uri, ok := given.Get("uri"); ok && pyjson.Truthy(uri) {
		return // the constructor's own check speaks, in unexplained
	}
	if o.Service == ServiceSecretsManager {
		r.renamed(given, list)
	} else {
		r.named(given, list)
	}
	r.values(given, list)
}

// wordOfPython is a hint for what is a Python literal.
func wordOfPython(text string) string {
	if strings.HasPrefix(strings.TrimSpace(text[1:]), "'") {
		return ` (JSON has double quotes only)`
	}
	for _, word := range []string{"None", "True", "False"} {
		if strings.Contains(text, ": "+word) || strings.Contains(text, ":"+word) {
			return " (JSON writes null, true and false)"
		}
	}
	return ""
}

// fieldNames are the parameters of the constructor.
var fieldNames = [...]string{"conn_type", "description", "host", "login", "password", "schema", "port", "extra"}

// meant is the field that people mean by a name; empty where that is unclear.
func meant(name string) string {
	switch strings.ToLower(name) {
	case "user", "username", "user_name", "conn_login":
		return "login"
	case "pass", "passwd", "pwd", "key", "conn_password":
		return "password"
	case "remote_host", "server", "hostname", "conn_host", "endpoint":
		return "host"
	case "database", "db", "dbname", "db_name", "conn_schema":
		return "schema"
	case "connection_type", "engine", "type":
		return "conn_type"
	case "conn_port":
		return "port"
	case "extras", "extra_dejson", "conn_extra":
		return "extra"
	}
	if lower := strings.ToLower(name); slices.Contains(fieldNames[:], lower) {
		return lower
	}
	return ""
}

// named looks at the names of the members where Airflow itself reads them.
func (r *Report) named(given *pyjson.Object, list []member) {
	for _, m := range list {
		if slices.Contains(fieldNames[:], m.name) || m.name == "uri" {
			continue
		}
		p := Problem{Code: BadFields, Severity: Error, From: m.key.from, End: m.key.end,
			Message: "the object has a member that is no field of a connection: those are " + strings.Join(fieldNames[:], ", "),
			Airflow: `Airflow raises TypeError, "got an unexpected keyword argument", and passes the connection over`}
		field := meant(m.name)
		_, taken := given.Get(field)
		switch {
		case m.name == "conn_id":
			p.Message = "the object has a member conn_id: the id is the name that it is kept under"
			p.Airflow = `Airflow raises TypeError, "got multiple values for keyword argument", and passes the connection over`
		case field != "" && !taken:
			p.Message = fmt.Sprintf("the object has a member %q, which Airflow calls %q", clip(m.name), field)
			p.Mends, p.Write = true, `"`+field+`"`
		case field != "":
			p.Message = fmt.Sprintf("the object has a member %q beside %q", clip(m.name), field)
		}
		r.add(p)
	}
	if v, _ := given.Get("conn_type"); !pyjson.Truthy(v) {
		_, aliased := given.Get("connection_type")
		_, engine := given.Get("engine")
		if !aliased && !engine {
			r.withoutType()
		}
	}
}

func (r *Report) withoutType() {
	r.add(Problem{Code: BadFields, Severity: Error, End: len(r.Text), Message: "the object has no conn_type",
		Airflow: `Airflow reads a connection without a type; a hook that is looked up by it fails with 'Unknown hook type "None"'`})
}

// renamed looks at the names where SecretsManagerBackend reads them.
func (r *Report) renamed(given *pyjson.Object, list []member) {
	const drops = "SecretsManagerBackend drops what it has no name for, and says nothing"
	typed := false
	for _, m := range list {
		switch v, _ := given.Get(m.name); m.name {
		case "conn_type", "connection_type", "engine":
			typed = typed || pyjson.Truthy(v)
		case "conn_id":
			r.add(Problem{Code: BadFields, Severity: Error, From: m.key.from, End: m.key.end,
				Message: "the object has a member conn_id, which this store's class takes for the type",
				Airflow: "SecretsManagerBackend takes the first of conn_type, conn_id, connection_type and engine for the type"})
			typed = true
		case "login", "user", "username", "user_name", "password", "pass", "key", "host", "remote_host", "server", "port",
			"schema", "database", "extra", "uri":
		default:
			p := Problem{Code: BadFields, Severity: Warning, From: m.key.from, End: m.key.end, Airflow: drops,
				Message: "the object has a member that this store's class has no name for"}
			field := meant(m.name)
			if _, taken := given.Get(field); field != "" && !taken {
				p.Message = fmt.Sprintf("the object has a member %q, which this store's class does not know: it is called %q", clip(m.name), field)
				p.Mends, p.Write = true, `"`+field+`"`
			}
			r.add(p)
		}
	}
	if !typed {
		r.withoutType()
	}
}

// values looks at what the members hold.
func (r *Report) values(given *pyjson.Object, list []member) {
	for i, m := range list {
		v, _ := given.Get(m.name)
		blame := Problem{Code: BadFields, Severity: Error, From: m.value.from, End: m.value.end}
		if slices.ContainsFunc(list[i+1:], func(n member) bool { return n.name == m.name }) {
			blame.Severity, blame.From, blame.End = Warning, m.key.from, m.key.end
			blame.Message = fmt.Sprintf("the object has the member %q twice", clip(m.name))
			blame.Airflow = "the last one counts"
			r.add(blame)
			continue
		}
		switch field := r.fieldOf(m.name); field {
		case "port":
			r.portValue(v, given, blame)
		case "extra":
			r.extraValue(v, blame)
		case "host", "login", "password", "schema", "conn_type":
			if _, text := v.(string); v != nil && !text {
				blame.Message = fmt.Sprintf("the member %q is no string: quote it", field)
				blame.Airflow = "Airflow's own reading or get_uri() raises a TypeError, and the connection is passed over"
				r.add(blame)
			}
		}
	}
}

// fieldOf is the field that a member becomes, by its own name only.
func (r *Report) fieldOf(name string) string {
	if slices.Contains(fieldNames[:], name) {
		return name
	}
	return ""
}

func (r *Report) portValue(v any, given *pyjson.Object, blame Problem) {
	if !pyjson.Truthy(v) {
		return
	}
	object := pyjson.NewObject()
	object.Set("port", v)
	c, err := airflow.ParseConnection("", pyjson.Encode(object), airflow.SDK)
	if err != nil {
		blame.Message = "the port is no whole number"
		blame.Airflow = "Airflow raises ValueError, \"Expected integer value for `port`\", and passes the connection over"
		r.add(blame)
		return
	}
	number := pyjson.Str(c.Port)
	if n, ok := c.Port.(int64); !ok || n < 0 || n > 65535 {
		blame.Severity, blame.Message = Warning, "the port is not between 0 and 65535"
		blame.Airflow = "Airflow takes it as it is"
		r.add(blame)
		return
	}
	conn, _ := given.Get("conn_type")
	name, _ := conn.(string)
	if owner := foreignPort(name, number); owner != "" {
		blame.Code, blame.Severity = ForeignPort, Warning
		blame.Message = fmt.Sprintf("port %s is %s's, and the type is %q", number, owner, clip(name))
		blame.Airflow = "Airflow hands the port to the hook as it is, which connects there"
		r.add(blame)
	}
}

// extraValue looks at extra, which is an object or the text of one.
func (r *Report) extraValue(v any, blame Problem) {
	if !pyjson.Truthy(v) {
		return
	}
	blame.Code = BadExtra
	parsed := v
	if text, ok := v.(string); ok {
		decoded, err := pyjson.Decode(text)
		if err != nil {
			blame.Message = "extra is text and not JSON: write an object"
			blame.Airflow = "a task logs \"Failed to deserialize extra property `extra`, returning empty dictionary\"; the scheduler and the API server refuse the connection with a ValueError"
			r.add(blame)
			return
		}
		parsed = decoded
	}
	object, ok := parsed.(*pyjson.Object)
	if !ok {
		blame.Message = "extra is JSON and no object: write {\"name\": value}"
		blame.Airflow = "the scheduler and the API server refuse the connection with a ValueError, and a hook in a task finds no field"
		r.add(blame)
		return
	}
	for _, key := range []string{"__extra__", "extra"} {
		if _, nested := object.Get(key); nested && object.Len() == 1 {
			blame.Severity = Warning
			blame.Message = fmt.Sprintf("all of extra stands in a member %q of it: it is not taken out", key)
			blame.Airflow = "only in a URI's query does __extra__ stand for the whole; hooks find none of the fields"
			r.add(blame)
		}
	}
}
