package render

import (
	"fmt"
	"strings"
)

func writeDotEnv(items []Item, _ *Options) (*Output, error) {
	text, err := lines(items, DotEnv)
	if err != nil {
		return nil, err
	}
	out := one(".env", text)
	if differ := namesOf(items, func(i Item) bool {
		line, _ := DotEnv(i.Name, i.Value)
		raw, err := DockerEnvFile(i.Name, i.Value)
		return err != nil || raw != line
	}); differ != "" {
		out.Notes = append(out.Notes, "docker run --env-file, which knows no quotes, reads other values than docker compose and astro do for "+differ)
	}
	return out, nil
}

func writeDockerfile(items []Item, _ *Options) (*Output, error) {
	text, err := lines(items, Dockerfile)
	if err != nil {
		return nil, err
	}
	out := one("Dockerfile.env", text)
	if secret := namesOf(items, func(i Item) bool { return i.Secret }); secret != "" {
		out.Notes = append(out.Notes, "everybody who has the image can read what ENV sets, also once a later line changes it: "+secret)
	}
	return out, nil
}

func writeShell(items []Item, _ *Options) (*Output, error) {
	text, err := lines(items, Shell)
	if err != nil {
		return nil, err
	}
	return one("env.sh", text), nil
}

func lines(items []Item, write func(name, value string) (string, error)) (string, error) {
	var b strings.Builder
	for _, i := range items {
		line, err := write(i.Name, i.Value)
		if err != nil {
			return "", err
		}
		b.WriteString(line + "\n")
	}
	return b.String(), nil
}

// mostNamed bounds the names of a note.
const mostNamed = 10

// namesOf lists the variables that are so, "" for none.
func namesOf(items []Item, so func(Item) bool) string {
	var names []string
	for _, i := range items {
		if so(i) {
			names = append(names, i.Name)
		}
	}
	if len(names) > mostNamed {
		names = append(names[:mostNamed], fmt.Sprintf("%d more", len(names)-mostNamed))
	}
	return strings.Join(names, ", ")
}
