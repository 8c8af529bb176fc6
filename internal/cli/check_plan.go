package cli

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/internal/live"
)

// plannedHost is an address that gets something of a check's requests.
type plannedHost struct {
	Host string `json:"host"`
	Kind string `json:"kind"`
	// Setting names the address; it is empty where the client computes it.
	Setting string `json:"setting"`
	// Trusted is false where the folder names the address and the user has not
	// trusted it: then it gets no credential of the user's.
	Trusted bool `json:"trusted"`
}

// hosts are the addresses that the layers' requests go to.
func (k *asking) hosts(r *airlock.Resolver) []plannedHost {
	said := &trusted{app: k.app}
	list := []plannedHost{}
	for i := range r.Sources {
		for _, p := range r.Sources[i].Points {
			h := plannedHost{Host: p.Host, Kind: string(p.Kind), Setting: p.By.String(), Trusted: true}
			for _, foreign := range k.named.points {
				if foreign.Host == p.Host && foreign.Kind == p.Kind {
					h.Trusted = said.Trusts(k.named.dir, foreign)
				}
			}
			if !slices.Contains(list, h) {
				list = append(list, h)
			}
		}
	}
	return list
}

func (k *asking) printHosts(hosts []plannedHost) {
	if len(hosts) == 0 {
		return
	}
	k.println("addresses")
	for _, h := range hosts {
		line := fmt.Sprintf("  %s  %s  %s", h.Host, h.Kind, h.Setting)
		if !h.Trusted {
			line += "  not trusted"
		}
		k.println(visible(line))
	}
}

// printPlanJSON writes {"hosts": [...], "calls": [...]}.
func (k *asking) printPlanJSON(hosts []plannedHost, calls []live.Call) error {
	type row struct {
		Store  string `json:"store"`
		Method string `json:"method"`
		Name   string `json:"name"`
		When   string `json:"when"`
	}
	rows := make([]row, len(calls))
	for i, c := range calls {
		rows[i] = row{c.Layer, c.Method, c.Name, c.When}
	}
	text, err := json.MarshalIndent(map[string]any{"hosts": hosts, "calls": rows}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the calls: %w", err)
	}
	k.println(string(text))
	return nil
}
