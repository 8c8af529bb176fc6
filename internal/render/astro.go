package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// writeAstro writes a script for the astro CLI with the values in files, for
// an argument can be seen in the list of processes. `astro deployment variable
// update --load` takes a file; it reads line by line, trims quotes and blanks
// at both ends and skips what is empty (deployment_variable.go,
// addVariablesFromFile). What that would change goes through the standard
// input of `astro env variable`, which trims line ends (env_input.go,
// readSecretValue).
func writeAstro(items []Item, _ *Options) (*Output, error) {
	out := &Output{}
	var secret, plain, single []Item
	for _, i := range items {
		if err := checked(i.Name, i.Value, shellName); err != nil {
			return nil, err
		}
		switch {
		case !loads(i) && !piped(i.Value):
			return nil, cannot(i.Name, errors.New("the astro CLI takes no empty value, and drops line ends at the end of one"))
		case !loads(i):
			single = append(single, i)
		case i.Secret:
			secret = append(secret, i)
		default:
			plain = append(plain, i)
		}
	}
	var b strings.Builder
	b.WriteString(astroHead)
	for _, part := range []struct {
		file, flag string
		items      []Item
	}{{"secret.env", " --secret", secret}, {"plain.env", "", plain}} {
		if len(part.items) > 0 {
			fmt.Fprintf(&b, "astro deployment variable update --deployment-id \"$deployment\" --load --env %s%s\n", part.file, part.flag)
			out.Files = append(out.Files, File{part.file, loadFile(part.items), 0o600})
		}
	}
	if len(single) > 0 {
		b.WriteString(astroSingle)
	}
	for _, i := range single {
		flag := ""
		if i.Secret {
			flag = " --secret"
		}
		path := "values/" + i.Name
		fmt.Fprintf(&b, "single %s %s%s\n", i.Name, path, flag)
		out.Files = append(out.Files, File{path, i.Value, 0o600})
	}
	out.Files = slices.Insert(out.Files, 0, File{"astro.sh", b.String(), 0o700})
	out.Notes = append(out.Notes, "the files hold the values: remove the folder once astro.sh has run")
	return out, nil
}

const astroHead = `#!/bin/sh
# Sets environment variables of an Astro Deployment: sh astro.sh DEPLOYMENT-ID
set -eu
cd "$(dirname "$0")"
deployment=${1:?give the id of the Deployment}
`

// astroSingle is for values that --load would change. The verb is another in
// version 2 of the astro CLI.
const astroSingle = `# A value of several lines, or with quotes or blanks at its ends, goes alone.
single() {
  name=$1 file=$2
  shift 2
  case $(astro version) in
    *" 1."*) astro env var update "$name" --deployment-id "$deployment" "$@" <"$file" ;;
    *) astro env variable set "$name" --deployment-id "$deployment" "$@" <"$file" ;;
  esac
}
`

func loadFile(items []Item) string {
	var b strings.Builder
	for _, i := range items {
		b.WriteString(i.Name + "=" + i.Value + "\n")
	}
	return b.String()
}

// loads reports whether --load takes the value as it is.
func loads(i Item) bool {
	trimmed := strings.TrimSpace(strings.Trim(strings.Trim(i.Value, `"`), `'`))
	return i.Value != "" && trimmed == i.Value && !strings.ContainsAny(i.Value, "\n\r") && len(i.Name)+1+len(i.Value) <= longestLine
}

// piped reports whether a value survives being piped to astro or gh.
func piped(value string) bool {
	return value != "" && !strings.HasSuffix(value, "\n") && !strings.HasSuffix(value, "\r")
}

// writeAirflowSettings writes what `astro dev object import`, and every
// `astro dev start`, puts into the metadata database. The CLI passes each text
// between single quotes to a shell in the container, as an argument of
// `airflow variables set` or `connections add` (settings.go, AddVariables and
// AddConnections), so a text with a quote, or that looks like an option, or is
// empty, does not arrive. Connections can be written as a URI then.
func writeAirflowSettings(items []Item, _ *Options) (*Output, error) {
	variables, connections, rest := airflowItems(items)
	var b strings.Builder
	b.WriteString("# Read by astro dev start, and by: astro dev object import\nairflow:\n")
	b.WriteString(head("connections", len(connections)))
	for _, i := range connections {
		text, err := settingsConnection(i)
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
	}
	b.WriteString("  pools: []\n" + head("variables", len(variables)))
	for _, i := range variables {
		if !fileName.MatchString(i.ID) || !settingsText(i.Value) || i.Value == "" {
			return nil, cannot("variable "+i.ID, errors.New("the astro CLI hands it to a shell between single quotes, "+
				"where an empty value, one with a ' or a dash in front, and a name with more than letters, digits, _ . and - do not work: put it into .env"))
		}
		fmt.Fprintf(&b, "    - variable_name: %s\n      variable_value: %s\n", YAML(i.ID), YAML(i.Value))
	}
	out := one("airflow_settings.yaml", b.String(), "keep airflow_settings.yaml out of git: it holds the values")
	if rest != "" {
		out.Notes = append(out.Notes, "airflow_settings.yaml holds variables and connections only, so they are left out: "+rest)
	}
	return out, nil
}

func head(name string, n int) string {
	if n == 0 {
		return "  " + name + ": []\n"
	}
	return "  " + name + ":\n"
}

// settingsText reports whether a text arrives as the astro CLI passes it.
// Python's argparse takes what begins with a dash for an option, unless it
// begins with no option and there is a space in it, as in a PEM file.
func settingsText(s string) bool {
	return !strings.ContainsAny(s, "'\x00") && (!strings.HasPrefix(s, "-") || strings.HasPrefix(s, "---") && strings.Contains(s, " "))
}
