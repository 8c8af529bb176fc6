// Package vaultstore reads and writes the KV secrets engines, versions 1 and
// 2, of a HashiCorp Vault or OpenBao server.
//
// It sends what Airflow's VaultBackend sends through the Python libraries hvac
// 2.4 and requests: the same paths, percent-encoding, headers, log-ins,
// retries and redirects, so that a server and its audit log cannot tell the
// two apart. Where those differ from what a Go program would do by itself, the
// comment names the library that does it so.
//
// A secret is the JSON object of one KV entry (store.Object), to the byte as
// the server sent it. With an empty [Options.Mount] a name is "MOUNT/PATH",
// else it is the path inside that mount. Attributes of the protocol "vault"
// are custom_metadata; version 1 has none, and no versions.
//
// The first look-up logs in. The token is kept until the server answers 403;
// then one new log-in and one retry follow.
package vaultstore
