package setup

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// azure is Azure Key Vault.
func azure() Service {
	prefix := matching(`^[A-Za-z0-9-]+$`, "letters, digits and -: no other character is legal in a name there")
	uuid := matching(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`, "an id such as 00000000-0000-0000-0000-000000000000")
	return Service{Name: "azure", Title: "Azure Key Vault", plan: azurePlan, Questions: []Question{
		{Name: "vault-url", Title: "Vault URI", Help: "such as https://my-vault.vault.azure.net", Check: azureVaultURL},
		{Name: "variables-prefix", Title: "Prefix of variables", Help: "- and the key follow it", Default: "airflow-variables", Check: prefix},
		{Name: "connections-prefix", Title: "Prefix of connections", Help: "- and the id follow it", Default: "airflow-connections", Check: prefix},
		{Name: "config-prefix", Title: "Prefix of configuration options", Help: "what _SECRET options name", Default: "airflow-config", Check: prefix},
		{Name: "auth", Title: "How Airflow logs in", Help: "a secret of an app, or an identity of the place it runs in", Default: "client-secret",
			Choices: []string{"client-secret", "managed-identity", "workload-identity"}},
		{Name: "tenant-id", Title: "Directory (tenant) id", Help: "az account show --query tenantId", Optional: true, Check: uuid},
		{Name: "client-id", Title: "Application (client) id", Help: "of the app or of the managed identity", Optional: true, Check: uuid},
		{Name: "client-secret", Title: "Client secret", Help: "az ad app credential reset makes one", Secret: true, Env: "AIRLOCK_INIT_CLIENT_SECRET",
			When: is("auth", "client-secret")},
		{Name: "resource-group", Title: "Resource group of the vault", Help: "for the commands", Default: "airflow",
			Check: matching(`^[A-Za-z0-9_.()-]+$`, "a resource group's name")},
		{Name: "service-account", Title: "Kubernetes service account that Airflow runs as", Help: "namespace/name", Default: "airflow/airflow-worker",
			When: is("auth", "workload-identity"), Check: matching(`^[a-z0-9-]+/[a-z0-9.-]+$`, "namespace/name")},
	}}
}

func azureVaultURL(value string) error {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return errors.New("write the vault's address, https://NAME.vault.azure.net")
	}
	return nil
}

// vaultNameOf is the vault's name, the first label of its host.
func vaultNameOf(vaultURL string) string {
	u, err := url.Parse(vaultURL)
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(u.Hostname(), ".")
	return name
}

func azurePlan(a Answers) (*Plan, error) {
	p := &Plan{Kwargs: object("variables_prefix", a["variables-prefix"], "connections_prefix", a["connections-prefix"], "config_prefix", a["config-prefix"],
		"sep", "-", "vault_url", strings.TrimRight(a["vault-url"], "/"))}
	tenant := p.orPlaceholder(a["tenant-id"], "<tenant-id>", "az account show --query tenantId -o tsv")
	client := p.orPlaceholder(a["client-id"], "<client-id>", azureClientCommand(a))
	switch a["auth"] {
	case "client-secret":
		p.Other = []Variable{{"AZURE_TENANT_ID", tenant, false}, {"AZURE_CLIENT_ID", client, false},
			{"AZURE_CLIENT_SECRET", p.orPlaceholder(a["client-secret"], "<client-secret>", "az ad app credential reset --id CLIENT-ID --query password -o tsv"), true}}
	case "managed-identity":
		p.Kwargs.Set("managed_identity_client_id", client)
		p.Kwargs.Set("workload_identity_tenant_id", tenant)
	case "workload-identity":
		p.Kwargs.Set("managed_identity_client_id", client)
		p.Kwargs.Set("workload_identity_tenant_id", tenant)
		p.ServiceAccount = []Variable{{Name: "azure.workload.identity/client-id", Value: client}}
		p.Labels = []Variable{{Name: "azure.workload.identity/use", Value: "true"}}
	}
	p.Steps = azureSteps(a)
	return p, nil
}

func azureClientCommand(a Answers) string {
	if a["auth"] == "client-secret" {
		return "az ad app list --display-name airflow-secrets --query '[0].appId' -o tsv"
	}
	return "az identity show --name airflow-secrets --resource-group " + a["resource-group"] + " --query clientId -o tsv"
}

func azureSteps(a Answers) []Step {
	vault, group := vaultNameOf(a["vault-url"]), a["resource-group"]
	steps := azureIdentity(a)
	object := "$(az identity show --name airflow-secrets --resource-group " + group + " --query principalId -o tsv)"
	if a["auth"] == "client-secret" {
		object = "$(az ad sp list --display-name airflow-secrets --query '[0].id' -o tsv)"
	}
	rbac := fmt.Sprintf(`az role assignment create --role "Key Vault Secrets User" --assignee-object-id "%s" --assignee-principal-type ServicePrincipal `+
		`--scope "$(az keyvault show --name %s --query id -o tsv)"`, object, vault)
	policy := fmt.Sprintf(`az keyvault set-policy --name %s --object-id "%s" --secret-permissions get`, vault, object)
	steps = append(steps, Step{"let it read secrets: by a role, or by an access policy where the vault has those", []string{
		fmt.Sprintf(`if [ "$(az keyvault show --name %s --query properties.enableRbacAuthorization -o tsv)" = true ]; then`, vault),
		"  " + rbac, "else", "  " + policy, "fi"}})
	put := func(prefix, value string) string {
		return fmt.Sprintf("az keyvault secret set --vault-name %s --name %s-%s --value %s -o none", vault, prefix, strings.ReplaceAll(TestID, "_", "-"), value)
	}
	return append(steps, Step{"write a variable and a connection to test with", []string{
		put(a["variables-prefix"], TestValue), put(a["connections-prefix"], TestURI)}})
}

// azureIdentity makes who Airflow is.
func azureIdentity(a Answers) []Step {
	group := a["resource-group"]
	switch a["auth"] {
	case "client-secret":
		return []Step{{"register an app for Airflow", []string{
			"az ad app create --display-name airflow-secrets -o none",
			"az ad sp create --id \"$(az ad app list --display-name airflow-secrets --query '[0].appId' -o tsv)\" -o none"}}}
	case "workload-identity":
		return []Step{{"make a managed identity that the Kubernetes service account is", []string{
			"az identity create --name airflow-secrets --resource-group " + group + " -o none",
			fmt.Sprintf("az identity federated-credential create --name airflow --identity-name airflow-secrets --resource-group %s "+
				`--issuer "${OIDC_ISSUER:?set it to: az aks show --name CLUSTER --resource-group GROUP --query oidcIssuerProfile.issuerUrl -o tsv}" --subject system:serviceaccount:%s --audiences api://AzureADTokenExchange -o none`,
				group, strings.Replace(a["service-account"], "/", ":", 1))}}}
	}
	return []Step{{"make a managed identity, and give it to the place where Airflow runs", []string{
		"az identity create --name airflow-secrets --resource-group " + group + " -o none"}}}
}
