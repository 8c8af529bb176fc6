package check

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
)

// leastGrant is the smallest grant with which a backend can read what its
// kwargs make it ask for, as text to paste.
func leastGrant(n *naming) string {
	var prefixes []string
	for _, kind := range []airflow.Kind{airflow.KindConnection, airflow.KindVariable, airflow.KindConfig} {
		prefix, on := n.prefix(kind)
		if on && (kind != airflow.KindConfig || len(secretOptions(n.Environment)) > 0) {
			prefixes = append(prefixes, prefix)
		}
	}
	switch n.Row.Service {
	case "vault":
		return stanzas(neededPaths(n))
	case "ssm", "secretsmanager":
		_, read, before := iamOf(n.Row.Service)
		arns := make([]string, len(prefixes))
		for i, prefix := range prefixes {
			arns[i] = fmt.Sprintf("arn:aws:%s:%s:*%s%s*", n.Row.Service, n.region(), before, prefix)
		}
		return statementJSON([]string{read}, arns)
	case "gcp":
		return n.leastBinding(prefixes)
	}
	return "az role assignment create --role 'Key Vault Secrets User' --assignee '<client-id>' " +
		"--scope \"$(az keyvault show --name '" + n.vaultName() + "' --query id --output tsv)\""
}

func (n *naming) leastBinding(prefixes []string) string {
	var tests []string
	for _, prefix := range prefixes {
		tests = append(tests, fmt.Sprintf(`resource.name.extract("/secrets/{name}/").startsWith("%s")`, prefix))
	}
	project, _ := n.text("project_id")
	return fmt.Sprintf("gcloud projects add-iam-policy-binding '%s' --member='<member>' --role=roles/secretmanager.secretAccessor "+
		"--condition='title=airflow,expression=%s'", cmp.Or(project, "<project>"), strings.Join(tests, " || "))
}

// region is the one that an AWS backend asks, a star where that is not known.
func (n *naming) region() string {
	if name, ok := n.text("region_name"); ok && name != "" && !dynamic(name) {
		return name
	}
	if s := n.Environment.Lookup("AWS_DEFAULT_REGION"); s != nil && s.Known && s.Value != "" && !dynamic(s.Value) {
		return s.Value
	}
	return "*"
}

// vaultName is the name of the Key Vault in vault_url.
func (n *naming) vaultName() string {
	text, _ := n.text("vault_url")
	name, _, ok := strings.Cut(strings.TrimPrefix(text, "https://"), ".vault.")
	if !ok || strings.ContainsAny(name, "/'<> ") {
		return "<vault>"
	}
	return name
}
