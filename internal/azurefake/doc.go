// Package azurefake is Azure as a client sees it over the wire, for tests: one
// HTTPS address that answers as Key Vault's secrets do, as the login service
// does under /adfs and under a tenant, and as the managed identity endpoint of
// App Service and of a virtual machine do.
//
// [Vault] is what is kept and who may have it, [Vault.ServeHTTP] the protocol,
// [Start] a listening server with faults to switch on.
//
// https://learn.microsoft.com/rest/api/keyvault/secrets/
package azurefake
