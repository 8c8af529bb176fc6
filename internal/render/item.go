package render

import (
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// Item is one environment variable. It prints without its value.
type Item struct {
	Name, Value string
	// Secret is set where only those may read it who may read credentials.
	Secret bool
	// Kind and ID say what Airflow keeps in it; both are empty for any other
	// variable. The ID of an option is "section.key".
	Kind airflow.Kind
	ID   string
	// Connection is what Value means, for a connection.
	Connection *airflow.Connection
	// Remote is where the secrets backend keeps it; nil where another layer
	// does.
	Remote *Remote
}

// Remote is a place in a store: the name there, and the member of the JSON
// object kept under it; an empty Property is the whole.
type Remote struct{ Key, Property string }

// String names the variable only.
func (i Item) String() string { return i.Name + ", redacted" }

// Format implements fmt.Formatter so that no verb prints the value.
func (i Item) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, i.String()) }

// LogValue implements slog.LogValuer.
func (i Item) LogValue() slog.Value { return slog.StringValue(i.String()) }

// Backend is the secrets backend that is configured.
type Backend struct {
	// Service is "vault", "ssm", "secretsmanager", "gcp", "azure" or
	// "localfile"; empty for a class that is not known.
	Service string
	Class   string
	// Kwargs are its kwargs; nil for none.
	Kwargs *pyjson.Object
}

// Options say what the formats for Kubernetes need besides the items. The zero
// value is of use.
type Options struct {
	// Name is that of the Kubernetes Secret; empty means airflow-secrets.
	Name string
	// Namespace is that of the manifests; empty leaves it out.
	Namespace string
	// Identity is the cloud identity of the agents' service accounts: an ARN
	// of AWS, an address of Google, a client id of Azure. Empty for none.
	Identity string
	// Backend is the secrets backend; nil for none.
	Backend *Backend
}

func (o *Options) name() string {
	if o.Name == "" {
		return "airflow-secrets"
	}
	return o.Name
}

// objectName is a DNS subdomain, as Kubernetes names objects.
var objectName = lazyregexp.New(`\A[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\z`)

func (o *Options) check() error {
	for _, name := range []string{o.name(), o.Namespace} {
		if name != "" && !objectName.MatchString(name) {
			return fmt.Errorf("%q is no name for a Kubernetes object: want lower-case letters, digits, dots and dashes", name)
		}
	}
	return nil
}

// File is one file of what is rendered.
type File struct {
	// Path is its name in the folder of all of them, with slashes.
	Path string
	Text string
	// Mode is 0600, or 0700 for a script.
	Mode fs.FileMode
}

// Output is what a format makes of items.
type Output struct {
	Files []File
	// Notes tell the person what to mind. None holds a value.
	Notes []string
}

// Format is one language to write items in.
type Format struct {
	Name string
	// Short says what is written, in a few words.
	Short string
	// Files are the names of the files that it may write: one for a format
	// that standard output can take.
	Files []string
	write func(items []Item, o *Options) (*Output, error)
}

// Write renders items in their order. An item that the format cannot hold is
// an error that names it without its value.
func (f Format) Write(items []Item, o *Options) (*Output, error) {
	if o == nil {
		o = &Options{}
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	return f.write(items, o)
}

// Formats are all of them, in the order in which they are shown.
func Formats() []Format {
	return []Format{
		{"env", "a .env file for astro dev and docker compose", []string{".env"}, writeDotEnv},
		{"dockerfile", "ENV lines of a Dockerfile", []string{"Dockerfile.env"}, writeDockerfile},
		{"shell", "export commands of a POSIX shell", []string{"env.sh"}, writeShell},
		{"astro", "astro deployment variable commands", []string{"astro.sh", "secret.env", "plain.env", "values/NAME"}, writeAstro},
		{"github", "a GitHub Actions step and gh secret commands", []string{"step.yaml", "github.sh", "values/NAME"}, writeGitHub},
		{"remote-execution", "Helm values of Astro's Remote Execution Agents", []string{"values.yaml", "secret.yaml"}, writeRemoteExecution},
		{"helm", "Helm values of the official Apache Airflow chart", []string{"values.yaml", "secret.yaml"}, writeHelm},
		{"kubernetes", "a Kubernetes Secret", []string{"secret.yaml"}, writeKubernetes},
		{"external-secret", "SecretStore and ExternalSecret of external-secrets.io", []string{"external-secret.yaml"}, writeExternalSecret},
		{"airflow-settings", "airflow_settings.yaml of the astro CLI", []string{"airflow_settings.yaml"}, writeAirflowSettings},
		{"local-files", "files of Airflow's LocalFilesystemBackend", []string{"variables.json", "connections.json"}, writeLocalFiles},
	}
}

// Find returns the format called name.
func Find(name string) (Format, bool) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// one is the output of a format that writes a single file.
func one(path, text string, notes ...string) *Output {
	return &Output{Files: []File{{path, text, 0o600}}, Notes: notes}
}
