package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// mostSecret is what Kubernetes keeps in one Secret at most
// (MaxSecretSize).
const mostSecret = 1 << 20

func writeKubernetes(items []Item, o *Options) (*Output, error) {
	text, err := secretManifest(items, o)
	if err != nil {
		return nil, err
	}
	return one("secret.yaml", text, "give it to every container of Airflow: envFrom: [{secretRef: {name: "+o.name()+"}}]"), nil
}

// secretManifest is a Secret with a key for each item.
func secretManifest(items []Item, o *Options) (string, error) {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Secret\n" + metadata(o.name(), o))
	b.WriteString("type: Opaque\n")
	size := 0
	if len(items) > 0 {
		b.WriteString("stringData:\n")
	}
	for _, i := range items {
		if err := checked(i.Name, i.Value, fileName); err != nil {
			return "", err
		}
		if size += len(i.Value); size > mostSecret {
			return "", cannot(i.Name, errors.New("with it the Secret would be larger than the 1 MiB that Kubernetes keeps"))
		}
		fmt.Fprintf(&b, "  %s: %s\n", i.Name, YAML(i.Value))
	}
	return b.String(), nil
}

// KubernetesValue is a scalar of YAML for the value of a container's variable.
// The kubelet fills $(NAME) in and takes $$ for $ (k8s.io/kubernetes
// third_party/forked/golang/expansion); values of a Secret it leaves alone.
func KubernetesValue(value string) string { return YAML(escapeKubelet.Replace(value)) }

var escapeKubelet = strings.NewReplacer("$$", "$$$$", "$(", "$$(")

func metadata(name string, o *Options) string {
	text := "metadata:\n  name: " + YAML(name) + "\n"
	if o.Namespace != "" {
		text += "  namespace: " + YAML(o.Namespace) + "\n"
	}
	return text
}

// writeHelm writes values for the official chart
// (helm-chart/adding-connections-and-variables), whose secret list makes
// environment variables of the keys of a Secret. The Secret itself is a
// manifest of its own, because values end up in the release that Helm keeps.
func writeHelm(items []Item, o *Options) (*Output, error) {
	secret, plain := split(items)
	var b strings.Builder
	b.WriteString("# For the official Apache Airflow chart. The Secret is in secret.yaml:\n" +
		"#   kubectl apply -f secret.yaml\n#   helm upgrade --install airflow apache-airflow/airflow -f values.yaml\n")
	if len(secret) > 0 {
		b.WriteString("secret:\n")
	}
	for _, i := range secret {
		fmt.Fprintf(&b, "  - envName: %s\n    secretName: %s\n    secretKey: %s\n", YAML(i.Name), YAML(o.name()), YAML(i.Name))
	}
	if len(plain) > 0 {
		b.WriteString("env:\n")
	}
	for _, i := range plain {
		if err := checked(i.Name, i.Value, fileName); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "  - name: %s\n    value: %s\n", YAML(i.Name), KubernetesValue(i.Value))
	}
	return withSecret(b.String(), secret, o)
}

// withSecret is values.yaml and, where there are secrets, secret.yaml.
func withSecret(values string, secret []Item, o *Options) (*Output, error) {
	out := one("values.yaml", values)
	if len(secret) == 0 {
		return out, nil
	}
	manifest, err := secretManifest(secret, o)
	if err != nil {
		return nil, err
	}
	out.Files = append(out.Files, File{"secret.yaml", manifest, 0o600})
	return out, nil
}

func split(items []Item) (secret, plain []Item) {
	for _, i := range items {
		if i.Secret {
			secret = append(secret, i)
		} else {
			plain = append(plain, i)
		}
	}
	return secret, plain
}

// kwargsName is the variable with a backend's kwargs.
const kwargsName = "AIRFLOW__SECRETS__BACKEND_KWARGS"

// writeRemoteExecution writes values for the chart of Astro's Remote
// Execution Agents: secretBackend is the class, everything else goes to the
// agents as environment variables (commonEnv).
func writeRemoteExecution(items []Item, o *Options) (*Output, error) {
	var b strings.Builder
	b.WriteString("# For the chart of Astro's Remote Execution Agents: merge it into the values.yaml\n" +
		"# that the Astro UI gives you under Register Agents.\n")
	if o.Backend != nil {
		fmt.Fprintf(&b, "secretBackend: %s\n", YAML(o.Backend.Class))
		items = append([]Item{kwargsItem(o.Backend)}, items...)
	}
	if len(items) > 0 {
		b.WriteString("commonEnv:\n")
	}
	for _, i := range items {
		if err := checked(i.Name, i.Value, fileName); err != nil {
			return nil, err
		}
		if i.Secret {
			fmt.Fprintf(&b, "  - name: %s\n    valueFrom:\n      secretKeyRef:\n        name: %s\n        key: %s\n",
				YAML(i.Name), YAML(o.name()), YAML(i.Name))
			continue
		}
		fmt.Fprintf(&b, "  - name: %s\n    value: %s\n", YAML(i.Name), KubernetesValue(i.Value))
	}
	identity, err := identityComment(o)
	if err != nil {
		return nil, err
	}
	b.WriteString(identity)
	secret, _ := split(items)
	return withSecret(b.String(), secret, o)
}

// kwargsItem is the variable with the kwargs of b. It is secret where one of
// them is a credential.
func kwargsItem(b *Backend) Item {
	i := Item{Name: kwargsName, Value: "{}"}
	if b.Kwargs == nil {
		return i
	}
	i.Value = pyjson.Encode(b.Kwargs)
	for _, key := range b.Kwargs.Keys() {
		v, _ := b.Kwargs.Get(key)
		i.Secret = i.Secret || credentialKwarg(key) && pyjson.Truthy(v)
	}
	return i
}

// credentialKwarg tells the kwargs of the providers' classes that hold a
// credential, not the path of one.
func credentialKwarg(key string) bool {
	key = strings.ToLower(key)
	if strings.HasSuffix(key, "_path") {
		return false
	}
	for _, word := range []string{"token", "password", "secret", "keyfile_dict", "access_key", "credential", "config_kwargs"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}
