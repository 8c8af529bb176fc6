package project

import (
	"encoding/base64"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// notText finds the values in an env that are no text, which Kubernetes
// refuses: numbers and booleans too where strict is set. Some charts write
// quotes around those.
func (r *reader) notText(d yamlDocument, env *yaml.Node, strict bool) {
	for _, item := range items(env) {
		name, value := str(get(item, "name")), get(item, "value")
		if name == "" || value == nil {
			continue
		}
		what, fix := "", "put single quotes around the whole value: value: '{...}'"
		switch {
		case value.Kind == yaml.MappingNode:
			what = "a mapping"
		case value.Kind == yaml.SequenceNode:
			what = "a list"
		case strict && isBoolean(value):
			what, fix = "a boolean", `value: "`+value.Value+`"`
		case strict && (value.Tag == "!!int" || value.Tag == "!!float"):
			what, fix = "a number", "put double quotes around the value"
		}
		if what != "" {
			r.problem(d.span(value), "refused-line", "Kubernetes refuses the value of "+excerpt.Word(name)+": it is "+what+", not text", fix)
		}
	}
}

// isBoolean tells what kubectl, which reads YAML 1.1, takes for a boolean.
func isBoolean(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Tag == "!!bool" || n.Style == 0 &&
		slices.Contains([]string{"yes", "no", "on", "off"}, strings.ToLower(n.Value)))
}

// notBase64 finds what stands in the data of a Secret as it is. What a tool
// fills in or decrypts before kubectl reads it is passed over.
func (r *reader) notBase64(d yamlDocument, data *yaml.Node) {
	for _, p := range pairs(data) {
		text, ok := scalar(p.value)
		if !ok || strings.ContainsAny(text, "$<") || strings.Contains(text, "{{") || strings.HasPrefix(text, "ENC[") {
			continue
		}
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			r.problem(d.span(resolve(p.value)), "refused-line", "Kubernetes refuses the Secret: data holds base64, and "+excerpt.Word(p.key.Value)+" is none",
				"write it below stringData instead, as it is")
		}
	}
}

// notOption finds options of "config" that are mappings or lists, of which
// the chart writes what Go prints.
func (r *reader) notOption(d yamlDocument, config *yaml.Node) {
	for _, section := range pairs(config) {
		for _, option := range pairs(section.value) {
			n := resolve(option.value)
			if n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode {
				continue
			}
			rule := "refused-line"
			if option.key.Value == "backend_kwargs" || option.key.Value == "secrets_backend_kwargs" {
				rule = "kwargs-not-json"
			}
			r.problem(d.span(n), rule, "the chart writes "+excerpt.Word(option.key.Value)+" into airflow.cfg as Go prints it, as in map[a:b]",
				"write it as text: "+option.key.Value+": '{...}'")
		}
	}
}
