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
	for _, v := range p.Settings() {
		if v.Secret { // for kubectl, which takes a file as it is
			files = append(files, File{Path: Places + "/" + v.Name, Text: v.Value, Private: true})
		}
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
	var files string
	for _, v := range p.Settings() {
		if v.Secret {
			files += " --from-file=" + Places + "/" + v.Name
		}
	}
	if files != "" {
		b.WriteString("# The credentials are kept in a Kubernetes Secret, in the agents' namespace:\n" +
			"# kubectl create secret generic " + secret + files + "\n")
	}
	fmt.Fprintf(b, "secretBackend: %s\n", render.YAML(p.Class))
	b.WriteString("commonEnv:\n")
	for _, v := range p.Settings()[1:] {
		fmt.Fprintf(b, "  - name: %s\n", v.Name)
		if v.Secret {
			fmt.Fprintf(b, "    valueFrom:\n      secretKeyRef:\n        name: %s\n        key: %s\n", secret, v.Name)
			continue
		}
		fmt.Fprintf(b, "    value: %s\n", render.KubernetesValue(v.Value))
	}
	p.identity(b)
	return nil
}

// identity says what ties the pods to a cloud's identity. It is a comment,
// because where it goes depends on the version of the chart.
func (p *Plan) identity(b *strings.Builder) {
	for _, v := range p.ServiceAccount {
		fmt.Fprintf(b, "# The service account that Airflow runs as needs an annotation: in the chart's values, or with\n"+
			"#   kubectl annotate serviceaccount NAME --namespace NAMESPACE %s=%s\n", v.Name, v.Value)
	}
	for _, v := range p.Labels {
		fmt.Fprintf(b, "# Its pods need a label: %s: %q\n", v.Name, v.Value)
	}
}
