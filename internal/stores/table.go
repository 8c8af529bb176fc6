package stores

import (
	"slices"
	"sync"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store/azurestore"
	"github.com/airlock-secrets/airlock/store/gcpstore"
	"github.com/airlock-secrets/airlock/store/vaultstore"
)

// Known is the inventory: every secrets backend that Airflow's own and its
// stock provider packages have, with the paths each has had since 1.10. It is
// made once: what is in a row is not to be changed.
func Known() Table { return slices.Clone(inventory()) }

// inventory is asked for with every class that check reads, and its lists of
// kwargs take longer than the look-up.
var inventory = sync.OnceValue(func() Table {
	return Table{
		{Class: "airflow.providers.hashicorp.secrets.vault.VaultBackend", New: openVault,
			Kwargs: vaultstore.Kwargs(), Notes: vaultstore.Notes, Check: constructed(openVault),
			Route: vaultRoute, Lacks: vaultLacks,
			Service: "vault", Package: "apache-airflow-providers-hashicorp", Old: []string{
				"airflow.contrib.secrets.hashicorp_vault.VaultBackend",
				"airflow.contrib.secrets.hashicorp_vault.VaultSecrets",
				"airflow.providers.hashicorp.secrets.vault.VaultSecrets",
			}},
		{Class: "airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend", New: openSSM,
			Kwargs: ssmKwargs(), Notes: ssmNotes, Check: constructed(openSSM), Route: ssmRoute, Lacks: ssmLacks,
			Service: "ssm", Package: "apache-airflow-providers-amazon", Old: []string{
				"airflow.contrib.secrets.aws_systems_manager.SystemsManagerParameterStoreBackend",
				"airflow.contrib.secrets.aws_ssm.AwsSsmSecretsBackend",
				"airflow.providers.amazon.aws.secrets.ssm.AwsSsmSecretsBackend",
			}},
		{Class: "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend", New: openSecretsManager,
			Kwargs: secretsManagerKwargs(), Notes: secretsManagerNotes, Check: constructed(openSecretsManager),
			Route: secretsManagerRoute, Lacks: secretsManagerLacks,
			Service: "secretsmanager", Package: "apache-airflow-providers-amazon", Old: []string{
				"airflow.contrib.secrets.aws_secrets_manager.SecretsManagerBackend",
			}},
		{Class: "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend", New: openGCP,
			Kwargs: gcpstore.Kwargs(), Check: checkGCP, Route: gcpRoute, Lacks: gcpLacks,
			Service: "gcp", Package: "apache-airflow-providers-google", Old: []string{
				"airflow.contrib.secrets.gcp_secrets_manager.CloudSecretsManagerBackend",
				"airflow.contrib.secrets.gcp_secrets_manager.CloudSecretManagerBackend",
				"airflow.providers.google.cloud.secrets.secret_manager.CloudSecretsManagerBackend",
				"airflow.providers.google.cloud.secrets.secrets_manager.CloudSecretsManagerBackend",
			}},
		{Class: "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend", New: openAzure,
			Kwargs: azurestore.Kwargs(), Notes: azureNotes, Check: constructed(openAzure), Route: azureRoute, Lacks: azureLacks,
			Service: "azure", Package: "apache-airflow-providers-microsoft-azure", Old: []string{
				"airflow.contrib.secrets.azure_key_vault.AzureKeyVaultBackend",
				"airflow.providers.microsoft.azure.secrets.azure_key_vault.AzureKeyVaultBackend",
			}},
		{Class: "airflow.secrets.local_filesystem.LocalFilesystemBackend", New: openLocalFile, Service: "localfile",
			Kwargs: dialect.LocalFileKwargs(), Check: constructed(openLocalFile)},
	}
})
