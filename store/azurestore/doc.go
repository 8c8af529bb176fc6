// Package azurestore reads and writes secrets of Azure Key Vault.
//
// Names are the vault's own: 1 to 127 letters, digits and dashes, upper and
// lower case being the same to the service. A payload is text.
//
// Requests go through Microsoft's own client; log-ins are those of
// AzureKeyVaultBackend, which are azure-identity's for Python: a client
// secret, or the chain of DefaultAzureCredential in Python's order, with the
// environment passed in. Nothing is read from the process environment, with
// one exception: the command lines az, azd and pwsh, which the chain tries
// last, are looked for in its PATH.
package azurestore
