package project

import (
	"path"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"go.yaml.in/yaml/v3"
)

// exportKind tells by a file's name what was written to it: `airflow variables
// export`, `airflow connections export`, and the files of Airflow's local
// filesystem backend.
func exportKind(name string) airflow.Kind {
	base := strings.ToLower(path.Base(name))
	switch {
	case strings.Contains(base, "connections"), strings.HasPrefix(base, "conns"):
		return airflow.KindConnection
	case strings.Contains(base, "variables"), strings.HasPrefix(base, "vars"):
		return airflow.KindVariable
	}
	return ""
}

// export reads variables or connections from a mapping; it reports whether
// the document is one.
func (r *reader) export(f *File, d yamlDocument, kind airflow.Kind) bool {
	list := pairs(d.root)
	if kind == "" || len(list) == 0 || len(list) > mostSettings {
		return false
	}
	if kind == airflow.KindConnection {
		for _, p := range list {
			if !isConnection(p.value) {
				return false
			}
		}
	}
	for _, p := range list {
		value := resolve(p.value)
		e := Entry{Kind: kind, ID: p.key.Value, Known: true, Layer: InExport, Span: d.span(value), At: d.span(p.key)}
		switch text, ok := scalar(value); {
		case ok:
			e.Text = text
		case kind == airflow.KindConnection && value.Kind == yaml.MappingNode:
			e.Fields = connectionFields(value, "")
		default:
			e.Text = e.Span.Text()
		}
		r.project.Entries = append(r.project.Entries, e)
	}
	return true
}

// isConnection tells a URI, or the fields of a connection.
func isConnection(n *yaml.Node) bool {
	if text, ok := scalar(n); ok {
		return strings.Contains(text, "://") || strings.HasPrefix(strings.TrimSpace(text), "{")
	}
	for _, field := range []string{"conn_type", "conn_uri", "host", "login", "uri"} {
		if get(n, field) != nil {
			return true
		}
	}
	return false
}
