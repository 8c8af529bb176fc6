package project

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// isManifest tells a Kubernetes object, or a list of them.
func isManifest(d yamlDocument) bool {
	return str(get(d.root, "apiVersion")) != "" && str(get(d.root, "kind")) != ""
}

// manifest reads one object of a manifest; it reports whether that is of any
// use here.
func (r *reader) manifest(f *File, d yamlDocument) {
	if list := get(d.root, "items"); list != nil && strings.HasSuffix(str(get(d.root, "kind")), "List") {
		for _, item := range items(list) {
			r.kubernetesObject(f, d, item)
		}
		return
	}
	r.kubernetesObject(f, d, d.root)
}

func (r *reader) kubernetesObject(f *File, d yamlDocument, n *yaml.Node) {
	name := str(get(n, "metadata", "name"))
	switch kind := str(get(n, "kind")); kind {
	case configMap:
		r.objects = append(r.objects, d.object(f, kind, name, get(n, "data")))
	case secret:
		r.notBase64(d, get(n, "data"))
		r.objects = append(r.objects, d.object(f, kind, name, get(n, "data"), get(n, "stringData")))
	case "Pod":
		r.pod(f, d, name, get(n, "spec"))
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job":
		r.pod(f, d, name, get(n, "spec", "template", "spec"))
	case "CronJob":
		r.pod(f, d, name, get(n, "spec", "jobTemplate", "spec", "template", "spec"))
	}
}

// pod takes up the containers of a pod.
func (r *reader) pod(f *File, d yamlDocument, name string, spec *yaml.Node) {
	for _, key := range []string{"initContainers", "containers"} {
		for _, c := range items(get(spec, key)) {
			r.notText(d, get(c, "env"), true)
			g := d.group(get(c, "env"), get(c, "envFrom"))
			r.containers = append(r.containers, container{
				name: f.Path + ": " + name + "/" + str(get(c, "name")), file: f, kind: Manifest, groups: []group{g},
			})
		}
	}
}

// containerEnvironments makes environments of the containers that Airflow
// runs in, as their variables tell, and of ConfigMaps and Secrets with
// Airflow's settings that none of them takes.
func (r *reader) containerEnvironments() {
	left := mostSettings
	for _, c := range r.containers {
		list := c.resolved(r.objects)
		if left -= len(list); left < 0 {
			r.problem(Span{File: c.file}, "", "the files set more variables than are read", "")
			return
		}
		if ofAirflow(list) {
			r.environment(c.name, c.kind, list, true)
		}
	}
	for _, o := range r.objects {
		var list []*Setting
		for _, name := range o.order {
			list = append(list, o.data[name])
		}
		if left -= len(list); left < 0 {
			return
		}
		if !o.used && ofAirflow(list) {
			r.environment(o.file.Path+": "+o.kind+" "+o.name, o.file.Kind, list, true)
		}
	}
}

func ofAirflow(list []*Setting) bool {
	for _, s := range list {
		if strings.HasPrefix(s.Name, "AIRFLOW_") {
			return true
		}
	}
	return false
}
