package setup

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// placeholder is what stands for an answer that is not known yet.
var placeholder = lazyregexp.New(`<[a-z][a-z-]+>`)

// Script is the store's side as a shell script of the vendor's own commands.
// It can run again: what is there is kept or written over with the same.
func (p *Plan) Script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n# The store's side of Airflow's secrets backend: %s.\n# Run it in the project's folder, as somebody who may change the store.\nset -eu\n", p.Service.Title)
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "\n# %s\n", s.Title)
		for _, c := range s.Commands {
			b.WriteString(c + "\n")
		}
	}
	return b.String()
}
