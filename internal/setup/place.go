package setup

import (
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/render"
)

// Places is the folder of the settings as each place wants them written. They
// hold credentials, so git and docker leave the folder alone.
const Places = Folder + "/places"

// places are the settings for every place but .env.
func (p *Plan) places() ([]File, error) {
	var files []File
	for _, place := range []struct {
		name  string
		write func(*strings.Builder) error
	}{
		{"shell.sh", p.shell}, {"for-dockerfile.txt", p.dockerfile}, {"astro-ui.txt", p.astroUI}, {"values.yaml", p.values},
	} {
		var b strings.Builder
		if err := place.write(&b); err != nil {
			return nil, fmt.Errorf("writing %s: %w", place.name, err)
		}
		files = append(files, File{Path: Places + "/" + place.name, Text: b.String(), Private: true})
	}
	return files, nil
}

func (p *Plan) shell(b *strings.Builder) error {
	b.WriteString("# For a shell: . " + Places + "/shell.sh\n")
	for _, v := range p.Settings() {
		line, err := render.Shell(v.Name, v.Value)
		if err != nil {
			return err
		}
		b.WriteString(line + "\n")
	}
	return nil
}

// dockerfile leaves credentials out: ENV lines stay in the image's layers.
func (p *Plan) dockerfile(b *strings.Builder) error {
	b.WriteString("# For the Dockerfile, behind its FROM line.\n")
	for _, v := range p.Settings() {
		if v.Secret {
			fmt.Fprintf(b, "# %s holds a credential, and everybody who has the image could read it:\n"+
				"# leave it to .env here, and to a secret environment variable of the Deployment.\n", v.Name)
			continue
		}
		line, err := render.Dockerfile(v.Name, v.Value)
		if err != nil {
			return err
		}
		b.WriteString(line + "\n")
	}
	return nil
}

// astroUI is for the fields of a form: no quotes at all.
func (p *Plan) astroUI(b *strings.Builder) error {
	b.WriteString("For the Astro UI: Deployment > Variables > + Variable. Paste each value as it stands, without quotes.\n")
	for _, v := range p.Settings() {
		secret := "no"
		if v.Secret {
			secret = "yes"
		}
		fmt.Fprintf(b, "\nKey:    %s\nSecret: %s\nValue:  %s\n", v.Name, secret, v.Value)
	}
	return nil
}

// values are those of a Remote Execution Agent's chart. Credentials come from
// a Kubernetes Secret, which the first lines make.
func (p *Plan) values(b *strings.Builder) error {
	const secret = "airflow-secrets-backend"
	b.WriteString("# For the values.yaml of a Remote Execution Agent.\n")
	var literals []string
	for _, v := range p.Settings() {
		if v.Secret {
			literals = append(literals, "--from-file="+v.Name+"=/dev/stdin")
		}
	}
	if len(literals) > 0 {
		b.WriteString("# The credentials are kept in a Kubernetes Secret. Make it with the values of astro-ui.txt, each in a file of its own\n" +
			"# without a line break at its end:\n# kubectl create secret generic " + secret)
		for _, v := range p.Settings() {
			if v.Secret {
				b.WriteString(" --from-file=" + v.Name)
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "secretBackend: %s\n", render.YAML(p.Class))
	b.WriteString("commonEnv:\n")
	for _, v := range p.Settings()[1:] {
		fmt.Fprintf(b, "  - name: %s\n", v.Name)
		if v.Secret {
			fmt.Fprintf(b, "    valueFrom:\n      secretKeyRef:\n        name: %s\n        key: %s\n", secret, v.Name)
			continue
		}
		fmt.Fprintf(b, "    value: %s\n", render.YAML(v.Value))
	}
	mapping(b, "annotations", p.ServiceAccount)
	mapping(b, "labels", p.Labels)
	return nil
}

func mapping(b *strings.Builder, key string, list []Variable) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "%s:\n", key)
	for _, v := range list {
		fmt.Fprintf(b, "  %s: %s\n", v.Name, render.YAML(v.Value))
	}
}
