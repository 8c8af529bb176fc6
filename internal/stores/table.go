package stores

// Known is the inventory: every secrets backend that Airflow's own and its
// stock provider packages have, with the paths each has had since 1.10.
func Known() Table {
	return Table{
		{Class: "airflow.providers.hashicorp.secrets.vault.VaultBackend", New: openVault,
			Service: "vault", Package: "apache-airflow-providers-hashicorp", Old: []string{
				"airflow.contrib.secrets.hashicorp_vault.VaultBackend",
				"airflow.contrib.secrets.hashicorp_vault.VaultSecrets",
				"airflow.providers.hashicorp.secrets.vault.VaultSecrets",
			}},
		{Class: "airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend", New: openSSM,
			Service: "ssm", Package: "apache-airflow-providers-amazon", Old: []string{
				"airflow.contrib.secrets.aws_systems_manager.SystemsManagerParameterStoreBackend",
				"airflow.contrib.secrets.aws_ssm.AwsSsmSecretsBackend",
				"airflow.providers.amazon.aws.secrets.ssm.AwsSsmSecretsBackend",
			}},
		{Class: "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend", New: openSecretsManager,
			Service: "secretsmanager", Package: "apache-airflow-providers-amazon", Old: []string{
				"airflow.contrib.secrets.aws_secrets_manager.SecretsManagerBackend",
			}},
		{Class: "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend", New: openGCP,
			Service: "gcp", Package: "apache-airflow-providers-google", Old: []string{
				"airflow.contrib.secrets.gcp_secrets_manager.CloudSecretsManagerBackend",
				"airflow.contrib.secrets.gcp_secrets_manager.CloudSecretManagerBackend",
				"airflow.providers.google.cloud.secrets.secret_manager.CloudSecretsManagerBackend",
				"airflow.providers.google.cloud.secrets.secrets_manager.CloudSecretsManagerBackend",
			}},
		{Class: "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend", New: openAzure,
			Service: "azure", Package: "apache-airflow-providers-microsoft-azure", Old: []string{
				"airflow.contrib.secrets.azure_key_vault.AzureKeyVaultBackend",
				"airflow.providers.microsoft.azure.secrets.azure_key_vault.AzureKeyVaultBackend",
			}},
		{Class: "airflow.secrets.local_filesystem.LocalFilesystemBackend", New: openLocalFile, Service: "localfile"},
	}
}
