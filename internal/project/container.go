package project

import (
	"encoding/base64"
	"slices"

	"go.yaml.in/yaml/v3"
)

// object is a ConfigMap or a Secret: what containers take variables from.
type object struct {
	kind, name string
	data       map[string]*Setting
	order      []string
	used       bool
	file       *File
}

// objects are those of all manifests and Helm values of a project.
type objects []*object

func (o objects) find(kind, name string) *object {
	for _, one := range o {
		if one.kind == kind && one.name == name {
			return one
		}
	}
	return nil
}

const (
	configMap = "ConfigMap"
	secret    = "Secret"
)

// object reads a ConfigMap or Secret. The values of data of a Secret are
// base64, those of stringData are plain and win.
func (d yamlDocument) object(f *File, kind, name string, sources ...*yaml.Node) *object {
	o := &object{kind: kind, name: name, data: map[string]*Setting{}, file: f}
	for i, source := range sources {
		for _, p := range pairs(source) {
			s := d.setting(p.key.Value, p.key, p.value)
			s.Secret = kind == secret
			if kind == secret && i == 0 {
				s.Exact, s.Start = false, 0
				b, err := base64.StdEncoding.DecodeString(s.Value)
				if s.Known = s.Known && err == nil; s.Known {
					s.Value = string(b)
				} else {
					s.Value = ""
				}
			}
			if o.data[s.Name] == nil {
				o.order = append(o.order, s.Name)
			}
			o.data[s.Name] = s
		}
	}
	return o
}

// container is what one container gets, before the objects are known.
type container struct {
	name   string
	file   *File
	kind   Kind
	groups []group // those that win first
}

// group is a list of variables from one place. Of two with one name the later
// counts, as Kubernetes has it.
type group struct {
	settings []*Setting
	// refs are, for a setting with the same index, where its value is; from
	// are whole objects.
	refs []reference
	from []reference
}

// reference names a key of an object, or the object as a whole.
type reference struct {
	kind, name, key, prefix string
}

// group reads env and envFrom of a container.
func (d yamlDocument) group(env, from *yaml.Node) group {
	var g group
	for _, item := range items(env) {
		name := get(item, "name")
		if str(name) == "" {
			continue
		}
		value, ref := get(item, "value"), reference{}
		s := d.setting(str(name), name, value)
		if source := get(item, "valueFrom"); source != nil && value == nil {
			s.Text = d.span(source)
			for _, to := range []struct{ key, kind string }{{"secretKeyRef", secret}, {"configMapKeyRef", configMap}} {
				if at := get(source, to.key); at != nil {
					ref = reference{kind: to.kind, name: str(get(at, "name")), key: str(get(at, "key"))}
				}
			}
			s.Secret = ref.kind == secret
		} else if value == nil {
			s.Known = true // Kubernetes takes it for an empty one
		}
		g.add(s, ref)
	}
	for _, item := range items(from) {
		for _, to := range []struct{ key, kind string }{{"secretRef", secret}, {"configMapRef", configMap}} {
			if at := get(item, to.key); at != nil {
				g.from = append(g.from, reference{kind: to.kind, name: str(get(at, "name")), prefix: str(get(item, "prefix"))})
			}
		}
	}
	return g
}

func (g *group) add(s *Setting, ref reference) {
	g.settings = append(g.settings, s)
	g.refs = append(g.refs, ref)
}

// resolved fills in what other objects hold, and lists the settings with
// those that win first. What envFrom gives loses to env.
func (c container) resolved(all objects) []*Setting {
	var list, below []*Setting
	for _, g := range c.groups {
		for i, s := range slices.Backward(g.settings) {
			list = append(list, g.refs[i].fill(s, all))
		}
		for _, ref := range slices.Backward(g.from) {
			o := all.find(ref.kind, ref.name)
			if o == nil {
				continue
			}
			o.used = true
			for _, name := range o.order {
				s := *o.data[name]
				s.Name = ref.prefix + s.Name
				below = append(below, &s)
			}
		}
	}
	return append(list, below...)
}

// fill gives a setting the value it refers to, where that is in the project.
func (ref reference) fill(s *Setting, all objects) *Setting {
	if ref.kind == "" {
		return s
	}
	o := all.find(ref.kind, ref.name)
	if o == nil {
		return s
	}
	o.used = true
	held := o.data[ref.key]
	if held == nil {
		return s
	}
	filled := *held
	filled.Name, filled.Secret = s.Name, s.Secret || held.Secret
	return &filled
}
