package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// githubName is a name that GitHub takes for a secret.
var githubName = lazyregexp.New(`\A[A-Za-z_][A-Za-z0-9_]*\z`)

// mostGitHub is what GitHub keeps in one secret at most.
const mostGitHub = 48 << 10

// writeGitHub writes a step of a workflow, and a script that stores the
// secrets it names. gh reads a value from its standard input, which keeps it
// out of the list of processes, and drops line ends at its end.
func writeGitHub(items []Item, _ *Options) (*Output, error) {
	out := &Output{}
	var step, script strings.Builder
	step.WriteString("# One step of a job. Its secrets are stored with: sh github.sh\n" +
		"- name: Run with Airflow's variables and connections\n  env:\n")
	script.WriteString("#!/bin/sh\n# Stores the values as secrets of the repository that the folder above belongs to:\n" +
		"#   sh github.sh [--env ENVIRONMENT | --repo OWNER/NAME]\nset -eu\nfiles=$(dirname \"$0\")/values\n")
	for _, i := range items {
		if err := githubItem(i); err != nil {
			return nil, err
		}
		if !i.Secret && !strings.Contains(i.Value, "${{") {
			fmt.Fprintf(&step, "    %s: %s\n", i.Name, YAML(i.Value))
			continue
		}
		fmt.Fprintf(&step, "    %s: ${{ secrets.%s }}\n", i.Name, i.Name)
		fmt.Fprintf(&script, "gh secret set %s \"$@\" <\"$files/%s\"\n", i.Name, i.Name)
		out.Files = append(out.Files, File{"values/" + i.Name, i.Value, 0o600})
	}
	step.WriteString("  run: airflow version\n")
	if dropped := namesOf(items, func(i Item) bool { return i.Secret && !piped(i.Value) }); dropped != "" {
		out.Notes = append(out.Notes, "gh drops the line ends at the end of "+dropped)
	}
	out.Files = slices.Insert(out.Files, 0, File{"step.yaml", step.String(), 0o600}, File{"github.sh", script.String(), 0o700})
	out.Notes = append(out.Notes, "the files hold the values: remove the folder once github.sh has run")
	return out, nil
}

func githubItem(i Item) error {
	if err := checked(i.Name, i.Value, githubName); err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(strings.ToUpper(i.Name), "GITHUB_"):
		return cannot(i.Name, errors.New("GitHub keeps names that begin with GITHUB_ to itself"))
	case i.Secret && i.Value == "":
		return cannot(i.Name, errors.New("GitHub keeps no empty secret"))
	case i.Secret && len(i.Value) > mostGitHub:
		return cannot(i.Name, errors.New("GitHub keeps 48 KiB in a secret at most"))
	}
	return nil
}
