package vaultstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/store"
)

// capabilities asks what the token may do with each name.
func (p *probe) capabilities() error {
	blamed := slices.ContainsFunc(p.found, func(s store.Symptom) bool { return s.Blames })
	if len(p.names) == 0 || blamed { // the paths are wrong anyway
		return nil
	}
	paths := make([]string, len(p.names))
	for i, name := range p.names {
		paths[i] = p.s.Locate(name)
	}
	var answer map[string]json.RawMessage
	seen, err := p.ask("POST", "sys/capabilities-self", map[string]any{"paths": paths}, &answer)
	if err != nil || !seen {
		return err
	}
	denied, wide := []int{}, map[string][]string{}
	for i, path := range paths {
		var may []string
		if raw, ok := answer[path]; !ok || json.Unmarshal(raw, &may) != nil {
			continue
		}
		if !slices.Contains(may, "read") && !slices.Contains(may, "root") {
			denied = append(denied, i)
		}
		for _, more := range []string{"create", "update", "patch", "delete", "sudo"} {
			if slices.Contains(may, more) {
				wide[more] = append(wide[more], path)
			}
		}
	}
	p.tooWide(wide)
	if len(denied) == 0 {
		return nil
	}
	if missing, err := p.misplaced(); missing || err != nil {
		return err
	}
	for _, i := range denied {
		p.add(p.s.notGranted(p.names[i], p.policies))
	}
	return nil
}

func (p *probe) tooWide(wide map[string][]string) {
	var may, paths []string
	for _, more := range []string{"create", "update", "patch", "delete", "sudo"} {
		if len(wide[more]) > 0 {
			may = append(may, more)
			paths = append(paths, wide[more]...)
		}
	}
	if len(may) == 0 {
		return
	}
	slices.Sort(paths)
	p.add(store.Symptom{Topic: store.TopicTooWide, Fix: p.s.stanzas(p.names), Text: fmt.Sprintf(
		"the token may also %s, on %s: Airflow only reads", strings.Join(may, ", "), few(slices.Compact(paths)))})
}

// notGranted is a name that the token may not read.
func (s *Store) notGranted(name string, policies []string) store.Symptom {
	who := "the token"
	if len(policies) > 0 {
		who = "the token, of the policies " + strings.Join(policies, ", ") + ","
	}
	return store.Symptom{Topic: store.TopicPermission, Name: name, Fix: s.stanzas([]string{name}),
		Text: fmt.Sprintf("%s has no capability read on %s", who, s.Locate(name))}
}

// stanzas is the policy that lets one read names and nothing else.
func (s *Store) stanzas(names []string) string {
	var b strings.Builder
	for i, name := range names {
		const most = 50
		if i == most {
			fmt.Fprintf(&b, "# and %d more\n", len(names)-most)
			break
		}
		fmt.Fprintf(&b, "path %q {\n  capabilities = [\"read\"]\n}\n", s.Locate(name))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// few names some of a list.
func few(all []string) string {
	const most = 3
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
