package vaultstore

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// engines looks at the mounts: are they KV, and of the version in use?
func (p *probe) engines() error {
	for _, mount := range p.s.mountsOf(p.names) {
		var m vault.Mount
		seen, err := p.ask("GET", "sys/internal/ui/mounts/"+quote(mount), nil, &m)
		if err != nil {
			return err
		}
		if !seen {
			p.unseen = append(p.unseen, mount)
			continue
		}
		version := 1
		if m.Options["version"] == "2" {
			version = 2
		}
		switch {
		case m.Type != "kv" && m.Type != "generic":
			p.add(store.Symptom{Topic: store.TopicMount, Blames: true, Text: fmt.Sprintf("the mount %q is of type %q, not a KV engine", mount, m.Type),
				Fix: "set mount_point to a KV engine: vault secrets list"})
		case version != p.s.version:
			p.add(store.Symptom{Topic: store.TopicKVVersion, Blames: true,
				Text: fmt.Sprintf("the engine at %q is KV version %d, and version %d is asked for: every secret there counts as missing", mount, version, p.s.version),
				Fix:  fmt.Sprintf(`"kv_engine_version": %d`, version)})
		}
	}
	return nil
}

// misplaced tells whether the engine that the names are in is not there, as
// far as the token sees engines at all.
func (p *probe) misplaced() (bool, error) {
	if len(p.unseen) == 0 {
		return false, nil
	}
	var visible struct{ Secret map[string]vault.Mount }
	seen, err := p.ask("GET", "sys/internal/ui/mounts", nil, &visible)
	if err != nil || !seen {
		return false, err
	}
	var engines []string
	for path, m := range visible.Secret {
		if m.Type == "kv" || m.Type == "generic" {
			engines = append(engines, strings.TrimSuffix(path, "/"))
		}
	}
	slices.Sort(engines)
	if len(engines) == 0 || slices.Contains(engines, p.unseen[0]) {
		return false, nil
	}
	fix := "mount_point: one of " + strings.Join(engines, ", ")
	if len(engines) == 1 {
		fix = fmt.Sprintf(`"mount_point": %q`, engines[0])
	}
	p.add(store.Symptom{Topic: store.TopicMount, Blames: true, Fix: fix, Text: fmt.Sprintf(
		"the token sees no KV engine at %q, but at %s: there is none, or no policy names it", p.unseen[0], strings.Join(engines, ", "))})
	return true, nil
}
