package setup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/wait"
)

// gcp is Google Cloud Secret Manager.
func gcp() Service {
	prefix := matching(`^[A-Za-z0-9_-]+$`, "letters, digits, - and _")
	return Service{Name: "gcp", Title: "Google Cloud Secret Manager", plan: gcpPlan, Questions: []Question{
		{Name: "project-id", Title: "Google Cloud project", Help: "its id", Check: matching(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`, "a project id")},
		{Name: "variables-prefix", Title: "Prefix of variables", Help: "- and the key follow it", Default: "airflow-variables", Check: prefix},
		{Name: "connections-prefix", Title: "Prefix of connections", Help: "- and the id follow it", Default: "airflow-connections", Check: prefix},
		{Name: "config-prefix", Title: "Prefix of configuration options", Help: "what _SECRET options name", Default: "airflow-config", Check: prefix},
		{Name: "auth", Title: "How Airflow logs in", Help: "an identity of the place it runs in, or a key file", Default: "identity",
			Choices: []string{"identity", "key-file"}},
		{Name: "account", Title: "Service account", Help: "the part before @", Default: "airflow-secrets",
			Check: matching(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`, "6 to 30 lower-case letters, digits and -")},
		{Name: "service-account", Title: "Kubernetes service account that Airflow runs as", Help: "namespace/name; GKE only", Optional: true,
			When: is("auth", "identity"), Check: matching(`^[a-z0-9-]+/[a-z0-9.-]+$`, "namespace/name")},
		{Name: "key-file", Title: "Key file of the service account", Help: "its content goes into the kwargs, on one line", Optional: true,
			When: is("auth", "key-file")},
	}}
}

func gcpPlan(a Answers) (*Plan, error) {
	p := &Plan{Kwargs: object("variables_prefix", a["variables-prefix"], "connections_prefix", a["connections-prefix"], "config_prefix", a["config-prefix"],
		"sep", "-", "project_id", a["project-id"])}
	email := a["account"] + "@" + a["project-id"] + ".iam.gserviceaccount.com"
	if a["auth"] == "key-file" {
		if err := p.gcpKey(a["key-file"], email); err != nil {
			return nil, err
		}
	} else if a["service-account"] != "" {
		p.ServiceAccount = []Variable{{Name: "iam.gke.io/gcp-service-account", Value: email}}
	}
	p.Steps = gcpSteps(a, email)
	return p, nil
}

// mostKey bounds a key file: real ones have 2.4 KB.
const mostKey = 64 << 10

func (p *Plan) gcpKey(path, email string) error {
	p.KwargsSecret = true
	if path == "" {
		p.Kwargs.Set("gcp_keyfile_dict", p.orPlaceholder("", "<key-file>", "gcloud iam service-accounts keys create key.json --iam-account="+email+
			", then run this again with --key-file key.json"))
		return nil
	}
	done := wait.For(path)
	text, err := diskfile.ReadTyped(context.Background(), path, mostKey)
	done()
	wrong := errors.New("the key file is no JSON key of a service account: gcloud iam service-accounts keys create makes one")
	if errors.As(err, new(*diskfile.TooLargeError)) {
		return wrong
	}
	if err != nil {
		return fmt.Errorf("reading the key file: %w", err)
	}
	v, err := pyjson.Decode(strings.TrimSpace(string(text)))
	key, ok := v.(*pyjson.Object)
	if err != nil || !ok {
		return wrong
	}
	for _, member := range []string{"type", "private_key", "client_email", "token_uri"} {
		if text, _ := key.Get(member); text == nil {
			return fmt.Errorf("%w: it has no %s", wrong, member)
		}
	}
	p.Kwargs.Set("gcp_keyfile_dict", key)
	return nil
}

func gcpSteps(a Answers, email string) []Step {
	project := a["project-id"]
	starts := func(prefix string) string {
		return fmt.Sprintf(`resource.name.extract("secrets/{name}/versions").startsWith("%s-")`, prefix)
	}
	condition := strings.Join([]string{starts(a["variables-prefix"]), starts(a["connections-prefix"]), starts(a["config-prefix"])}, " || ")
	steps := []Step{
		{"turn the service on", []string{"gcloud services enable secretmanager.googleapis.com --project=" + project}},
		{"make the service account", []string{fmt.Sprintf(
			"gcloud iam service-accounts describe %s --project=%s >/dev/null 2>&1 || gcloud iam service-accounts create %s --project=%s", email, project, a["account"], project)}},
		{"let it read the secrets with these prefixes, and no others", []string{fmt.Sprintf(
			"gcloud projects add-iam-policy-binding %s --member=serviceAccount:%s --role=roles/secretmanager.secretAccessor --condition='title=airflow-secrets,expression=%s'",
			project, email, condition)}},
	}
	switch {
	case a["auth"] == "key-file" && a["key-file"] == "":
		steps = append(steps, Step{"make its key", []string{"gcloud iam service-accounts keys create key.json --iam-account=" + email}})
	case a["service-account"] != "":
		steps = append(steps, Step{"let the Kubernetes service account act as it", []string{fmt.Sprintf(
			"gcloud iam service-accounts add-iam-policy-binding %s --project=%s --role=roles/iam.workloadIdentityUser --member='serviceAccount:%s.svc.id.goog[%s]'",
			email, project, project, a["service-account"])}})
	}
	put := func(prefix, value string) string {
		name := prefix + "-" + TestID
		return fmt.Sprintf("gcloud secrets describe %s --project=%s >/dev/null 2>&1 || printf %%s %s | gcloud secrets create %s --project=%s --replication-policy=automatic --data-file=-",
			name, project, value, name, project)
	}
	return append(steps, Step{"write a variable and a connection to test with", []string{
		put(a["variables-prefix"], TestValue), put(a["connections-prefix"], TestURI)}})
}
