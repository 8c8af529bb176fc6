package render_test

import (
	"strings"
	"testing"

	kubernetes "sigs.k8s.io/yaml"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/render"
)

// TestSecretStores: each backend becomes the provider of external-secrets.io
// that reads the same store, and no credential stands in the manifest.
func TestSecretStores(t *testing.T) {
	tests := []struct {
		name, service, kwargs string
		want                  string // the provider, as JSON
		keys                  string // of the Secret that the person makes
	}{
		{"Vault by token", "vault", `{"url": "https://v", "token": "CANARY-t", "kv_engine_version": 1, "namespace": "n"}`,
			`{"vault":{"auth":{"tokenSecretRef":{"key":"token","name":"airflow-secrets-store"}},"namespace":"n","path":"secret","server":"https://v","version":"v1"}}`, "token"},
		{"Vault by Kubernetes", "vault", `{"url": "https://v", "auth_type": "kubernetes", "kubernetes_role": "r", "auth_mount_point": "k8s", "mount_point": "m"}`,
			`{"vault":{"auth":{"kubernetes":{"mountPath":"k8s","role":"r","serviceAccountRef":{"name":"default"}}},"path":"m","server":"https://v","version":"v2"}}`, ""},
		{"Vault by password", "vault", `{"url": "https://v", "auth_type": "userpass", "username": "u", "password": "CANARY-p"}`,
			`{"vault":{"auth":{"userPass":{"path":"userpass","secretRef":{"key":"password","name":"airflow-secrets-store"},"username":"u"}},"path":"secret","server":"https://v","version":"v2"}}`, "password"},
		{"Vault by LDAP", "vault", `{"url": "https://v", "auth_type": "ldap", "username": "u", "password": "CANARY-p"}`,
			`{"vault":{"auth":{"ldap":{"path":"ldap","secretRef":{"key":"password","name":"airflow-secrets-store"},"username":"u"}},"path":"secret","server":"https://v","version":"v2"}}`, "password"},
		{"parameters", "ssm", `{"region_name": "eu-west-1", "role_arn": "arn:aws:iam::1:role/r"}`,
			`{"aws":{"region":"eu-west-1","role":"arn:aws:iam::1:role/r","service":"ParameterStore"}}`, ""},
		{"Secrets Manager", "secretsmanager", `{"region_name": "eu-west-1", "aws_access_key_id": "CANARY-i", "aws_secret_access_key": "CANARY-k"}`,
			`{"aws":{"auth":{"secretRef":{"accessKeyIDSecretRef":{"key":"aws_access_key_id","name":"airflow-secrets-store"},` +
				`"secretAccessKeySecretRef":{"key":"aws_secret_access_key","name":"airflow-secrets-store"}}},"region":"eu-west-1","service":"SecretsManager"}}`,
			"aws_access_key_id aws_secret_access_key"},
		{"Google with a key", "gcp", `{"project_id": "p", "gcp_keyfile_dict": {"private_key": "CANARY-k"}}`,
			`{"gcpsm":{"auth":{"secretRef":{"secretAccessKeySecretRef":{"key":"key.json","name":"airflow-secrets-store"}}},"projectID":"p"}}`, "key.json"},
		{"Google as it is", "gcp", `{}`, `{"gcpsm":{}}`, ""},
		{"Azure by identity", "azure", `{"vault_url": "https://v.vault.azure.net"}`,
			`{"azurekv":{"authType":"WorkloadIdentity","serviceAccountRef":{"name":"default"},"vaultUrl":"https://v.vault.azure.net"}}`, ""},
		{"Azure by secret", "azure", `{"vault_url": "https://v", "tenant_id": "t", "client_id": "c", "client_secret": "CANARY-s"}`,
			`{"azurekv":{"authSecretRef":{"clientId":{"key":"client_id","name":"airflow-secrets-store"},"clientSecret":{"key":"client_secret","name":"airflow-secrets-store"}},` +
				`"authType":"ServicePrincipal","tenantId":"t","vaultUrl":"https://v"}}`, "client_id client_secret"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := write(t, "external-secret", []render.Item{refers}, &render.Options{Backend: backend(t, tt.service, tt.kwargs)})
			text := file(t, out, "external-secret.yaml")
			if strings.Contains(text, "CANARY-") {
				t.Error("the manifest holds a credential")
			}
			store, _, _ := strings.Cut(text, "---\n")
			b, err := kubernetes.YAMLToJSONStrict([]byte(store))
			if err != nil {
				t.Fatal(err)
			}
			if _, got, _ := strings.Cut(strings.TrimSuffix(string(b), "}}"), `"spec":{"provider":`); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			for _, key := range strings.Fields(tt.keys) {
				if !strings.Contains(strings.Join(out.Notes, ""), " --from-file "+key+"=FILE") {
					t.Errorf("nobody is told to make the key %s", key)
				}
			}
		})
	}
}

var refers = render.Item{Name: "AIRFLOW_VAR_X", Value: "v", Secret: true, Remote: &render.Remote{Key: "variables/x"}}

func backend(t *testing.T, service, kwargs string) *render.Backend {
	t.Helper()
	v, err := pyjson.Decode(kwargs)
	if err != nil {
		t.Fatal(err)
	}
	return &render.Backend{Service: service, Class: "a.B", Kwargs: v.(*pyjson.Object)}
}

// TestNoSecretStore: what external-secrets.io cannot do is said.
func TestNoSecretStore(t *testing.T) {
	f, _ := render.Find("external-secret")
	for name, b := range map[string]*render.Backend{
		"none":                 nil,
		"local files":          backend(t, "localfile", `{}`),
		"another log-in":       backend(t, "vault", `{"auth_type": "github", "token": "CANARY-t"}`),
		"a mount in every id":  backend(t, "vault", `{"mount_point": null}`),
		"a class of one's own": backend(t, "", `{}`),
		"no region":            backend(t, "ssm", `{}`),
	} {
		if _, err := f.Write([]render.Item{refers}, &render.Options{Backend: b}); err == nil || strings.Contains(err.Error(), "CANARY-") {
			t.Errorf("%s: no error, or one with a credential", name)
		}
	}
	if _, err := f.Write([]render.Item{{Name: "N", Value: "v"}}, &render.Options{Backend: backend(t, "ssm", `{"region_name": "eu-west-1"}`)}); err == nil {
		t.Error("nothing to refer to is no error")
	}
}
