// Package vault holds the shapes that travel between a client and a Vault
// server over HTTP: what internal/facade/vault writes and store/vaultstore
// reads, and the other way round. It has no behaviour beyond naming paths.
//
// The reference is Vault's HTTP API as OpenBao 2.x serves it:
//
//   - envelope, headers, errors: https://openbao.org/api-docs/
//   - KV version 1: https://openbao.org/api-docs/secret/kv/kv-v1/
//   - KV version 2: https://openbao.org/api-docs/secret/kv/kv-v2/
//   - AppRole: https://openbao.org/api-docs/auth/approle/
//   - tokens: https://openbao.org/api-docs/auth/token/
//   - health and seal: https://openbao.org/api-docs/system/health/ and
//     https://openbao.org/api-docs/system/seal-status/
package vault

// Request headers. A server refuses a request without RequestHeader only when
// its operator asked for it; clients always send it.
// https://openbao.org/api-docs/#the-x-vault-request-header
const (
	TokenHeader     = "X-Vault-Token"
	NamespaceHeader = "X-Vault-Namespace"
	RequestHeader   = "X-Vault-Request"
	WrapTTLHeader   = "X-Vault-Wrap-TTL"

	// AgeHeader has the seconds since a value was right, and WarningHeader
	// StaleWarning, where airlock's own source cannot be asked.
	AgeHeader     = "Age"
	WarningHeader = "Warning"
	StaleWarning  = `110 airlock "Response is Stale"`
)

// MethodList is the verb of list operations; GET with ?list=true is the same.
// https://openbao.org/api-docs/#api-operations
const MethodList = "LIST"

// ContentType is the only type Vault answers in, errors included.
const ContentType = "application/json"

// ContentTypeMergePatch is what a KV version 2 PATCH must be sent as.
// https://openbao.org/api-docs/secret/kv/kv-v2/#patch-secret
const ContentTypeMergePatch = "application/merge-patch+json"
