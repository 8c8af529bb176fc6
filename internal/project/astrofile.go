package project

import (
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"go.yaml.in/yaml/v3"
)

// astroSettings reads airflow_settings.yaml: what `astro dev start` and
// `astro dev object import` write into the metadata database. Objects without
// a name, as the file has them when it is new, are no objects.
func (r *reader) astroSettings(d yamlDocument) {
	root := get(d.root, "airflow")
	for _, item := range items(get(root, "variables")) {
		name, value := get(item, "variable_name"), get(item, "variable_value")
		if str(name) != "" {
			r.database(d, airflow.KindVariable, name, value)
		}
	}
	for _, item := range items(get(root, "connections")) {
		name, uri := get(item, "conn_id"), get(item, "conn_uri")
		if str(name) == "" {
			continue
		}
		e := r.database(d, airflow.KindConnection, name, uri)
		if e.Text == "" {
			e.Known, e.Span = true, d.span(item)
			e.Fields = connectionFields(item, "conn_")
		}
	}
}

// database adds an entry whose content is a scalar.
func (r *reader) database(d yamlDocument, kind airflow.Kind, name, value *yaml.Node) *Entry {
	e := Entry{Kind: kind, ID: str(name), Layer: InDatabase, At: d.span(name), Span: d.span(name)}
	if value != nil {
		e.Text, e.Known = scalar(value)
		e.Span = d.span(value)
	}
	r.project.Entries = append(r.project.Entries, e)
	return &r.project.Entries[len(r.project.Entries)-1]
}

// connectionFields are the parts of a connection that are given, by the names
// that Airflow's Connection has for them; an extra that is written as YAML
// keeps its text.
func connectionFields(n *yaml.Node, prefix string) map[string]string {
	fields := map[string]string{}
	for _, p := range pairs(n) {
		name := strings.TrimPrefix(p.key.Value, prefix)
		switch name {
		case "id":
			continue
		case "type":
			name = "conn_type"
		}
		value := resolve(p.value)
		if text, ok := scalar(value); ok {
			if text != "" {
				fields[name] = text
			}
		} else if value.Kind != yaml.ScalarNode && len(value.Content) > 0 {
			fields[name] = flat(value)
		}
	}
	return fields
}

// flat is a mapping or list as JSON would be shown, without what stands deeper:
// it is there to be looked at, not to be read back.
func flat(n *yaml.Node) string {
	var parts []string
	for _, p := range pairs(n) {
		if value := str(p.value); value != "" || resolve(p.value).Kind == yaml.ScalarNode {
			parts = append(parts, p.key.Value+": "+value)
		}
	}
	for _, item := range items(n) {
		parts = append(parts, str(item))
	}
	return strings.Join(parts, ", ")
}

// isDeployment tells a Deployment file of the astro CLI.
func isDeployment(d yamlDocument) bool {
	n := get(d.root, "deployment")
	return n != nil && (get(n, "configuration") != nil || get(n, "environment_variables") != nil)
}

// deployment reads a Deployment file (`astro deployment inspect`). The value
// of a secret is blank in one that the CLI has written.
func (r *reader) deployment(f *File, d yamlDocument) {
	var g group
	for _, item := range items(get(d.root, "deployment", "environment_variables")) {
		key := get(item, "key")
		if str(key) == "" {
			continue
		}
		s := d.setting(str(key), key, get(item, "value"))
		s.Secret = str(get(item, "is_secret")) == "true"
		if s.Secret && s.Value == "" {
			s.Known = false
		}
		g.add(s, reference{})
	}
	env := &Environment{Name: f.Path, Kind: AstroDeployment, Hosted: true, Settings: container{groups: []group{g}}.resolved(nil)}
	if len(env.Settings) > 0 {
		r.project.Environments = append(r.project.Environments, env)
	}
	r.project.Deployments = append(r.project.Deployments, Deployment{File: f, Environment: env})
}
