package project

import (
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"go.yaml.in/yaml/v3"
)

// components of the official Airflow chart, and of the chart of Astro's
// Remote Execution Agents, that may have an env of their own.
func components() []string {
	return []string{
		"scheduler", "webserver", "apiServer", "workers", "triggerer", "dagProcessor", "createUserJob", "migrateDatabaseJob",
		"cleanup", "databaseCleanup", "flower", "statsd",
	}
}

// isHelmValues tells the values of one of the two charts by their names: one
// that no other chart has, or the name of the file and one that others have.
func isHelmValues(f *File, d yamlDocument) bool {
	if d.root.Kind != yaml.MappingNode {
		return false
	}
	root := airflowValues(d.root)
	for _, key := range []string{"secretBackend", "commonEnv", "airflowVersion", "defaultAirflowTag", "extraEnv", "dagProcessor", "agentTokenSecretName"} {
		if get(root, key) != nil {
			return true
		}
	}
	named := strings.Contains(strings.ToLower(f.Path), "values")
	for _, key := range append([]string{"env", "secret", "config", "extraEnvFrom", "extraSecrets", "images"}, components()...) {
		if named && get(root, key) != nil {
			return true
		}
	}
	return false
}

// airflowValues are the values of the chart, also where it is a part of
// another chart.
func airflowValues(root *yaml.Node) *yaml.Node {
	inner := get(root, "airflow")
	if inner == nil || inner.Kind != yaml.MappingNode || get(root, "env") != nil || get(root, "secretBackend") != nil {
		return root
	}
	return inner
}

// helm reads the values of a chart: what all components get, and what each of
// those gets that has variables of its own.
func (r *reader) helm(f *File, d yamlDocument) {
	root := airflowValues(d.root)
	r.extraObjects(f, d, root)
	for _, key := range []string{"commonEnv", "env"} {
		r.notText(d, get(root, key), false)
	}
	r.notOption(d, get(root, "config"))
	shared := d.sharedGroups(root)
	common := container{name: f.Path, file: f, kind: HelmValues, groups: shared}
	r.containers = append(r.containers, common)
	for _, name := range components() {
		node := get(root, name)
		if node == nil {
			continue
		}
		each := []*yaml.Node{node}
		if node.Kind == yaml.SequenceNode {
			each = items(node)
		}
		for _, one := range each {
			r.notText(d, get(one, "env"), false)
			own := d.group(get(one, "env"), get(one, "envFrom"))
			if len(own.settings) == 0 && len(own.from) == 0 {
				continue
			}
			title := f.Path + ": " + name
			if label := str(get(one, "name")); label != "" && node.Kind == yaml.SequenceNode {
				title += " " + label
			}
			c := container{name: title, file: f, kind: HelmValues, groups: append([]group{own}, shared...)}
			r.containers = append(r.containers, c)
		}
	}
}

// sharedGroups are what every component gets, in the order in which the
// charts list it: of two the later wins, so it stands first here.
func (d yamlDocument) sharedGroups(root *yaml.Node) []group {
	groups := []group{d.group(get(root, "commonEnv"), nil)}
	if extra := get(root, "extraEnv"); extra != nil {
		for _, inner := range d.listed(extra) {
			groups = append(groups, inner.group(inner.root, nil))
		}
	}
	groups = append(groups, d.secretGroup(get(root, "secret")), d.group(get(root, "env"), nil))
	if extra := get(root, "extraEnvFrom"); extra != nil {
		for _, inner := range d.listed(extra) {
			groups = append(groups, inner.group(nil, inner.root))
		}
	}
	return append(groups, d.agentGroup(root), d.configGroup(get(root, "config")))
}

// listed is a list that may be written as text.
func (d yamlDocument) listed(n *yaml.Node) []yamlDocument {
	if n.Kind == yaml.ScalarNode {
		return d.nested(n)
	}
	inner := d
	inner.root = n
	return []yamlDocument{inner}
}

// secretGroup reads "secret": variables that take the key of a Secret.
func (d yamlDocument) secretGroup(n *yaml.Node) group {
	var g group
	for _, item := range items(n) {
		name := get(item, "envName")
		if str(name) == "" {
			continue
		}
		s := d.setting(str(name), name, nil)
		s.Secret = true
		g.add(s, reference{kind: secret, name: str(get(item, "secretName")), key: str(get(item, "secretKey"))})
	}
	return g
}

// agentGroup is the class of a Remote Execution Agent, which its chart has a
// name of its own for.
func (d yamlDocument) agentGroup(root *yaml.Node) group {
	var g group
	for _, p := range pairs(root) {
		if p.key.Value == "secretBackend" && str(p.value) != "" {
			g.add(d.setting(airflow.OptionEnv("secrets", "backend"), p.key, p.value), reference{})
		}
	}
	return g
}

// configGroup is "config", which the chart writes into airflow.cfg: it loses
// to every variable.
func (d yamlDocument) configGroup(n *yaml.Node) group {
	var g group
	for _, section := range pairs(n) {
		for _, option := range pairs(section.value) {
			s := d.setting(airflow.OptionEnv(section.key.Value, option.key.Value), option.key, option.value)
			g.add(s, reference{})
		}
	}
	return g
}

// extraObjects reads extraSecrets and extraConfigMaps, whose data is text.
func (r *reader) extraObjects(f *File, d yamlDocument, root *yaml.Node) {
	for _, extra := range []struct{ key, kind string }{{"extraSecrets", secret}, {"extraConfigMaps", configMap}} {
		for _, p := range pairs(get(root, extra.key)) {
			o := &object{kind: extra.kind, name: p.key.Value, data: map[string]*Setting{}, file: f}
			for i, key := range []string{"data", "stringData"} {
				n := get(p.value, key)
				if n == nil {
					continue
				}
				for _, inner := range d.listed(n) {
					sources := []*yaml.Node{nil, inner.root}
					if i == 0 {
						sources = []*yaml.Node{inner.root}
					}
					o.merge(inner.object(f, extra.kind, o.name, sources...))
				}
			}
			r.objects = append(r.objects, o)
		}
	}
}

// merge takes over what another object of the same name holds.
func (o *object) merge(other *object) {
	for _, name := range other.order {
		if o.data[name] == nil {
			o.order = append(o.order, name)
		}
		o.data[name] = other.data[name]
	}
}
