package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// writeExternalSecret writes no value: the operator of external-secrets.io
// (API version external-secrets.io/v1) reads them where Airflow's backend
// would.
func writeExternalSecret(items []Item, o *Options) (*Output, error) {
	if o.Backend == nil {
		return nil, errors.New("an ExternalSecret needs a secrets backend, and none is configured")
	}
	store, notes, err := secretStore(o)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	b.WriteString(store + "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\n" + metadata(o.name(), o))
	fmt.Fprintf(&b, "spec:\n  refreshInterval: 1h\n  secretStoreRef:\n    name: %s\n    kind: SecretStore\n", YAML(o.name()))
	fmt.Fprintf(&b, "  target:\n    name: %s\n    creationPolicy: Owner\n  data:\n", YAML(o.name()))
	written := 0
	for _, i := range items {
		if !fileName.MatchString(i.Name) {
			return nil, checked(i.Name, "", fileName)
		}
		if i.Remote == nil {
			continue
		}
		written++
		fmt.Fprintf(&b, "    - secretKey: %s\n      remoteRef:\n        key: %s\n", YAML(i.Name), YAML(i.Remote.Key))
		if i.Remote.Property != "" {
			fmt.Fprintf(&b, "        property: %s\n", YAML(i.Remote.Property))
		}
	}
	if written == 0 {
		return nil, errors.New("the secrets backend holds none of what was asked for, so there is nothing to refer to")
	}
	if left := namesOf(items, func(i Item) bool { return i.Remote == nil }); left != "" {
		notes = append(notes, "not in the secrets backend, so left out: "+left)
	}
	return one("external-secret.yaml", b.String(), notes...), nil
}

// secretStore is the SecretStore for the backend. Credentials are not copied
// into it: it refers to a Secret that the notes tell how to make.
func secretStore(o *Options) (text string, notes []string, err error) {
	var spec string
	k := kwargs{o.Backend.Kwargs}
	credentials := o.name() + "-store"
	var keys []string
	switch o.Backend.Service {
	case "vault":
		spec, keys, err = vaultProvider(k, credentials)
	case "ssm":
		spec, keys, err = awsProvider(k, "ParameterStore", credentials)
	case "secretsmanager":
		spec, keys, err = awsProvider(k, "SecretsManager", credentials)
	case "gcp":
		spec, keys = gcpProvider(k, credentials)
	case "azure":
		spec, keys = azureProvider(k, credentials)
	default:
		err = errors.New("external-secrets.io knows Vault, AWS, Google Cloud and Azure Key Vault, not the backend that is configured")
	}
	if err != nil {
		return "", nil, err
	}
	if len(keys) > 0 {
		notes = append(notes, fmt.Sprintf("the SecretStore logs in with the Secret %s, which you make: kubectl create secret generic %s%s%s",
			credentials, credentials, inNamespace(o), fromFiles(keys)))
	}
	return "apiVersion: external-secrets.io/v1\nkind: SecretStore\n" + metadata(o.name(), o) + "spec:\n  provider:\n" + spec, notes, nil
}

// inNamespace is the flag of kubectl for the namespace that was asked for.
func inNamespace(o *Options) string {
	if o.Namespace == "" {
		return ""
	}
	return " --namespace " + o.Namespace
}

func fromFiles(keys []string) string {
	var b strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&b, " --from-file %s=FILE", key)
	}
	return b.String()
}

// kwargs reads kwargs as text; those that are not text or not there are "".
type kwargs struct{ object *pyjson.Object }

func (k kwargs) text(name string) string {
	if k.object == nil {
		return ""
	}
	v, _ := k.object.Get(name)
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return pyjson.Encode(v)
}

func (k kwargs) or(name, otherwise string) string {
	if v := k.text(name); v != "" {
		return v
	}
	return otherwise
}

// block writes "name: value" lines, each indented; a value of "" makes the
// name the head of a block.
func block(indent int, pairs ...string) string {
	var b strings.Builder
	for n := 0; n+1 < len(pairs); n += 2 {
		name := strings.TrimLeft(pairs[n], " ")
		b.WriteString(strings.Repeat(" ", indent+len(pairs[n])-len(name)) + name + ":")
		if pairs[n+1] != "" {
			b.WriteString(" " + YAML(pairs[n+1]))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// vaultProvider is for the log-ins that external-secrets shares with
// VaultBackend.
func vaultProvider(k kwargs, credentials string) (spec string, keys []string, err error) {
	if k.object != nil {
		if mount, ok := k.object.Get("mount_point"); ok && !pyjson.Truthy(mount) {
			return "", nil, errors.New("mount_point is null, so each id has a mount of its own, and a SecretStore has one")
		}
	}
	pairs := []string{"vault", "", "  server", k.or("url", "http://localhost:8200"), "  path", k.or("mount_point", "secret"),
		"  version", "v" + k.or("kv_engine_version", "2")}
	if ns := k.text("namespace"); ns != "" {
		pairs = append(pairs, "  namespace", ns)
	}
	pairs = append(pairs, "  auth", "")
	mount := func(otherwise string) string { return k.or("auth_mount_point", otherwise) }
	switch auth := k.or("auth_type", "token"); auth {
	case "token":
		pairs, keys = append(pairs, "    tokenSecretRef", "", "      name", credentials, "      key", "token"), []string{"token"}
	case "approle":
		pairs = append(pairs, "    appRole", "", "      path", mount("approle"), "      roleId", k.text("role_id"),
			"      secretRef", "", "        name", credentials, "        key", "secret_id")
		keys = []string{"secret_id"}
	case "kubernetes":
		pairs = append(pairs, "    kubernetes", "", "      mountPath", mount("kubernetes"), "      role", k.text("kubernetes_role"),
			"      serviceAccountRef", "", "        name", "default")
	case "userpass":
		pairs = append(pairs, "    userPass", "", "      path", mount("userpass"), "      username", k.text("username"),
			"      secretRef", "", "        name", credentials, "        key", "password")
		keys = []string{"password"}
	case "ldap":
		pairs = append(pairs, "    ldap", "", "      path", mount("ldap"), "      username", k.text("username"),
			"      secretRef", "", "        name", credentials, "        key", "password")
		keys = []string{"password"}
	default:
		return "", nil, errors.New("the backend logs in to Vault in a way that is not rendered here: want token, approle, kubernetes, userpass or ldap")
	}
	return block(4, pairs...), keys, nil
}

func awsProvider(k kwargs, service, credentials string) (spec string, keys []string, err error) {
	if k.text("region_name") == "" {
		return "", nil, errors.New("a SecretStore names the AWS region, and none is set: add region_name to the kwargs, or set AWS_DEFAULT_REGION")
	}
	pairs := []string{"aws", "", "  service", service, "  region", k.text("region_name")}
	if role := k.text("role_arn"); role != "" {
		pairs = append(pairs, "  role", role)
	}
	if k.text("aws_access_key_id") != "" {
		pairs = append(pairs, "  auth", "", "    secretRef", "", "      accessKeyIDSecretRef", "", "        name", credentials,
			"        key", "aws_access_key_id", "      secretAccessKeySecretRef", "", "        name", credentials, "        key", "aws_secret_access_key")
		keys = []string{"aws_access_key_id", "aws_secret_access_key"}
	}
	return block(4, pairs...), keys, nil
}

func gcpProvider(k kwargs, credentials string) (spec string, keys []string) {
	pairs := []string{"gcpsm", ""}
	if project := k.text("project_id"); project != "" {
		pairs = append(pairs, "  projectID", project)
	}
	if k.text("gcp_keyfile_dict") != "" || k.text("gcp_key_path") != "" {
		pairs = append(pairs, "  auth", "", "    secretRef", "", "      secretAccessKeySecretRef", "", "        name", credentials, "        key", "key.json")
		keys = []string{"key.json"}
	}
	if len(pairs) == 2 {
		return "    gcpsm: {}\n", nil
	}
	return block(4, pairs...), keys
}

func azureProvider(k kwargs, credentials string) (spec string, keys []string) {
	pairs := []string{"azurekv", "", "  vaultUrl", k.text("vault_url")}
	if k.text("client_secret") == "" {
		return block(4, append(pairs, "  authType", "WorkloadIdentity", "  serviceAccountRef", "", "    name", "default")...), nil
	}
	pairs = append(pairs, "  tenantId", k.text("tenant_id"), "  authType", "ServicePrincipal", "  authSecretRef", "",
		"    clientId", "", "      name", credentials, "      key", "client_id",
		"    clientSecret", "", "      name", credentials, "      key", "client_secret")
	return block(4, pairs...), []string{"client_id", "client_secret"}
}
