package azurestore

import "slices"

// harmless are the kwargs that the pipeline of SecretClient reads and that
// change nothing of what is asked.
var harmless = []string{
	"decompress", "enable_cae", "headers", "logging_enable", "permit_redirects", "redirect_max", "redirect_on_status_codes", "redirect_remove_headers",
	"retry_backoff_max", "retry_mode", "retry_on_status_codes", "retry_read", "timeout", "tracing_attributes", "user_agent",
	"user_agent_overwrite", "user_agent_use_env",
}

// Kwargs are the kwargs of AzureKeyVaultBackend and of SecretClient, sorted.
// Nothing comes of any other.
func Kwargs() []string {
	names := slices.Concat(backendKwargs, harmless)
	for name := range clientKwargs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
