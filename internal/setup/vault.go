package setup

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// vault is HashiCorp Vault, and OpenBao, which speaks the same.
func vault() Service {
	return Service{Name: "vault", Title: "HashiCorp Vault or OpenBao", plan: vaultPlan, apply: applyVault, Questions: []Question{
		{Name: "url", Title: "Address of the Vault server, as Airflow reaches it", Help: "such as https://vault.example.com:8200", Check: serverURL},
		{Name: "mount-point", Title: "Mount of the KV engine", Help: "it is made where it does not exist", Default: "secret", Check: vaultName},
		{Name: "kv-engine-version", Title: "Version of the KV engine", Help: "vault secrets list -detailed tells it", Default: "2", Choices: []string{"2", "1"}},
		{Name: "namespace", Title: "Namespace", Help: "needed on HCP: admin", Optional: true, Check: vaultName},
		{Name: "variables-path", Title: "Path of variables", Help: "below the mount", Default: "variables", Check: vaultName},
		{Name: "connections-path", Title: "Path of connections", Help: "below the mount", Default: "connections", Check: vaultName},
		{Name: "config-path", Title: "Path of configuration options", Help: "what _SECRET options name", Default: "config", Check: vaultName},
		{Name: "auth-type", Title: "How Airflow logs in", Help: "AppRole anywhere, kubernetes in a cluster", Default: "approle",
			Choices: []string{"approle", "kubernetes", "token"}},
		{Name: "role", Title: "Role, and name of the policy", Help: "both are made with this name", Default: "airflow", Check: vaultName},
		{Name: "role-id", Title: "Role id", Help: "--apply fetches it", Optional: true, When: is("auth-type", "approle")},
		{Name: "secret-id", Title: "Secret id", Help: "--apply makes one", Secret: true, Env: "AIRLOCK_INIT_SECRET_ID", When: is("auth-type", "approle")},
		{Name: "token", Title: "Token", Help: "of the policy", Secret: true, Env: "AIRLOCK_INIT_TOKEN", When: is("auth-type", "token")},
		{Name: "service-account", Title: "Kubernetes service account that Airflow runs as", Help: "namespace/name", Default: "airflow/airflow-worker",
			When: is("auth-type", "kubernetes"), Check: matching(`^[a-z0-9-]+/[a-z0-9.-]+$`, "namespace/name")},
	}}
}

func serverURL(value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return errors.New("write an address that begins with https://")
	case u.User != nil:
		return errors.New("leave user and password out of the address")
	}
	return nil
}

// vaultName accepts what needs no quoting in a path, in a policy or in a shell.
func vaultName(value string) error {
	return matching(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`, "letters, digits, _ . - and /, with no / at the ends")(value)
}

func vaultPlan(a Answers) (*Plan, error) {
	p := &Plan{}
	p.Kwargs = object("url", a["url"], "namespace", a["namespace"], "mount_point", a["mount-point"], "kv_engine_version", int64(a["kv-engine-version"][0]-'0'),
		"variables_path", a["variables-path"], "connections_path", a["connections-path"], "config_path", a["config-path"], "auth_type", a["auth-type"])
	p.vaultLogin(a)
	p.Policies = []File{{Path: Folder + "/vault-policy.hcl", Text: vaultPolicy(a)}}
	p.Steps = vaultSteps(a)
	return p, nil
}

func (p *Plan) vaultLogin(a Answers) {
	switch a["auth-type"] {
	case "approle":
		p.Kwargs.Set("role_id", p.orPlaceholder(a["role-id"], "<role-id>", "vault read -field=role_id auth/approle/role/"+a["role"]+"/role-id"))
		p.Kwargs.Set("secret_id", p.orPlaceholder(a["secret-id"], "<secret-id>", "vault write -force -field=secret_id auth/approle/role/"+a["role"]+"/secret-id"))
		p.KwargsSecret = true
	case "kubernetes":
		p.Kwargs.Set("kubernetes_role", a["role"])
	case "token":
		p.Kwargs.Set("token", p.orPlaceholder(a["token"], "<token>", "vault token create -policy="+a["role"]+" -period=24h -field=token"))
		p.KwargsSecret = true
	}
}

// vaultPaths are the paths of policies at which Airflow reads.
func vaultPaths(a Answers) []string {
	data := "/data/"
	if a["kv-engine-version"] == "1" {
		data = "/"
	}
	var paths []string
	for _, kind := range []string{"variables-path", "connections-path", "config-path"} {
		paths = append(paths, a["mount-point"]+data+a[kind]+"/*")
	}
	return paths
}

// vaultPolicy grants reading and nothing else: the class never lists.
func vaultPolicy(a Answers) string {
	var b strings.Builder
	b.WriteString("# What Airflow's VaultBackend reads. It lists and writes nothing.\n")
	for _, path := range vaultPaths(a) {
		fmt.Fprintf(&b, "\npath %q {\n  capabilities = [\"read\"]\n}\n", path)
	}
	return b.String()
}

func vaultSteps(a Answers) []Step {
	mount, role := a["mount-point"], a["role"]
	steps := []Step{
		{"turn on the KV engine, unless the mount is there", []string{
			fmt.Sprintf("vault secrets list | grep -q '^%s/' || vault secrets enable -path=%s -version=%s kv", mount, mount, a["kv-engine-version"])}},
		{"write the policy: reading only", []string{fmt.Sprintf("vault policy write %s %s/vault-policy.hcl", role, Folder)}},
	}
	if step, ok := vaultLoginStep(a); ok {
		steps = append(steps, step)
	}
	return append(steps, Step{"write a variable and a connection to test with", []string{
		fmt.Sprintf("vault kv put -mount=%s %s/%s value=%s", mount, a["variables-path"], TestID, TestValue),
		fmt.Sprintf("vault kv put -mount=%s %s/%s conn_uri=%s", mount, a["connections-path"], TestID, TestURI)}})
}

func vaultLoginStep(a Answers) (Step, bool) {
	role := a["role"]
	switch a["auth-type"] {
	case "approle":
		return Step{"make the AppRole; its secret id ends after 90 days", []string{
			"vault auth list | grep -q '^approle/' || vault auth enable approle",
			fmt.Sprintf("vault write auth/approle/role/%s token_policies=%s token_ttl=20m token_max_ttl=1h secret_id_ttl=2160h", role, role),
			fmt.Sprintf("vault read -field=role_id auth/approle/role/%s/role-id", role),
			fmt.Sprintf("vault write -force -field=secret_id auth/approle/role/%s/secret-id", role),
		}}, true
	case "kubernetes":
		namespace, name, _ := strings.Cut(a["service-account"], "/")
		return Step{"bind the Kubernetes service account to the policy", []string{
			"vault auth list | grep -q '^kubernetes/' || vault auth enable kubernetes",
			"vault read auth/kubernetes/config >/dev/null || vault write auth/kubernetes/config kubernetes_host=https://kubernetes.default.svc",
			fmt.Sprintf("vault write auth/kubernetes/role/%s token_policies=%s token_ttl=20m bound_service_account_names=%s bound_service_account_namespaces=%s",
				role, role, name, namespace),
		}}, true
	case "token":
		return Step{"make a token that is renewed while it is used", []string{
			fmt.Sprintf("vault token create -policy=%s -period=24h -field=token", role)}}, true
	}
	return Step{}, false
}
